import { expect } from 'chai'
import type { WorkflowFigures } from '../../../src/core/figures.js'
import type { HostHold, HostLimit } from '../../../src/core/host-hold.js'
import { HOST_LIMITS } from '../../../src/core/host-hold.js'
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
  ...{ reason: 'configured', perSecond: 3, isClogged: false, hostHold: null },
  ...{ perMinute: null, successPauseMs: 0, breaker: null, lanesOpen: 0 },
  ...{ fetches: 0, reusedFetches: 0 },
  ...fields,
})

const hold = (fields: Partial<HostHold> = {}): HostHold => ({
  ...{ host: 'slow.example', waiting: 40, held: 40, hosts: 1, limit: 'crawl_delay' },
  ...{ figure: 10_000, ...fields },
})

const HOST_CASES: { readonly [limit in HostLimit]: readonly [figure: number, words: RegExp] } = {
  concurrency: [2, /slow\.example, which is asked for 2 at a time here\.$/],
  delay: [2_500, /which is asked once each 2\.5 s\.$/],
  crawl_delay: [10_000, /which allows one request each 10 s \(Crawl-delay of its robots\.txt\)\.$/],
  retry_after: [59_960, /asked to be left alone for another 60 s \(Retry-After\)\.$/],
  spared: [5_000, /keeps failing and is tried again in 5 s\.$/],
  other_nodes: [0, /is the business of other nodes\.$/],
}

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
  [
    'host',
    figures({ delayed: 3 }),
    [load({ inFlight: 2 }), load({ inFlight: 1, hostHold: hold() })],
    /3 of 20 in flight, 500 queued, 3 delayed\. All 40 items held back here are for slow\.example/,
  ],
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
      const { words } = explainWorkflow(figures({ delayed: 7 }), loads)
      expect(words).to.contain('16/s, 500 queued, 7 delayed')
    })
  }

  for (const limit of HOST_LIMITS) {
    it(`names the limit of a host with its figure: ${limit}`, () => {
      const [figure, words] = HOST_CASES[limit]
      const loads = [load({ inFlight: 1, hostHold: hold({ limit, figure }) })]
      expect(explainWorkflow(figures(), loads).words).to.match(words)
    })
  }

  it('tells how many hosts hold back what is in hand', () => {
    const hostHold = hold({ held: 100, hosts: 7 })
    const { words } = explainWorkflow(figures(), [load({ inFlight: 1, hostHold })])
    expect(words).to.contain(
      '100 items held back here are for 7 hosts, 40 of them for slow.example',
    )
  })

  it('names no host while as much is under way as may be', () => {
    const { binding } = explainWorkflow(figures(), [load({ hostHold: hold() })])
    expect(binding).to.equal('configured')
  })

  it('says how fast, how long and why, where slots are free although there is work', () => {
    const words = (fields: Partial<NodeLoad>) =>
      explainWorkflow(figures(), [
        load({ inFlight: 1, ...fields }),
        load({ inFlight: 0, ...fields }),
      ]).words
    expect(words({ reason: 'rate', perMinute: 30 })).to.contain('The rate: 60 a minute: 1 of 20')
    expect(words({ reason: 'pause', successPauseMs: 2_500 })).to.contain('rests 2.5 s after')
    expect(words({ reason: 'crowded' })).to.contain('use the whole plan, every call is refused')
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

  it('says when a scheduled workflow works next, between two instances alone', () => {
    const definition = { every: '5m' }
    const nextAt = '2026-01-01 00:05:00+00'
    const own = figures({ processing: 0, delayed: 3 })
    const between = explainWorkflow(own, [load({ inFlight: 0 })], {
      ...{ definition, nextAt, openInstances: 0 },
    })
    expect(between.binding).to.equal('schedule')
    expect(between.words).to.equal(
      `Its schedule (every 5m): the next tick is ${nextAt}; 500 queued, 3 delayed.`,
    )
    expect(between.advice).to.equal('fetchyard run-now contacts')
    const within = { definition, nextAt, openInstances: 1 }
    expect(explainWorkflow(own, [load()], within).binding).to.equal('configured')
  })

  it('can say everything it lists', () => {
    const cases = CASES.map(([binding]) => binding)
    const tested = new Set([...cases, 'schedule', ...CONCURRENCY_REASONS])
    expect([...tested].sort()).to.deep.equal([...BINDINGS].sort())
  })
})
