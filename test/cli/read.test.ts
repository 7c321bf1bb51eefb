import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'chai'
import { useAudit } from '../support/audited.js'
import { useDatabase } from '../support/database.js'
import { MAIN, runProgram, type StartOptions, useDirectory, useSite } from './program.js'

const HABITS = ['--allow-ranges', 'loopback', '--port', 'off']

function document(stdout: string): { readonly [field: string]: unknown } {
  const value: unknown = JSON.parse(stdout)
  if (typeof value !== 'object' || value === null) throw new Error(`no document: ${stdout}`)
  return { ...value }
}

describe('cli: commands that read and operate', () => {
  const database = useDatabase()
  const audited = useAudit(database)
  const directory = useDirectory()
  const site = useSite()

  function options(more: Partial<StartOptions> = {}): StartOptions {
    return { cwd: directory.path, environment: { DATABASE_URL: database.url }, ...more }
  }

  it('migrates: says what it would do, does it, and has nothing left to do', async () => {
    const planned = await runProgram(['migrate', '--dry-run'], options())
    const applied = await runProgram(['migrate'], options())
    const nothing = await runProgram(['migrate'], options())

    expect(planned.stdout).to.contain('Would apply 0001_first_schema.')
    expect(applied.stdout, applied.stderr).to.contain('Applied 0001_first_schema.')
    expect(nothing.stdout).to.equal('The schema is up to date.\n')
    const [found] = await database.sql`
      select to_regclass('public.pages') is not null as pages,
             to_regclass('public.contacts') is not null as contacts,
             to_regclass('public.processing_log') is not null as log`
    expect(found).to.deep.equal({ pages: true, contacts: true, log: true })
  })

  it('takes no URLs for a workflow whose table has other keys', async () => {
    const input = 'https://example.com/\n'
    const ended = await runProgram(['enqueue', 'deep-scan'], options({ input }))
    expect(ended.exitCode).to.equal(2)
    expect(ended.stderr).to.match(/deep-scan takes no URLs.*public\.place.*deep_scan_status/)
  })

  it('enqueues, counting what is new', async () => {
    const input = `${site.origin}/a\n${site.origin}/b\n${site.origin}/a\nnowhere\n`
    const first = await runProgram(['enqueue', 'contacts', '--json'], options({ input }))
    const second = await runProgram(['enqueue', 'contacts'], options({ input }))

    expect(document(first.stdout)).to.deep.equal({
      ...{ schema: 1, workflow: 'contacts' },
      ...{ read: 3, added: 2, badLines: 1 },
    })
    expect(second.stdout).to.equal('Enqueued 0 of 3 URLs, 1 lines not used.\n')
  })

  it('steers a workflow while it runs, and says what holds', async () => {
    const say = async (...words: readonly string[]) => runProgram(words, options())
    const ten = await say('rollout', 'contacts', '10', '--json')
    const slower = await say('set', 'contacts', 'concurrency=3')
    const back = await say('rollout', 'contacts', 'sequential')
    const all = await say('rollout', 'contacts', '100%')
    await say('set', 'contacts', 'concurrency=auto')
    const rate = await say('set', 'contacts', 'rate=120')
    const paced = await say('set', 'contacts', 'success-pause=1.5s')
    await say('set', 'contacts', 'rate=auto')
    await say('set', 'contacts', 'success-pause=auto')
    const now = await say('set', 'contacts')

    expect(document(ten.stdout)).to.deep.include({
      ...{ schema: 1, workflow: 'contacts', mode: 'concurrent' },
      ...{ rollout: 10, concurrency: null, nodes: 0 },
    })
    expect(slower.stdout).to.match(/for 10 % of the items.*each node works 3 items at once/)
    expect(back.stdout).to.match(/^contacts is sequential: one item at a time in the cluster/)
    expect(all.stdout).to.match(/concurrent for all items/)
    expect(document(ten.stdout)).to.have.nested.property('budget.perDay', null)
    expect(rate.stdout).to.contain('Rate: 120 a minute in the cluster.')
    expect(paced.stdout).to.contain('Rate: 120 a minute').and.to.contain('rests 1.5 s after')
    expect(now.stdout).to.not.match(/Rate|rests/)
    expect(now.stdout).to.match(/its configured number of items at once. 0 nodes work it/)
  })

  it('says what budgets leave, and by how much one is exceeded', async () => {
    const left = async (budget: string) => {
      const { stdout } = await runProgram(['set', 'contacts', `budget-day=${budget}`], options())
      return /Budget: .*$/m.exec(stdout)?.[0]
    }
    expect(await left('100')).to.equal('Budget: 100 credits a day, 100 left.')
    await database.sql`
      insert into fetchyard.spend (workflow_id, kind, calls, credits)
      select workflow_id, 'useful', 3, 100 from fetchyard.workflow where name = 'contacts'`
    expect(await left('100')).to.equal('Budget: 100 credits a day, used up.')
    expect(await left('80')).to.equal('Budget: 80 credits a day, used up, and 20 more.')
    const { stdout } = await runProgram(['status'], options())
    expect(stdout).to.match(/^contacts +80 .*used up, and 20 more/m)
    await database.sql`delete from fetchyard.spend`
    await runProgram(['set', 'contacts', 'budget-day=off'], options())
  })

  it('shows both cohorts side by side, and says who set what since when', async () => {
    await runProgram(['rollout', 'contacts', '50'], options())
    const empty = await runProgram(['rollout'], options())
    const json = document((await runProgram(['rollout', 'contacts', '--json'], options())).stdout)
    const [own] = json.rollouts as [Record<string, unknown>]
    await database.sql`
      insert into fetchyard.cohort_tally
             (workflow_id, step, cohort, completed, failed, snoozed, crashed, credits, duration_ms,
              durations)
      select workflow_id, rollout_step, 'concurrent', 30, 10, 4, 0, 45, 90000,
             '{0,0,0,0,0,0,30,0,0,0,0,0,0}'::bigint[]
        from fetchyard.workflow`
    const full = await runProgram(['rollout', 'contacts'], options())
    await runProgram(['rollout', 'contacts', '100'], options())

    expect(empty.stdout).to.match(/^contacts is concurrent for 50 % of the items/)
    expect(empty.stdout).to.match(/step \d+, set \S+Z by .+ on .+, from the command line\n/)
    expect(empty.stdout).to.contain('No attempt has ended yet.')
    expect(own).to.deep.include({ mode: 'concurrent', rollout: 50 })
    expect(own).to.have.deep.property('cohorts', { concurrent: null, sequential: null })
    const lines = full.stdout.split('\n').map((line) => line.trim().split(/ {2,}/))
    expect(lines).to.deep.include.members([
      ['all nodes', 'concurrent', 'sequential'],
      ['share of the items', '50 %', '50 %'],
      ['failed', '25.0 %', '-'],
      ['time, mean', '3.0 s', '-'],
      ['credits a result', '1.50', '-'],
    ])
  })

  it('says why nothing moves', async () => {
    const words = await runProgram(['why'], options())
    const { verdicts } = document((await runProgram(['why', '--json'], options())).stdout)

    expect(words.stdout).to.match(/^contacts: No living node works it; 2 queued/)
    expect(words.stdout).to.contain('to change it: fetchyard up')
    expect(verdicts).to.have.nested.property('[0].binding', 'no_node')
  })

  it('refuses what is no percentage and no setting, by name and rule', async () => {
    const percent = await runProgram(['rollout', 'contacts', '101'], options())
    const setting = await runProgram(['set', 'contacts', 'concurrency=0'], options())
    const rate = await runProgram(['set', 'contacts', 'rate=0'], options())

    expect([percent.exitCode, setting.exitCode]).to.deep.equal([2, 2])
    expect(percent.stderr).to.contain('Expected a whole percentage from 0 to 100')
    expect(percent.stderr).to.contain('`101`')
    expect(setting.stderr).to.contain('got `concurrency=0`')
    expect(rate.stderr).to.contain('rate=N with N from 1 to 1000000').and.to.contain('`rate=0`')
  })

  it('pauses and resumes by name, and knows no other name', async () => {
    const paused = await runProgram(['pause', 'contacts'], options())
    const status = document((await runProgram(['status', '--json'], options())).stdout)
    const resumed = await runProgram(['resume', 'contacts'], options())
    const unknown = await runProgram(['pause', 'contcats'], options())

    expect(paused.stdout).to.equal('contacts is paused. Go on with fetchyard resume contacts.\n')
    expect(status.workflows).to.have.nested.property('[0].pausedBy').deep.equal(['operator'])
    expect(resumed.stdout).to.equal('contacts runs again; it was paused by operator.\n')
    expect(unknown.exitCode).to.equal(2)
    expect(unknown.stderr).to.contain('Did you mean `contacts`?')
  })

  it('shows how the queue stands, for people and for programs', async () => {
    const input = `${site.origin}/c\n${site.origin}/missing\n`
    await runProgram(['run', 'contacts', '--input', '-', ...HABITS], options({ input }))

    const words = await runProgram(['status'], options())
    const json = document((await runProgram(['status', '--json'], options())).stdout)

    expect(words.stdout).to.match(/^workflow +queued +processing +delayed +complete +error/)
    expect(words.stdout).to.match(/\ncontacts +0 +0 +0 +3 +1 /)
    expect(words.stdout).to.match(/\ncontacts +http_4xx +1\n/)
    const figures = [
      'readAt',
      'workflows',
      'nodes',
      'raised',
      'errors',
      'budgets',
      'loads',
      'connections',
    ]
    expect(json).to.have.all.keys('schema', 'schedules', 'chores', 'pauses', ...figures)
    expect(words.stdout).to.match(/The database has \d+ of \d+ connections in use\.\n$/)
    expect(json.schema).to.equal(1)
    expect(json.errors).to.deep.equal([{ workflow: 'contacts', code: 'http_4xx', items: 1 }])
  })

  it('tells of alerts first', async () => {
    await database.sql`
      insert into fetchyard.alert (alert, subject, state, level, raised_at, message)
      values ('errors_high', 'contacts', 'raised', 'error', now(), 'contacts: too many errors (x)')`
    const words = await runProgram(['status'], options())
    const json = document((await runProgram(['status', '--json'], options())).stdout)
    await database.sql`delete from fetchyard.alert`
    expect(words.stdout).to.match(/^ALERT contacts: too many errors \(x\), since /)
    expect(json.raised).to.have.nested.property('[0].alert', 'errors_high')
  })

  it('reports on the newest run, for people, as JSON and as a page', async () => {
    const words = await runProgram(['report', '--html', 'run.html'], options())
    const json = document((await runProgram(['report', '--json'], options())).stdout)
    const unknown = await runProgram(['report', 'nonesuch'], options())

    expect(words.exitCode, words.stderr).to.equal(0)
    expect(words.stdout).to.match(/^contacts, run contacts-stdin-/)
    expect(words.stdout).to.match(/\n {2}slots +\d+ % busy\n/)
    expect(words.stdout).to.match(/\nsuccess +ok +1\n/)
    expect(json).to.include({ schema: 1, workflow: 'contacts', items: 2, lost: 0 })
    expect(json.stretches).to.have.lengthOf(1)
    const page = await readFile(join(directory.path, 'run.html'), 'utf8')
    expect(page).to.match(/^<!doctype html>/)
    expect(page).to.contain(String(json.run))
    expect(unknown.exitCode).to.equal(2)
    expect(unknown.stderr).to.match(/no such thing as a run `nonesuch`.*contacts-stdin-/)
  })

  it('exports to standard output, and ends quietly when its reader goes away', async () => {
    const ended = await runProgram(['export', 'contacts', '--format', 'jsonl'], options())
    const lines = ended.stdout.trimEnd().split('\n')

    expect(lines.map((line) => document(line).kind)).to.deep.equal(['email', 'email', 'email'])
    expect(ended.exitCode).to.equal(0)

    const child = spawn(process.execPath, [MAIN, 'export', 'contacts'], {
      cwd: directory.path,
      env: { ...process.env, DATABASE_URL: database.url },
    })
    let stderr = ''
    child.stderr.on('data', (chunk) => {
      stderr += String(chunk)
    })
    child.stdout.destroy()
    const [exitCode] = await once(child, 'close')

    expect(exitCode).to.equal(0)
    expect(stderr).to.equal('')
  })

  it('audits: clean is 0, a lost item is 3', async () => {
    audited.isDamaged = true
    const clean = await runProgram(['audit'], options())
    await database.sql`
      delete from fetchyard.processing_log
       where ctid = (select ctid from fetchyard.processing_log where status = 'success' limit 1)`
    const broken = await runProgram(['audit', '--json'], options())

    expect(clean.exitCode, clean.stdout).to.equal(0)
    expect(clean.stdout).to.match(
      /^enqueued 4 = queued 0 \+ processing 0 \+ delayed 0 \+ finished 4\n/,
    )
    expect(clean.stdout).to.contain('lost 0, applied twice 0')
    expect(broken.exitCode).to.equal(3)
    expect(document(broken.stdout)).to.include({ schema: 1, lost: 1, isClean: false })
  })
})
