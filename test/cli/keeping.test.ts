// Retention and schedules as an operator meets them.

import { expect } from 'chai'
import { audit } from '../../src/store/audit.js'
import { openInstance, putSchedule } from '../../src/store/schedules.js'
import { registerWorkflow } from '../../src/store/workflows.js'
import { useAudit } from '../support/audited.js'
import { useDatabase } from '../support/database.js'
import { eventually } from '../support/poll.js'
import { runProgram, startProgram, useDirectory, useSite } from './program.js'

const HABITS = ['--allow-ranges', 'loopback', '--port', 'off']

describe('cli: housekeeping and run-now', () => {
  const database = useDatabase()
  const directory = useDirectory()
  const site = useSite()
  useAudit(database)
  const options = () => ({ cwd: directory.path, environment: { DATABASE_URL: database.url } })
  const fetchyard = (...words: string[]) => runProgram(words, options())
  const chores = async () => {
    const { stdout } = await fetchyard('housekeeping', '--json')
    const document: { readonly chores: readonly Record<string, unknown>[] } = JSON.parse(stdout)
    return document.chores
  }

  it('removes what is old, and shows what, when and by whom', async () => {
    const input = [1, 2, 3].map((n) => `${site.origin}/page-${n}\n`).join('')
    const run = startProgram(['run', 'contacts', '--input', '-', ...HABITS], {
      ...options(),
      input,
    })
    expect((await run.ended).exitCode).to.equal(0)
    await database.sql`update fetchyard.processing_log set ended_at = now() - interval '40 days'`
    await database.sql`update fetchyard.run set resumed_at = now() - interval '40 days'`
    await database.sql`update fetchyard.housekeeping set passed_at = null`
    const ages = ['--keep-receipts', '30', '--keep-items', '30', '--node-name', 'keeper']
    const up = startProgram(['up', 'contacts', ...ages, ...HABITS], options())
    const report = await eventually({ words: 'all items retired' }, async () => {
      const now = await audit(database.sql)
      return now.retired === 3 ? now : null
    })
    up.child.kill('SIGTERM')
    await up.ended

    expect(report.isClean, JSON.stringify(report.checks)).to.equal(true)
    expect(report.enqueued).to.equal(3)
    const found = await chores()
    expect(found.map(({ chore }) => chore)).to.deep.equal([
      ...['receipts', 'runs', 'items', 'events', 'nodes'],
    ])
    expect(found[2]).to.include({ removed: 3, passedBy: 'keeper', failure: null })
    const { stdout } = await fetchyard('audit')
    expect(stdout).to.match(/^enqueued 3 = .* \+ finished 0 \+ retired 3\n/)
    expect((await fetchyard('housekeeping')).stdout).to.match(
      /finished items +\S.* keeper +3 +3 +at/,
    )
  })

  it('pauses and resumes for the whole cluster, and knows no other verb', async () => {
    expect((await fetchyard('housekeeping', 'pause')).stdout).to.contain('paused by operator')
    expect((await chores())[0]).to.include({ pausedWhy: 'operator' })
    await fetchyard('housekeeping', 'resume')
    expect((await chores())[0]).to.include({ pausedWhy: null })
    const wrong = await fetchyard('housekeeping', 'stop')
    expect(wrong.exitCode).to.equal(2)
    expect(wrong.stderr).to.contain('Expected pause, resume or nothing, got `stop`')
  })

  it('refuses to keep items for a shorter time than their receipts', async () => {
    const ended = await fetchyard('up', '--keep-items', '5')
    expect(ended.exitCode).to.equal(78)
    expect(ended.stderr).to.match(/`keep-items`.* at least `keep-receipts` \(30\)/)
  })

  it('opens an instance of a scheduled workflow, once, and shows its schedule', async () => {
    const plain = await fetchyard('run-now', 'contacts')
    expect(plain.exitCode).to.equal(2)
    expect(plain.stderr).to.contain('contacts has no schedule')
    const { workflowId } = await registerWorkflow(database.sql, 'nightly')
    const definition = { cron: '0 3 * * *', timeZone: 'Europe/Berlin' }
    const firstAt = new Date(Date.now() + 3_600_000)
    await putSchedule(database.sql, { workflowId, definition, firstAt })
    expect((await fetchyard('run-now', 'nightly')).stdout).to.contain('works what is ready now')
    expect((await fetchyard('run-now', 'nightly')).stdout).to.contain('as many instances open')
    expect(await openInstance(database.sql, workflowId)).to.equal('running')
    const { stdout } = await fetchyard('status')
    expect(stdout).to.match(/nightly +0 3 \* \* \* \(Europe\/Berlin\) +20/)
    const json: unknown = JSON.parse((await fetchyard('status', '--json')).stdout)
    expect(json).to.have.nested.property('schedules[0].openInstances', 1)
  })
})
