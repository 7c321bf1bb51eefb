import { expect } from 'chai'
import { hasCode } from '../../src/core/errors.js'
import { classifyFault, connect, redactUrl } from '../../src/store/client.js'
import { quoteIdentifier, quoteLiteral, quoteTable } from '../../src/store/identifiers.js'
import { useDatabase } from '../support/database.js'
import { databaseError } from '../support/fake-store.js'

describe('connect', () => {
  const database = useDatabase()

  it('finds out that it speaks to Postgres itself, and ends all its pools', async () => {
    const connected = await connect({ url: database.url })
    expect(connected.pooling).to.equal('direct')
    expect(connected.serverVersion).to.be.at.least(140_000)
    const beside = connected.openPool({ max: 1, silenceMs: 60_000 })
    expect((await beside`select 1 as one`)[0]).to.deep.equal({ one: 1 })
    await connected.close()
    const after = await beside`select 1`.catch(classifyFault)
    expect(after).to.equal('transient')
  })

  it('takes the operator’s word about a pooler', async () => {
    const connected = await connect({ url: database.url, pooling: 'transaction' })
    expect(connected.pooling).to.equal('transaction')
    await connected.close()
  })

  it('tells nobody there from somebody who refuses, and names no password', async () => {
    const nobody = new URL(database.url)
    nobody.port = '1'
    nobody.password = 'secret'
    const refused = new URL(database.url)
    refused.pathname = '/no_such_database'
    for (const [url, code] of [
      [nobody, 'DATABASE_UNAVAILABLE'],
      [refused, 'DATABASE_REFUSED'],
    ] as const) {
      const request = connect({ url: url.toString(), connectTimeoutS: 2 })
      const error = await request.catch((thrown: unknown) => thrown)
      expect(hasCode(error, code), String(error)).to.equal(true)
      expect(String(error)).to.not.include('secret')
    }
  })
})

describe('redactUrl', () => {
  it('leaves out the password, wherever it stands', () => {
    expect(redactUrl('postgres://me:secret@host/db')).to.equal('postgres://me:***@host/db')
    expect(redactUrl('postgres://host/db?password=secret&x=1')).to.equal('postgres://host/db?x=1')
    expect(redactUrl('secret')).to.not.include('secret')
  })
})

describe('classifyFault', () => {
  const cases: readonly (readonly [string, string])[] = [
    ['CONNECTION_CLOSED', 'transient'],
    ['ECONNREFUSED', 'transient'],
    ['08006', 'transient'],
    ['40001', 'transient'],
    ['40P01', 'transient'],
    ['53300', 'transient'],
    ['55P03', 'transient'],
    ['57014', 'transient'],
    ['57P01', 'transient'],
    ['25006', 'transient'],
    ['22P05', 'data'],
    ['22003', 'data'],
    ['23505', 'data'],
    ['23503', 'data'],
    ['P0001', 'data'],
    ['42703', 'program'],
    ['42P01', 'program'],
    ['UNDEFINED_VALUE', 'program'],
  ]
  for (const [code, fault] of cases) {
    it(`${code} is ${fault}`, () => {
      expect(classifyFault(databaseError(code))).to.equal(fault)
    })
  }

  it('takes what carries no code for a fault of the program', () => {
    for (const thrown of [new Error('words'), null, 'words', { code: '40001' }]) {
      expect(classifyFault(thrown)).to.equal('program')
    }
  })
})

describe('identifiers', () => {
  const database = useDatabase()

  it('mean what they say, whatever they hold', async () => {
    for (const name of [
      'plain',
      'Mixed Case',
      'quo"te',
      "apos'trophe",
      'back\\slash',
      'ünï',
      '$1',
    ]) {
      const [row] = await database.sql.unsafe<{ name: string; text: string }[]>(
        `select name, ${quoteLiteral(name)} as text
           from (select 1) as one (${quoteIdentifier(name)}),
                lateral (select ${quoteLiteral(name)}::text as name) as same`,
      )
      expect(row).to.deep.equal({ name, text: name })
    }
  })

  it('look a bare table up in public, and refuse what is none', () => {
    expect(quoteTable('pages')).to.equal('public."pages"')
    expect(quoteTable('Other.Pages')).to.equal('"Other"."Pages"')
    expect(() => quoteTable('a.b.c')).to.throw('schema.name')
    expect(() => quoteIdentifier('')).to.throw()
    expect(() => quoteIdentifier('a\0')).to.throw('NUL')
    expect(() => quoteIdentifier('x'.repeat(64))).to.throw('too long')
    expect(() => quoteLiteral('a\0')).to.throw('NUL')
  })
})
