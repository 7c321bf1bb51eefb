import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'chai'
import postgres from 'postgres'
import { processesWith } from '../../supervisor/torture/processes.js'
import { useDatabase } from '../support/database.js'
import { eventually } from '../support/poll.js'
import { runProgram, startProgram, useDirectory, useSite } from './program.js'

const SMALL = ['--nodes', '1', '--items', '60', '--processes', '1', '--concurrency', '6']

/** Reads a field of what a program printed as JSON. */
function fieldOf(value: unknown, name: string): unknown {
  expect(value).to.be.an('object').with.property(name)
  return Object.getOwnPropertyDescriptor(value, name)?.value
}

describe('cli: torture', () => {
  const database = useDatabase()
  const directory = useDirectory()
  const site = useSite()
  const optionsFor = (url = database.url) => ({
    cwd: directory.path,
    environment: { DATABASE_URL: url, TMPDIR: directory.path },
  })

  async function leftInSchema(): Promise<readonly unknown[]> {
    return database.sql`
      select name from fetchyard.workflow
      union all select 'item' from fetchyard.item
      union all select 'pack' from fetchyard.work_queue
      union all select 'receipt' from fetchyard.processing_log
      union all select 'node' from fetchyard.node
      union all select 'table' from pg_tables where tablename = 'torture_page'`
  }

  it('keeps every promise for 20 s, adds up, and leaves nothing', async () => {
    const words = ['torture', '--seconds', '20', '--seed', '11', '--json', '--report', 'ledger.md']
    const ended = await runProgram(words, optionsFor())

    expect(ended.exitCode, `${ended.stderr}${ended.stdout}`).to.equal(0)
    expect(ended.stderr).to.match(/Torturing database fetchyard_test_\w+ on 127\.0\.0\.1 as /)
    expect(ended.stderr).to.contain('schema fetchyard alone')
    const ledger: unknown = JSON.parse(ended.stdout)
    expect(ledger).to.include({ schema: 1, seed: 11, isClean: true })
    expect(fieldOf(ledger, 'problems')).to.deep.equal([])
    const kinds = Object.values(Object(fieldOf(ledger, 'faults')))
    const done = kinds.reduce((sum: number, count) => sum + Number(count), 0)
    expect(fieldOf(ledger, 'log')).to.be.an('array').with.lengthOf(done)
    const figures = fieldOf(ledger, 'figures')
    const count = (name: string) => Number(fieldOf(figures, name))
    expect(count('items')).to.be.above(300)
    expect(count('items')).to.equal(count('complete') + count('failed'))
    expect(count('fetches')).to.be.at.least(count('items'))
    expect(count('fetches') - count('fetchedAgain')).to.equal(count('items'))
    expect(figures).to.include({ lost: 0, appliedTwice: 0 })
    expect(fieldOf(ledger, 'replay')).to.equal('fetchyard torture --seconds 20 --seed 11')
    expect(await leftInSchema()).to.deep.equal([])
    expect(await processesWith(`TMPDIR=${directory.path}/fetchyard-torture`)).to.deep.equal([])
  }).timeout(180_000)

  it("works a user's workflow through faults, and touches nothing of it afterwards", async () => {
    const urls = Array.from({ length: 60 }, (_, index) => `${site.origin}/shop${index}`)
    await writeFile(join(directory.path, 'urls.txt'), urls.join('\n'))
    const words = [
      'torture',
      'contacts',
      '--input',
      'urls.txt',
      '--seconds',
      '6',
      '--json',
      ...SMALL,
    ]
    words.push('--allow-ranges', 'loopback', '--faults', 'kill-worker,drop-answers,exit')
    const ended = await runProgram(words, optionsFor())

    expect(ended.exitCode, `${ended.stderr}${ended.stdout}`).to.equal(0)
    expect(ended.stderr).to.contain('public.pages')
    const ledger: unknown = JSON.parse(ended.stdout)
    expect(ledger).to.include({ workflow: 'contacts', isClean: true })
    expect(fieldOf(ledger, 'leftOut')).to.deep.equal(['exit: needs items of the built-in workflow'])
    // How many were fed in that time depends on the machine; all of these are complete.
    const items = Number(fieldOf(fieldOf(ledger, 'figures'), 'items'))
    expect(items).to.be.within(1, urls.length)
    expect(fieldOf(ledger, 'figures')).to.include({ complete: items })
    const rows = await database.sql`
      select from public.contacts join fetchyard.processing_log using (lease_id)`
    expect(rows.length, 'results with their receipts').to.be.at.least(items)
    await database.sql`drop table public.contacts, public.pages`
    await database.sql`drop schema fetchyard cascade`
  }).timeout(120_000)

  it('ends with 3 and names the item when a promise is broken under it', async () => {
    const words = ['torture', '--seconds', '5', '--seed', '12', '--faults', 'cut', ...SMALL]
    const running = startProgram(words, optionsFor())
    const broken = await eventually({ words: 'a receipt of success' }, async () => {
      const rows = await database.sql<{ key: string }[]>`
        delete from fetchyard.processing_log
         where (item_id, ended_at) = (select item_id, ended_at from fetchyard.processing_log
                                       where status = 'success' limit 1)
        returning item_key as key`.catch(() => [])
      return rows[0]?.key
    })
    const ended = await running.ended

    expect(ended.exitCode, ended.stderr).to.equal(3)
    expect(ended.stdout).to.contain(`${broken} ended 0 times`)
    expect(ended.stdout).to.contain(`${broken} has results and no receipt of success`)
    expect(ended.stdout).to.match(/fetchyard torture --seconds 5 --seed 12 .*--faults cut/)
    expect(await leftInSchema(), 'what is left to be looked at').to.not.deep.equal([])
  }).timeout(180_000)

  it('ends cleanly on Ctrl-C, without anybody left', async () => {
    const running = startProgram(['torture', '--minutes', '5', ...SMALL], optionsFor())
    // By then what the storm before it left is gone.
    await running.says('Torturing database')
    await eventually({ words: 'work' }, async () => {
      const rows = await database.sql`select from fetchyard.torture_page limit 1`.catch(() => [])
      return rows.length > 0
    })
    running.child.kill('SIGINT')
    const ended = await running.ended

    expect(ended.exitCode, ended.stderr).to.equal(75)
    expect(await processesWith(`TMPDIR=${directory.path}/fetchyard-torture`)).to.deep.equal([])
    expect(await leftInSchema()).to.deep.equal([])
  }).timeout(120_000)

  it('leaves no process behind when it is killed itself, the frozen ones included', async () => {
    const words = ['torture', '--minutes', '5', '--faults', 'freeze', '--lease', '60s', ...SMALL]
    const running = startProgram(words, optionsFor())
    const mark = `TMPDIR=${directory.path}/fetchyard-torture`
    await eventually({ words: 'a frozen supervisor' }, async () => {
      const rows = await database.sql`
        select from fetchyard.node
         where fenced_at is null and clock_timestamp() - alive_until > interval '-55 seconds'`
      return rows.length > 0
    })
    running.child.kill('SIGKILL')
    await running.ended
    await eventually({ words: 'the end of all processes' }, async () => {
      return (await processesWith(mark)).length === 0
    })
    await database.sql`drop schema fetchyard cascade`
  }).timeout(120_000)

  it('refuses a database that looks like production before it touches it', async () => {
    const name = `shop_production_${process.pid}`
    const { sql } = database
    await sql`create database ${sql(name)}`
    const url = new URL(database.url)
    url.pathname = `/${name}`
    const production = postgres(url.href, { max: 1, onnotice: () => {} })
    try {
      const refused = await runProgram(['torture', '--seconds', '5'], optionsFor(url.href))
      expect(refused.exitCode).to.equal(78)
      expect(refused.stderr).to.contain(`--database ${name}`)
      const schemas = await production`select from pg_namespace where nspname = 'fetchyard'`
      expect(schemas).to.have.lengthOf(0)
      const misnamed = ['torture', '--seconds', '5', '--database', 'shop']
      expect((await runProgram(misnamed, optionsFor(url.href))).exitCode).to.equal(2)

      const named = ['torture', '--seconds', '5', '--database', name, '--faults', 'cut', ...SMALL]
      const ran = await runProgram(named, optionsFor(url.href))
      expect(ran.exitCode, `${ran.stderr}${ran.stdout}`).to.equal(0)
    } finally {
      await production.end({ timeout: 1 })
      await sql`drop database ${sql(name)} with (force)`
    }
  }).timeout(120_000)

  it('refuses where another supervisor works', async () => {
    const up = startProgram(['up', 'contacts', '--port', 'off'], optionsFor())
    await eventually({ words: 'a node' }, async () => {
      const rows = await database.sql`select from fetchyard.node`.catch(() => [])
      return rows.length > 0
    })
    const refused = await runProgram(['torture', '--seconds', '5'], optionsFor())
    up.child.kill('SIGTERM')
    await up.ended

    expect(refused.exitCode).to.equal(78)
    expect(refused.stderr).to.match(/Supervisors work in this database now.*pid \d+/)
  })

  for (const [words, told] of [
    [['--faults', 'kil-worker'], /no fault `kil-worker`.*`kill-worker`/],
    [['--seconds', '5', '--minutes', '1'], /--minutes or --seconds, got both/],
    [['--nodes', '0'], /--nodes to be a whole number from 1 to 16, got 0/],
    [['--seed', 'x'], /--seed to be a whole number/],
  ] as const) {
    it(`refuses ${words.join(' ')}`, async () => {
      const ended = await runProgram(['torture', ...words], optionsFor())
      expect(ended.exitCode).to.equal(2)
      expect(ended.stderr).to.match(told)
    })
  }
})
