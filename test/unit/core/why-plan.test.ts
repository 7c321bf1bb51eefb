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

  it('can say everything it lists', () => {
    const tested = new Set([...CASES.map(([binding]) => binding), ...CONCURRENCY_REASONS])
    expect([...tested].sort()).to.deep.equal([...BINDINGS].sort())
  })
})
