import { expect } from 'chai'
import type { AlertChange, StoredAlert } from '../../src/core/alert-plan.js'
import { readAlertMeasures } from '../../src/store/alert-measures.js'
import { claimNotice, endNotice, forgetNotices } from '../../src/store/alert-notices.js'
import {
  applyAlerts,
  createAlertStore,
  endAlertTurn,
  readAlerts,
  takeAlertTurn,
} from '../../src/store/alerts.js'
import { setBudgets } from '../../src/store/money.js'
import { pauseWorkflow, storeAlerts } from '../../src/store/workflows.js'
import { keys, useYard } from '../support/factory.js'
import { nextTry, settlement } from '../support/values.js'

const change = (changed: Partial<AlertChange> = {}): AlertChange => ({
  ...{ alert: 'errors_high', subject: 'contacts', workflowId: null, level: 'error' },
  ...{ from: 'quiet', to: 'pending', since: null, told: null, message: 'contacts: too many' },
  ...changed,
})

const raiseOf = ({ alert, subject, since }: StoredAlert): AlertChange =>
  change({ alert, subject, from: 'pending', to: 'raised', since, told: 'raised' })

describe('store/alerts', () => {
  const yard = useYard()
  beforeEach(async () => {
    await yard.sql`delete from fetchyard.alert`
    await yard.sql`delete from fetchyard.alert_notice`
    await yard.sql`update fetchyard.alert_watch set watcher = null, watch_until = '-infinity'`
  })

  /** A node that has the turn to judge. */
  async function judge(): Promise<string> {
    const nodeId = await yard.node()
    expect(await takeAlertTurn(yard.sql, nodeId)).to.equal(true)
    return nodeId
  }

  async function pending(nodeId: string, changed: Partial<AlertChange> = {}): Promise<StoredAlert> {
    await applyAlerts(yard.sql, { nodeId, changes: [change(changed)] })
    const stored = await readAlerts(yard.sql)
    const own = stored.find(({ subject }) => subject === (changed.subject ?? 'contacts'))
    if (own === undefined) throw new Error('no alert is pending')
    return own
  }

  describe('the turn', () => {
    it('goes to one of several that ask at once, and stays with it', async () => {
      const nodes = await Promise.all(Array.from({ length: 5 }, () => yard.node()))
      const asked = () => Promise.all(nodes.map((nodeId) => takeAlertTurn(yard.sql, nodeId)))
      const first = await asked()
      expect(first.filter(Boolean)).to.have.lengthOf(1)
      expect(await asked()).to.deep.equal(first)
    })

    it('is free when its holder gives it back, or falls silent', async () => {
      const [first, second, third] = [await judge(), await yard.node(), await yard.node()]
      expect(await takeAlertTurn(yard.sql, second)).to.equal(false)
      await endAlertTurn(yard.sql, first)
      expect(await takeAlertTurn(yard.sql, second)).to.equal(true)
      await yard.sql`update fetchyard.alert_watch set watch_until = now() - interval '1 ms'`
      expect(await takeAlertTurn(yard.sql, third)).to.equal(true)
      // The one that lost it gives back nothing of another's.
      await endAlertTurn(yard.sql, second)
      expect(await takeAlertTurn(yard.sql, first)).to.equal(false)
    })
  })

  describe('changes', () => {
    it('count once, however often and by whomever they are written', async () => {
      const nodeId = await judge()
      const raise = raiseOf(await pending(nodeId))
      const tries = await Promise.all(
        Array.from({ length: 4 }, () => applyAlerts(yard.sql, { nodeId, changes: [raise] })),
      )
      expect(tries.flat()).to.deep.equal([raise])
      const notices = await yard.sql`select event from fetchyard.alert_notice`
      expect(notices).to.deep.equal([{ event: 'raised' }])
      const events = await yard.sql`
        select level, message from fetchyard.event where name = 'alert.raised'`
      expect(events).to.deep.equal([{ level: 'error', message: 'contacts: too many' }])
    })

    it('of a node that has lost the turn are refused', async () => {
      const first = await judge()
      const raise = raiseOf(await pending(first))
      await endAlertTurn(yard.sql, first)
      await judge()
      expect(await applyAlerts(yard.sql, { nodeId: first, changes: [raise] })).to.deep.equal([])
      expect((await readAlerts(yard.sql))[0]?.state).to.equal('pending')
      const late = change({ subject: 'late' })
      await applyAlerts(yard.sql, { nodeId: first, changes: [late] })
      expect(await readAlerts(yard.sql)).to.have.lengthOf(1)
    })

    it('keep since when it is raised, and what it was raised for, until all is clear', async () => {
      const nodeId = await judge()
      await applyAlerts(yard.sql, { nodeId, changes: [raiseOf(await pending(nodeId))] })
      const raisedAt = async () =>
        (await yard.store.readFigures()).raised.map((own) => [own.raisedAt, own.message])
      const before = await raisedAt()
      expect(before).to.have.lengthOf(1)
      const step = async (from: StoredAlert['state'], to: AlertChange['to']) => {
        const [own] = await readAlerts(yard.sql)
        const told = to === 'quiet' ? ('cleared' as const) : null
        const since = own?.since ?? null
        const changes = [change({ from, to, told, since, message: 'other words' })]
        return applyAlerts(yard.sql, { nodeId, changes })
      }
      await step('raised', 'clearing')
      await step('clearing', 'raised')
      await step('raised', 'clearing')
      expect(await raisedAt()).to.deep.equal(before)
      expect(await step('clearing', 'quiet')).to.have.lengthOf(1)
      expect(await raisedAt()).to.deep.equal([])
      const notices = await yard.sql`
        select event, message from fetchyard.alert_notice order by notice_id`
      expect(notices.map(({ event }) => event)).to.deep.equal(['raised', 'cleared'])
    })
  })

  describe('measures', () => {
    const own = async (name: string) => {
      const { workflows } = await readAlertMeasures(yard.sql)
      const found = workflows.find(({ workflow }) => workflow === name)
      if (found === undefined) throw new Error(`${name} is not measured`)
      return found
    }

    it('count ends, attempts, reclaims and what waits', async () => {
      const workflow = await yard.workflow()
      const nodeId = await yard.node()
      await createAlertStore(yard.sql).takeSamples()
      await yard.sql`
        insert into fetchyard.alert_sample (workflow_id, completed, failed, reclaimed)
        values (${workflow.workflowId}, 0, 0, 0)`
      await yard.sql`update fetchyard.alert_sample set taken_at = now() - interval '6 minutes'`
      await yard.enqueue(workflow, keys(9))
      expect(await own(workflow.name)).to.include({ queued: 9, hasMoved: false, completed: 0 })
      const held = await yard.hold(workflow, nodeId, { itemsMax: 6 })
      expect(await own(workflow.name)).to.include({ processing: held.length })
      await yard.settle(
        workflow,
        nodeId,
        held.map((item, index) => {
          if (index < 3) return settlement(item)
          const failed = { code: 'reset', error: 'reset' } as const
          return index === 3
            ? settlement(item, { ...failed, event: 'discard' })
            : settlement(item, { ...failed, event: 'retry', next: nextTry({ attempt: 1 }) })
        }),
      )
      const measured = await own(workflow.name)
      expect(measured).to.include({
        ...{ hasMoved: true, completed: 3, failed: 1, attemptsOk: 3, processing: 0 },
        ...{ attemptsFailed: held.length - 3, reclaimed: 0, isHeld: false },
      })
      expect(measured.latencyP95Ms).to.be.above(0)
      expect(measured.oldestWaitsMs).to.be.at.least(0)
    })

    it('know thresholds, pauses, and how much of the nearest budget is spent', async () => {
      const workflow = await yard.workflow()
      const { workflowId, name } = workflow
      expect(await own(name)).to.include({ thresholds: null, budgetSpentPercent: null })
      const alerts = {
        ...{ successPercent: 90, errorPercent: 7, latencyMs: null, oldestMs: null, stallMs: 1 },
        ...{ reclaims: 2, budgetPercent: 80, creditsRisePercent: null },
      }
      await storeAlerts(yard.sql, { workflowId, alerts })
      await setBudgets(yard.sql, { workflowId, perDay: 1_000, total: { credits: 100 } })
      await yard.sql`
        insert into fetchyard.spend (workflow_id, kind, calls, credits)
        values (${workflowId}, 'useful', 1, 40)`
      const measured = await own(name)
      expect(measured.thresholds).to.deep.equal(alerts)
      expect(measured).to.include({ budgetSpentPercent: 40, creditsNow: 40, isHeld: false })
      await pauseWorkflow(yard.sql, { workflowId, reason: 'operator' })
      expect(await own(name)).to.include({ isHeld: true })
    })

    it('set what results cost now against the hour before', async () => {
      const { workflowId, name } = await yard.workflow()
      for (const [minutes, credits, items] of [
        [5, 30, 10],
        [30, 20, 20],
        [90, 999, 999],
      ] as const) {
        await yard.sql`
          insert into fetchyard.spend (spent_at, workflow_id, kind, calls, credits)
          values (now() - ${minutes}::int * interval '1 minute', ${workflowId}, 'useful', 1, ${credits})`
        await yard.sql`
          insert into fetchyard.end_tally (ended_at, workflow_id, outcome_code, items)
          values (now() - ${minutes}::int * interval '1 minute', ${workflowId}, 'ok', ${items})`
      }
      expect(await own(name)).to.include({
        ...{ creditsNow: 30, resultsNow: 10, creditsBefore: 20, resultsBefore: 20 },
      })
    })

    it('call a node lost until it lives again under its name, and forget one that stopped', async () => {
      const lost = async (name: string) => {
        const { nodes } = await readAlertMeasures(yard.sql)
        return nodes.filter(({ node }) => node === `${name} on host`).map(({ isLost }) => isLost)
      }
      const dead = await yard.node({ name: 'mortal' })
      expect(await lost('mortal')).to.deep.equal([false])
      await yard.expire(dead)
      expect(await lost('mortal')).to.deep.equal([true])
      await yard.fenceExpired()
      expect(await lost('mortal')).to.deep.equal([true])
      await yard.node({ name: 'mortal' })
      expect(await lost('mortal')).to.deep.equal([false])
      const stopped = await yard.node({ name: 'orderly' })
      await yard.store.fenceNode({ nodeId: stopped, reason: 'it stopped in order' })
      expect(await lost('orderly')).to.deep.equal([false])
    })
  })

  describe('notices', () => {
    async function told(...subjects: readonly string[]): Promise<void> {
      const nodeId = await judge()
      for (const subject of subjects) {
        const changes = [raiseOf(await pending(nodeId, { subject }))]
        await applyAlerts(yard.sql, { nodeId, changes })
      }
    }

    it('are in one hand at a time, and again after half a minute', async () => {
      await told('contacts')
      const claims = await Promise.all(Array.from({ length: 3 }, () => claimNotice(yard.sql)))
      const [claimed] = claims.filter((own) => own !== null)
      expect(claims.filter((own) => own !== null)).to.have.lengthOf(1)
      expect(claimed).to.include({ event: 'raised', subject: 'contacts', tries: 1 })
      await yard.sql`
        update fetchyard.alert_notice set next_try_at = next_try_at - interval '30 seconds'`
      expect(await claimNotice(yard.sql)).to.include({ noticeId: claimed?.noticeId, tries: 2 })
    })

    it('of one alert keep their order, and of others do not wait', async () => {
      await told('contacts', 'pages')
      await yard.sql`
        insert into fetchyard.alert_notice (alert, subject, event, level, message)
        values ('errors_high', 'contacts', 'cleared', 'info', 'well again')`
      const first = await claimNotice(yard.sql)
      const second = await claimNotice(yard.sql)
      expect([first?.subject, second?.subject]).to.deep.equal(['contacts', 'pages'])
      expect(await claimNotice(yard.sql)).to.equal(null)
      const noticeId = first?.noticeId ?? ''
      await endNotice(yard.sql, { noticeId, failure: 'down', againInMs: 60_000 })
      expect(await claimNotice(yard.sql)).to.equal(null)
      await endNotice(yard.sql, { noticeId, failure: null, againInMs: null })
      expect(await claimNotice(yard.sql)).to.include({ event: 'cleared', tries: 1 })
    })

    it('that nobody wants any more are neither sent nor kept', async () => {
      await told('contacts')
      await yard.sql`
        update fetchyard.alert_notice set happened_at = now() - interval '7 hours'`
      expect(await claimNotice(yard.sql)).to.equal(null)
      await forgetNotices(yard.sql)
      expect(await yard.sql`select from fetchyard.alert_notice`).to.have.lengthOf(1)
      await yard.sql`update fetchyard.alert_notice set happened_at = now() - interval '8 days'`
      await forgetNotices(yard.sql)
      expect(await yard.sql`select from fetchyard.alert_notice`).to.have.lengthOf(0)
    })
  })
})
