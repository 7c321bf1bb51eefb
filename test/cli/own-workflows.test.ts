// A user's own workflows under `up`: several on one node, the sick ones refused, tables bound.

import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'chai'
import { useAudit } from '../support/audited.js'
import { useDatabase } from '../support/database.js'
import { eventually } from '../support/poll.js'
import { type Program, runProgram, startProgram, useDirectory, useSite } from './program.js'

const HABITS = ['--allow-ranges', 'loopback', '--port', 'off']

/** Titles of pages to a table of its own. */
const flow = (name: string, more = '') => `
export default {
  name: '${name}',
  sinks: { pages: { table: 'own_${name}', columns: { url: 'text', body: 'text' }, key: ['url'] } },
  tables: ['create table if not exists own_${name} (url text primary key, body text)'],
  ${more}
  work: async (item, context) => {
    const page = await context.fetchPage(item.payload.url)
    return { pages: [{ url: page.url, body: page.text }] }
  },
}`

const CONFIGURATION = `export default {
  workflows: [
    './flows/one.mjs',
    { module: './flows/two.mjs', concurrency: 2, executor: 'thread', alertErrorPercent: 20 },
    './flows/throwing.mjs',
    './flows/leaving.mjs',
    './flows/tableless.mjs',
    './flows/optioned.mjs',
    './flows/nowhere.mjs',
  ],
}`

describe('cli: workflows of one’s own', () => {
  const database = useDatabase()
  useAudit(database)
  const directory = useDirectory()
  const site = useSite()
  const options = () => ({ cwd: directory.path, environment: { DATABASE_URL: database.url } })
  const run = (words: readonly string[], input = '') => runProgram(words, { ...options(), input })

  before(async () => {
    const files = {
      'one.mjs': flow('one'),
      'two.mjs': flow('two', 'options: { attempts: 2 },'),
      'throwing.mjs': `${flow('throwing')}\nthrow new Error('sick on import')`,
      'leaving.mjs': 'process.exit(0)',
      'tableless.mjs': flow('tableless').replace(/tables: .*/, ''),
      'optioned.mjs': flow('optioned', 'options: { concurency: 2 },'),
      'bound.mjs': flow('bound'),
    }
    await mkdir(join(directory.path, 'flows'))
    for (const [name, text] of Object.entries(files)) {
      await writeFile(join(directory.path, 'flows', name), text)
    }
    await writeFile(join(directory.path, 'fetchyard.config.mjs'), CONFIGURATION)
  })

  const stop = async (up: Program) => {
    up.child.kill('SIGTERM')
    expect((await up.ended).exitCode).to.equal(0)
  }

  it('says which modules cannot be loaded when a name is not found', async () => {
    const { exitCode, stderr } = await run(
      ['run', 'throwing', '--input', '-'],
      'https://a.example/\n',
    )
    expect(exitCode).to.equal(2)
    expect(stderr).to.contain('There is no workflow `throwing`')
    expect(stderr).to.match(/\.\/flows\/throwing\.mjs: .*sick on import/)
    expect(stderr).to.not.contain('./flows/one.mjs')
  })

  it('works the sound ones, each by its own options, and says of each sick one what is wrong', async () => {
    const up = startProgram(['up', ...HABITS], options())
    await up.says('Refused ./flows/throwing.mjs')
    await up.says('supervisor.started')
    for (const name of ['one', 'two']) {
      const fed = await run(['enqueue', name], `${site.origin}/${name}\n`)
      expect(fed.exitCode, fed.stderr).to.equal(0)
      await eventually({ words: `the result of ${name}` }, async () => {
        const rows = await database.sql.unsafe(`select from public.own_${name}`)
        return rows.length === 1
      })
    }
    const { stdout } = await run(['status', '--json'])
    const status: { workflows: Record<string, unknown>[]; nodes: { refused: unknown }[] } =
      JSON.parse(stdout)
    const words = await run(['status'])
    await stop(up)

    const [one, two] = status.workflows
    expect(one).to.deep.include({ workflow: 'one', complete: 1, errors: {} })
    expect(two).to.deep.include({
      ...{ workflow: 'two', complete: 1 },
      alerts: {
        ...{ successPercent: 95, errorPercent: 20, latencyMs: 300_000, oldestMs: null },
        ...{ stallMs: 300_000, reclaims: 0, budgetPercent: 90, creditsRisePercent: 50 },
      },
    })
    expect(two?.latencyP95Ms).to.be.a('number')
    expect(two?.perSecond).to.be.above(0)
    const refused = JSON.stringify(status.nodes[0]?.refused)
    for (const [module, reason] of [
      ['throwing.mjs', /sick on import \(line \d+\)/],
      ['leaving.mjs', /ended with code 0 before it was imported/],
      ['tableless', /`sinks\.pages\.table`: expected a table that exists, got \\+"own_tableless/],
      ['optioned.mjs', /Unknown option `concurency`.*Did you mean `concurrency`/],
      ['nowhere.mjs', /There is no workflow module at/],
    ] as const) {
      expect(refused).to.contain(module).and.to.match(reason)
      expect(words.stdout).to.match(new RegExp(`${module} is refused by`))
      expect(up.stderr()).to.contain(`Refused`)
    }
    expect(words.stdout).to.match(/two +0 +0 +0 +1 +0 +0 +[\d.]+\/s +< \S+ .*no\n/)
    const plans = await database.sql<{ plans: object }[]>`select plans from fetchyard.node`
    expect(Object.keys(plans[0]?.plans ?? {})).to.deep.equal(['one', 'two'])
  })

  it('does not start when none can be worked, with the reasons', async () => {
    const words = ['up', './flows/throwing.mjs', './flows/tableless.mjs', ...HABITS]
    const ended = await run(words)
    expect(ended.exitCode).to.equal(78)
    expect(ended.stderr).to.contain('No workflow can be started.')
    expect(ended.stderr).to.contain('sick on import').and.to.contain('`sinks.pages.table`')
  })

  it('binds a table as shown before, works its rows, and lets go of it', async () => {
    const { sql } = database
    await sql.unsafe(`create table public."My Pages" ("The Id" uuid primary key default gen_random_uuid(),
      url text not null, active boolean, state text)`)
    const insert = (path: string) => sql`
      insert into public."My Pages" (url, active, state) values (${`${site.origin}/${path}`}, true, 'Queued')`
    await insert('before')
    await sql`insert into public."My Pages" (url, active, state) values ('x', false, 'Queued')`
    await sql`insert into public."My Pages" (url, active, state) values ('y', true, 'Processing')`
    const table = ['--table', 'My Pages', '--status', 'state', '--where', 'active']
    const bind = ['bind', './flows/bound.mjs', ...table]

    const shown = await run([...bind, '--dry-run'])
    expect(shown.exitCode, shown.stderr).to.equal(0)
    expect(shown.stdout).to.contain('after insert on public."My Pages"')
    expect(await sql`select from fetchyard.workflow where name = 'bound'`).to.have.length(0)

    const bound = await run(bind)
    expect(bound.exitCode, bound.stderr).to.equal(0)
    expect(bound.stdout).to.match(
      /Bound bound to My Pages: 1 rows enqueued\.\n1 rows are 'Processing'/,
    )

    const up = startProgram(['up', './flows/bound.mjs', ...HABITS], options())
    await up.says('supervisor.started')
    await insert('after')
    await eventually({ words: 'both rows to be complete' }, async () => {
      const rows = await sql`select from public."My Pages" where state = 'Complete'`
      return rows.length === 2
    })
    const busy = await run(['unbind', 'bound'])
    expect(busy.exitCode).to.equal(75)
    expect(busy.stderr).to.match(/bound is worked by .* \(pid \d+ on .*\)\. Stop it, unbind/)
    await stop(up)

    await insert('left')
    const undone = await run(['unbind', 'bound', '--json'])
    expect(JSON.parse(undone.stdout)).to.include({ workflow: 'bound', removed: 1 })
    await insert('unheard')
    const words = await sql<{ word: string; count: number }[]>`
      select state as word, count(*)::int as count from public."My Pages" group by 1 order by 1`
    expect([...words]).to.deep.equal([
      { word: 'Complete', count: 2 },
      { word: 'Processing', count: 1 },
      { word: 'Queued', count: 3 },
    ])
  })

  it('refuses to bind what cannot be bound, and says why and what to do', async () => {
    await database.sql`create table public.pairs (a integer, b integer, status text, primary key (a, b))`
    await database.sql`create table public.times (at timestamptz primary key, status text)`
    const refusal = async (table: string) => {
      const ended = await run(['bind', './flows/bound.mjs', '--table', table])
      expect(ended.exitCode).to.be.above(0)
      return ended.stderr
    }
    expect(await refusal('pairs')).to.match(/has a key of a, b, and an item is known by one column/)
    expect(await refusal('times')).to.match(/`key`: expected a type whose text is the same/)
    expect(await refusal('nope')).to.match(/There is no table `nope`/)
  })
})
