import { expect } from 'chai'
import type { WorkflowFigures } from '../../../src/core/figures.js'
import type { BindingLimit, NodeLoad } from '../../../src/core/why-plan.js'
import { BINDINGS, CONCURRENCY_REASONS, explainWorkflow } from '../../../src/core/why-plan.js'

const figures = (fields: Partial<WorkflowFigures> = {}): WorkflowFigures => ({
  ...{ workflow: 'contacts', queued: 500, processing: 20, delayed: 0, complete: 0, error: 0 },
  ...{ cancelled: 0, retried: 0, reclaimed: 0, oldestQueuedAt: null, pausedBy: [] },
  ...{ perSecond: 0, latencyP50Ms: null, latencyP95Ms: null, errors: {}, boundTable: null },
  ...{ backfill: null, alerts: null },
  ...fields,
})
const load = (fields: Partial<NodeLoad> = {}): NodeLoad => ({
  ...{ node: 'a', slots: 10, inFlight: 10, buffered: 5, settling: 0, limit: 10 },
  ...{ reason: 'configured', perSecond: 3, isClogged: false },
  ...{ perMinute: null, successPauseMs: 0, breaker: null, lanesOpen: 0 },
  ...{ fetches: 0, reusedFetches: 0 },
  ...fields,
})

const CASES: readonly [BindingLimit, WorkflowFigures, readonly NodeLoad[], RegExp][] = [
  ['paused', figures({ pausedBy: ['operator', 'budget'] }), [load()], /by operator, budget; 500/],
  ['no_node', figures(), [], /No living node works it; 500 queued, 20 held/],
  ['queue_empty', figures({ queued: 0, processing: 0 }), [load()], /The queue is empty/],
  ['queue_empty', figures({ queued: 0, processing: 3 }), [load({ inFlight: 3 })], /the last 3/],
  [
    'delayed',
    figures({ queued: 0, processing: 0, delayed: 7 }),
    [load({ inFlight: 0 })],
    /7 items wait for a retry/,
  ],
  [
    'workers_starting',
    figures(),
    [load({ slots: 0, inFlight: 0, limit: 0 })],
    /No worker is ready/,
  ],
  [
    'database_settle',
    figures(),
    [load({ isClogged: true, settling: 2_000, inFlight: 0 }), load()],
    /2000 outcomes wait to be written/,
  ],
  ['database_lease', figures(), [load({ inFlight: 2 })], /2 of 10 in flight although 500/],
]

describe('explainWorkflow', () => {
  for (const [binding, own, loads, words] of CASES) {
    it(`names ${binding}: ${words.source}`, () => {
      const verdict = explainWorkflow(own, loads)
      expect(verdict.binding).to.equal(binding)
      expect(verdict.words).to.match(words)
    })
  }

  for (const reason of CONCURRENCY_REASONS) {
    it(`names ${reason} with its figures over all nodes`, () => {
      const loads = [
        load({ reason, limit: 25, inFlight: 25, slots: 50, perSecond: 12 }),
        load({ node: 'b', reason: 'share', limit: 15, inFlight: 14, slots: 50, perSecond: 4 }),
      ]
      const verdict = explainWorkflow(figures(), loads)
      expect(verdict.binding).to.equal(reason)
      expect(verdict.words).to.contain('39 of 40 in flight on 2 nodes, 16/s, 500 queued')
    })
  }

  it('says how fast, how long and why, where slots are free although there is work', () => {
    const words = (fields: Partial<NodeLoad>) =>
      explainWorkflow(figures(), [
        load({ inFlight: 1, ...fields }),
        load({ inFlight: 0, ...fields }),
      ]).words
    expect(words({ reason: 'rate', perMinute: 30 })).to.contain('The rate: 60 a minute: 1 of 20')
    expect(words({ reason: 'pause', successPauseMs: 2_500 })).to.contain('rests 2.5 s after')
    const breaker = { state: 'open', failures: 20, code: 'connect', waitMs: 11_200 } as const
    expect(words({ reason: 'breaker', breaker })).to.contain(
      'is open for 12 s more after 20 failures in a row (connect): 1 of 20 in flight',
    )
  })

  it('adds hosts that are left alone to whatever binds', () => {
    const { binding, words } = explainWorkflow(figures(), [load({ lanesOpen: 3 })])
    expect(binding).to.equal('configured')
    expect(words).to.match(/ 3 hosts are left alone after failures\.$/)
  })

  it('can say everything it lists', () => {
    const tested = new Set([...CASES.map(([binding]) => binding), ...CONCURRENCY_REASONS])
    expect([...tested].sort()).to.deep.equal([...BINDINGS].sort())
  })
})
