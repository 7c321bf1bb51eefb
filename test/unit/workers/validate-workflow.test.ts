import { expect } from 'chai'
import { hasCode, messageOf } from '../../../src/core/errors.js'
import { validateWorkflow } from '../../../src/workflow/validate.js'

const sink = { table: 'public.contacts', columns: { value: 'text' }, key: ['value'] }
const source = {
  table: 'pages',
  key: 'page_id',
  keyType: 'bigint',
  status: 'status',
  payload: ['url'],
}
const sound = { name: 'my-flow', sinks: { contacts: sink }, work: () => ({}) }

function violationsOf(value: unknown): string[] {
  try {
    validateWorkflow(value, 'flow.js')
    return []
  } catch (error) {
    expect(hasCode(error, 'WORKFLOW_INVALID')).to.equal(true)
    expect(messageOf(error)).to.contain('flow.js')
    return messageOf(error).split('\n- ').slice(1)
  }
}

describe('workflow/validate', () => {
  const accepted: readonly (readonly [string, unknown])[] = [
    ['the smallest', { name: 'a', sinks: {}, work: () => ({}) }],
    ['one with a sink', sound],
    [
      'one with everything',
      {
        ...sound,
        source: {
          ...source,
          statusType: 'public."State"',
          where: "kind = 'x' and n > 1",
          updatedAt: 'updated_at',
          urlColumn: 'url',
          insert: { status: 'Queued' },
          laneColumn: 'url',
        },
        sinks: {
          contacts: {
            ...sink,
            columns: { value: 'text', share: 'double precision' },
            key: ['page_id', 'value'],
            onConflict: 'update',
            keep: ['share'],
            leaseColumn: 'lease_id',
            sourceKeyColumn: 'page_id',
          },
        },
        tables: ['create table if not exists pages ()'],
        options: { concurrency: 4 },
      },
    ],
    [
      'names in quotes, with blanks and capitals, and a payload with types',
      {
        ...sound,
        source: {
          ...source,
          table: '"my.schema".My Pages',
          key: 'Page Id',
          payload: { 'The URL': 'text' },
        },
      },
    ],
  ]
  for (const [what, value] of accepted) {
    it(`accepts ${what} and returns it as it is`, () => {
      expect(validateWorkflow(value, 'flow.js')).to.equal(value)
    })
  }

  const withSink = (change: object) => ({ ...sound, sinks: { contacts: { ...sink, ...change } } })
  const withSource = (change: object) => ({ ...sound, source: { ...source, ...change } })
  const refused: readonly (readonly [unknown, RegExp])[] = [
    [undefined, /`default export`.*got nothing.*defineWorkflow/],
    [null, /`default export`.*got null/],
    ['x', /`default export`.*got "x"/],
    [[], /`default export`.*got a list/],
    [{ ...sound, name: 'Bad Name' }, /`name`: expected lower-case.*got "Bad Name"/],
    [{ ...sound, name: '' }, /`name`/],
    [{ ...sound, name: 'x'.repeat(41) }, /`name`/],
    [{ ...sound, work: 'x' }, /`work`: expected a function/],
    [{ ...sound, wrok: 1 }, /`wrok`: expected no such field \(known: name/],
    [{ ...sound, sinks: undefined }, /`sinks`.*`sinks: \{\}`/],
    [{ ...sound, sinks: { 'a b': sink } }, /`sinks`: expected a sink name.*"a b"/],
    [{ ...sound, tables: 'create' }, /`tables`: expected a list/],
    [{ ...sound, tables: [''] }, /`tables\[0\]`/],
    [withSink({ table: 'a.b.c' }), /`sinks\.contacts\.table`/],
    [withSink({ columns: { value: 'varchar' } }), /columns\.value`: expected one of text, bigint/],
    [
      withSink({ columns: { '': 'text', value: 'text' } }),
      /columns`: expected the name of a column/,
    ],
    [withSink({ columns: [] }), /columns`: expected an object/],
    [withSink({ key: [] }), /key`: expected at least one column.*written twice/],
    [withSink({ key: 'value' }), /key`: expected a list/],
    [withSink({ key: ['vlaue'] }), /key\[0\]`.*got "vlaue".*Add it to `columns`/],
    [withSink({ key: ['value', 'value'] }), /key\[1\]`: expected each column of the key once/],
    [withSink({ onConflict: 'replace' }), /onConflict`: expected one of ignore, update/],
    [withSink({ keep: ['value'] }), /keep`: expected a sink with onConflict: 'update'/],
    [
      withSink({ onConflict: 'update', keep: ['elsewhere'] }),
      /keep\[0\]`: expected a column that `columns` names, got "elsewhere"/,
    ],
    [withSink({ leaseColumn: 'value' }), /leaseColumn`.*Remove it/],
    [withSink({ leaseColumn: 'a\0b' }), /leaseColumn`: expected the name of a column/],
    [
      withSink({ sourceKeyColumn: 'page_id' }),
      /sourceKeyColumn`: expected a workflow with a source/,
    ],
    [withSink({ extra: 1 }), /`sinks\.contacts\.extra`: expected no such field/],
    [withSource({ table: 7 }), /`source\.table`.*got 7/],
    [withSource({ key: '' }), /`source\.key`/],
    [withSource({ keyType: 'int' }), /`source\.keyType`/],
    [withSource({ status: undefined }), /`source\.status`.*got nothing/],
    [withSource({ statusType: 'a;b' }), /`source\.statusType`/],
    [withSource({ where: 'true; drop table x' }), /`source\.where`/],
    [withSource({ where: ' ' }), /`source\.where`/],
    [withSource({ payload: [''] }), /`source\.payload\[0\]`/],
    [withSource({ payload: { url: 'string' } }), /`source\.payload\.url`: expected one of text/],
    [withSource({ payload: undefined }), /`source\.payload`: expected a list, got nothing/],
    [withSource({ insert: { status: 1 } }), /`source\.insert\.status`: expected a string/],
    [withSource({ urlColumn: 'x'.repeat(64) }), /`source\.urlColumn`/],
    [{ ...sound, options: 7 }, /`options`: expected an object, got 7/],
    [withSource({ lane: 'x' }), /`source\.lane`: expected no such field/],
    [{ ...sound, source: null }, /`source`: expected an object, got null/],
  ]
  for (const [value, expected] of refused) {
    it(`refuses by ${expected}`, () => {
      const violations = violationsOf(value)
      expect(violations).to.have.length(1)
      expect(violations[0]).to.match(expected)
    })
  }

  it('tells all violations at once', () => {
    const value = { name: 'X', source: {}, sinks: { a: {}, b: { ...sink, key: [1] } } }
    const violations = violationsOf(value)
    for (const field of ['name', 'work', 'source.table', 'source.payload', 'sinks.a.columns']) {
      expect(violations.join('\n')).to.contain(`\`${field}\``)
    }
    expect(violations.length).to.be.greaterThan(9)
  })

  it('takes a file for a source that is no table, and holds it to its own fields', () => {
    const flow = (source: object) => ({ name: 'flow', sinks: {}, work: () => ({}), source })
    const { source, file } = validateWorkflow(flow({ file: 'a.csv', key: 'id' }), 'flow.js')
    expect({ source, file }).to.deep.equal({
      source: undefined,
      file: { file: 'a.csv', key: 'id' },
    })
    expect(() => validateWorkflow(flow({ file: '', format: 'xml', table: 't' }), 'flow.js'))
      .to.throw(/`source.table`: expected no such field/)
      .with.property('message')
      .that.matches(/`source.format`: expected one of csv, ndjson, lines/)
  })
})
