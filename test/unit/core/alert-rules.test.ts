import { expect } from 'chai'
import { planAlerts, type StoredAlert } from '../../../src/core/alert-plan.js'
import {
  ALERTS,
  type AlertMeasures,
  type AlertName,
  judgeAll,
  WORKFLOW_ALERTS,
  type WorkflowMeasure,
} from '../../../src/core/alert-rules.js'
import type { AlertVerdict } from '../../../src/core/alert-state.js'

const THRESHOLDS = {
  ...{ successPercent: 95, errorPercent: 5, latencyMs: 300_000, oldestMs: 60_000 },
  ...{ stallMs: 300_000, reclaims: 0, budgetPercent: 90, creditsRisePercent: 50 },
} as const

/** A workflow that works well; every field can be told otherwise. */
function measure(changed: Partial<WorkflowMeasure> = {}): WorkflowMeasure {
  return {
    ...{ workflow: 'contacts', workflowId: 1, thresholds: THRESHOLDS },
    ...{ queued: 10, processing: 5, delayed: 0, isHeld: false, oldestWaitsMs: 1_000 },
    ...{ hasMoved: true, completed: 1_000, failed: 1, attemptsOk: 1_000, attemptsFailed: 1 },
    ...{ reclaimed: 0, latencyP95Ms: 2_000, budgetSpentPercent: 10 },
    ...{ creditsNow: 1_000, resultsNow: 1_000, creditsBefore: 4_000, resultsBefore: 4_000 },
    ...changed,
  }
}

function measures(changed: Partial<AlertMeasures> = {}): AlertMeasures {
  return { workflows: [measure()], nodes: [], connections: { used: 10, max: 100 }, ...changed }
}

function verdictOf(alert: AlertName, changed: Partial<WorkflowMeasure>): AlertVerdict | undefined {
  const judgements = judgeAll(measures({ workflows: [measure(changed)] }))
  return judgements.find((own) => own.alert === alert)?.verdict
}

const IDLE = { queued: 0, processing: 0, delayed: 0 }

type Row = readonly [AlertName, string, Partial<WorkflowMeasure>, AlertVerdict]
const TABLE: readonly Row[] = [
  ['success_low', '95 % succeed', { attemptsOk: 950, attemptsFailed: 50 }, 'between'],
  ['success_low', '94.9 % succeed', { attemptsOk: 949, attemptsFailed: 51 }, 'beyond'],
  ['success_low', '96 % succeed', { attemptsOk: 960, attemptsFailed: 40 }, 'within'],
  ['success_low', 'too few attempts', { attemptsOk: 5, attemptsFailed: 5 }, 'unknown'],
  ['success_low', 'no older sample', { attemptsOk: null, attemptsFailed: null }, 'unknown'],
  ['success_low', 'nothing to do', { ...IDLE, attemptsOk: 0, attemptsFailed: 0 }, 'within'],
  ['errors_high', '5 % of the items', { completed: 95, failed: 5 }, 'between'],
  ['errors_high', '6 % of the items', { completed: 94, failed: 6 }, 'beyond'],
  ['errors_high', '4 % of the items', { completed: 96, failed: 4 }, 'within'],
  ['errors_high', 'too few items', { completed: 0, failed: 19 }, 'unknown'],
  ['errors_high', '20 items are enough', { completed: 0, failed: 20 }, 'beyond'],
  ['latency_high', 'the bucket reaches above', { latencyP95Ms: 370_728 }, 'between'],
  ['latency_high', 'surely above', { latencyP95Ms: 524_288 }, 'beyond'],
  ['latency_high', 'below', { latencyP95Ms: 262_144 }, 'within'],
  ['latency_high', 'nothing completed', { latencyP95Ms: null }, 'unknown'],
  ['oldest_waits', 'a minute and more', { oldestWaitsMs: 60_001 }, 'beyond'],
  ['oldest_waits', 'just a minute', { oldestWaitsMs: 60_000 }, 'between'],
  ['oldest_waits', 'nothing waits', { oldestWaitsMs: null }, 'within'],
  ['oldest_waits', 'it is held', { oldestWaitsMs: 999_999, isHeld: true }, 'within'],
  ['nothing_moves', 'work, and no end', { hasMoved: false }, 'beyond'],
  ['nothing_moves', 'an end', { hasMoved: true }, 'within'],
  ['nothing_moves', 'held', { hasMoved: false, isHeld: true }, 'within'],
  ['nothing_moves', 'only delayed', { ...IDLE, delayed: 9, hasMoved: false }, 'within'],
  ['reclaims_rising', 'one item', { reclaimed: 1 }, 'beyond'],
  ['reclaims_rising', 'none', { reclaimed: 0 }, 'within'],
  ['reclaims_rising', 'no older sample', { reclaimed: null }, 'unknown'],
  ['budget_low', '90 % spent', { budgetSpentPercent: 90 }, 'beyond'],
  ['budget_low', '89.9 % spent', { budgetSpentPercent: 89.9 }, 'within'],
  ['budget_low', 'no budget', { budgetSpentPercent: null }, 'within'],
  ['credits_rising', 'half as much again', { creditsNow: 1_500 }, 'between'],
  ['credits_rising', 'more than that', { creditsNow: 1_501 }, 'beyond'],
  ['credits_rising', 'a little more', { creditsNow: 1_400 }, 'within'],
  ['credits_rising', 'few results', { creditsNow: 99, resultsNow: 19 }, 'unknown'],
  ['credits_rising', 'it was free before', { creditsBefore: 0 }, 'unknown'],
]

describe('core/alert-rules', () => {
  for (const [alert, what, changed, verdict] of TABLE) {
    it(`${alert}: ${what} is ${verdict}`, () => {
      expect(verdictOf(alert, changed)).to.equal(verdict)
    })
  }

  it('has a row that raises each alert of a workflow', () => {
    const raised = TABLE.filter(([, , , verdict]) => verdict === 'beyond').map(([alert]) => alert)
    expect(raised).to.include.members([...WORKFLOW_ALERTS])
  })

  it('watches nothing that is off, or of which no node has said a bound', () => {
    const bad = { completed: 0, failed: 100, attemptsOk: 0, attemptsFailed: 100, reclaimed: 9 }
    const worse = { latencyP95Ms: 9e9, oldestWaitsMs: 9e9, hasMoved: false, creditsNow: 9e9 }
    for (const thresholds of [null, {}]) {
      const own = measure({ ...bad, ...worse, budgetSpentPercent: 100, thresholds })
      const verdicts = judgeAll(measures({ workflows: [own] })).map(({ verdict }) => verdict)
      expect(new Set(verdicts)).to.deep.equal(new Set(['within']))
    }
  })

  it('judges a workflow by bounds of its own', () => {
    const lax = { ...THRESHOLDS, errorPercent: 50 }
    expect(verdictOf('errors_high', { completed: 60, failed: 40, thresholds: lax })).to.equal(
      'within',
    )
    const slow = measure({ hasMoved: false, thresholds: { ...THRESHOLDS, stallMs: 7_000 } })
    const still = judgeAll(measures({ workflows: [slow] })).find(
      ({ alert }) => alert === 'nothing_moves',
    )
    expect(still?.raiseAfterMs).to.equal(7_000)
  })

  const connections: readonly (readonly [used: number, verdict: AlertVerdict])[] = [
    [81, 'beyond'],
    [80, 'between'],
    [76, 'between'],
    [75, 'within'],
  ]
  for (const [used, verdict] of connections) {
    it(`connections_high: ${used} of 100 is ${verdict}`, () => {
      const judged = judgeAll(measures({ connections: { used, max: 100 } }))
      expect(judged.find(({ alert }) => alert === 'connections_high')?.verdict).to.equal(verdict)
    })
  }

  it('node_lost: each node by itself', () => {
    const nodes = [
      { node: 'a', isLost: true, why: 'its lease ran out' },
      { node: 'b', isLost: false, why: '' },
    ]
    const judged = judgeAll(measures({ nodes })).filter(({ alert }) => alert === 'node_lost')
    expect(judged.map(({ subject, verdict }) => [subject, verdict])).to.deep.equal([
      ['a', 'beyond'],
      ['b', 'within'],
    ])
  })
})

const stored = (changed: Partial<StoredAlert> = {}): StoredAlert => ({
  ...{ alert: 'errors_high', subject: 'contacts', workflowId: 1, state: 'raised', level: 'error' },
  ...{ since: '2026-11-22 10:00:00+00', waitedMs: 1_000 },
  ...changed,
})
const FAILING = measures({ workflows: [measure({ completed: 50, failed: 50 })] })

describe('core/alert-plan', () => {
  it('changes nothing while all is well', () => {
    expect(planAlerts(measures(), [])).to.deep.equal([])
  })

  it('begins to wait, raises in time, and names what it decided from', () => {
    const [begun, ...more] = planAlerts(FAILING, [])
    expect(more).to.deep.equal([])
    expect(begun).to.include({ alert: 'errors_high', from: 'quiet', to: 'pending', since: null })
    const waiting = stored({ state: 'pending', waitedMs: 60_000 })
    const [raised] = planAlerts(FAILING, [waiting])
    expect(raised).to.include({ from: 'pending', to: 'raised', told: 'raised' })
    expect(raised?.since).to.equal(waiting.since)
    expect(raised?.message).to.equal(
      'contacts: too many errors (50.0 % of 100 items of the last 5 min ended in an error, ' +
        'at most 5 % may)',
    )
    expect(planAlerts(FAILING, [stored({ state: 'pending', waitedMs: 59_999 })])).to.deep.equal([])
  })

  it('clears what it knows nothing of any more: a node, a workflow, an alert of another version', () => {
    const gone = [
      stored({ alert: 'node_lost', subject: 'old', state: 'clearing' }),
      stored({ subject: 'renamed', state: 'clearing' }),
      stored({ alert: 'of_tomorrow', state: 'clearing' }),
    ]
    const changes = planAlerts(measures(), gone)
    expect(changes.map(({ alert, subject, to, told }) => [alert, subject, to, told])).to.deep.equal(
      [
        ['node_lost', 'old', 'quiet', 'cleared'],
        ['errors_high', 'renamed', 'quiet', 'cleared'],
        ['of_tomorrow', 'contacts', 'quiet', 'cleared'],
      ],
    )
  })

  it('has words for every alert', () => {
    for (const alert of ALERTS) {
      const own = stored({ alert, subject: 'x', state: 'clearing', waitedMs: 1e9 })
      expect(planAlerts(measures(), [own])[0]?.message).to.match(/^x: no longer "[a-z ]+" \(/)
    }
  })
})
