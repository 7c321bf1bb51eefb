import { expect } from 'chai'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import { LIMITS } from '../../../../src/core/limits.js'
import {
  type EndpointEnd,
  type EndpointState,
  onCallEnd,
  planEndpoint,
  UP,
} from '../../../../src/fetch/upstream/endpoint-plan.js'
import { type EndpointChange, Endpoints } from '../../../../src/fetch/upstream/endpoints.js'
import { createFakeClock } from '../../../support/fake-clock.js'

const DOWN: EndpointState = { failures: 3, coolDowns: 1, downUntilMs: 1_000, isProbed: false }
const COOL = LIMITS.endpointCoolDownMs

describe('fetch/upstream/endpoint-plan', () => {
  const rows: readonly (readonly [string, readonly EndpointState[], number, object])[] = [
    ['uses the first that is up', [UP, UP], 0, { action: 'use', index: 0, isProbe: false }],
    ['passes over one that is down', [DOWN, UP], 0, { action: 'use', index: 1, isProbe: false }],
    [
      'probes it once it cooled down',
      [DOWN, UP],
      1_000,
      { action: 'use', index: 0, isProbe: true },
    ],
    [
      'lets one call alone probe it',
      [{ ...DOWN, isProbed: true }, UP],
      1_000,
      { action: 'use', index: 1, isProbe: false },
    ],
    [
      'does not probe a less preferred one while a better one is up',
      [UP, DOWN],
      1_000,
      { action: 'use', index: 0, isProbe: false },
    ],
    [
      'waits for the first that cools down when all are down',
      [{ ...DOWN, downUntilMs: 5_000 }, DOWN],
      400,
      { action: 'wait', waitMs: 600 },
    ],
    [
      'looks again soon while the only one is probed',
      [{ ...DOWN, isProbed: true }],
      2_000,
      { action: 'wait', waitMs: 250 },
    ],
  ]
  for (const [title, states, nowMs, plan] of rows) {
    it(title, () => expect(planEndpoint(states, nowMs)).to.deep.equal(plan))
  }

  it('takes the next one for a page that could not reach the first, and gives up at last', () => {
    expect(planEndpoint([UP, UP], 0, new Set([0]))).to.include({ action: 'use', index: 1 })
    expect(planEndpoint([UP, UP], 0, new Set([0, 1]))).to.deep.equal({ action: 'give-up' })
    expect(planEndpoint([UP, DOWN], 0, new Set([0]))).to.deep.equal({ action: 'give-up' })
  })

  it('goes down after failures in a row, and one answer in between starts the count again', () => {
    let state = UP
    const end = (how: EndpointEnd) => {
      state = onCallEnd(state, how, { isProbe: false, nowMs: 100 })
      return state.downUntilMs
    }
    expect([end('failed'), end('failed'), end('answered')]).to.deep.equal([null, null, null])
    expect([end('failed'), end('failed'), end('unknown')]).to.deep.equal([null, null, null])
    expect(end('failed')).to.equal(100 + COOL.min)
  })

  it('cools down twice as long after each probe that fails, up to a bound, and forgets it', () => {
    let state = DOWN
    const spans: number[] = []
    for (let probe = 0; probe < 6; probe += 1) {
      state = onCallEnd({ ...state, isProbed: true }, 'failed', { isProbe: true, nowMs: 0 })
      spans.push(state.downUntilMs ?? 0)
    }
    expect(spans).to.deep.equal([10_000, 20_000, 40_000, 60_000, 60_000, 60_000])
    expect(onCallEnd(state, 'answered', { isProbe: true, nowMs: 0 })).to.deep.equal(UP)
  })

  it('is not kept down by calls that began before it went down', () => {
    const late = onCallEnd(DOWN, 'failed', { isProbe: false, nowMs: 900 })
    expect(late).to.include({ downUntilMs: 1_000, coolDowns: 1 })
  })

  // Whatever happens in whatever order, no endpoint is lost for good.
  it('offers every endpoint again once its cool-down is over and nothing is under way', () => {
    const ends = fc.constantFrom<EndpointEnd>('answered', 'failed', 'unknown')
    fc.assert(
      fc.property(fc.array(ends, { maxLength: 60 }), (history) => {
        const clock = { nowMs: 0 }
        const states: EndpointState[] = [UP]
        for (const how of history) {
          const plan = planEndpoint(states, clock.nowMs)
          if (plan.action !== 'use') clock.nowMs += COOL.max
          const isProbe = plan.action === 'use' && plan.isProbe
          states[0] = onCallEnd(states[0] ?? UP, how, { isProbe, nowMs: clock.nowMs })
        }
        expect(planEndpoint(states, clock.nowMs + COOL.max)).to.include({ action: 'use' })
      }),
    )
  })
})

describe('fetch/upstream/endpoints', () => {
  function setUp() {
    const clock = createFakeClock()
    const changes: EndpointChange[] = []
    const urls = ['https://eu.example/v1?secret=1', 'https://us.example/']
    const onChange = (change: EndpointChange) => changes.push(change)
    return { clock, changes, endpoints: new Endpoints(urls, { clock, onChange }) }
  }
  const callOf = (endpoints: Endpoints) => {
    const begun = endpoints.begin(new Set())
    if ('action' in begun) throw new Error(begun.action)
    return begun
  }

  it('tells once when an endpoint goes down, and once when it is back', async () => {
    const { clock, changes, endpoints } = setUp()
    const calls = [1, 2, 3, 4].map(() => callOf(endpoints))
    for (const call of calls) endpoints.end(call, 'failed', 'connect ECONNREFUSED')

    expect(changes).to.deep.equal([
      {
        endpoint: 'https://eu.example',
        state: 'down',
        reason: 'connect ECONNREFUSED',
        coolDownMs: COOL.min,
      },
    ])
    expect(callOf(endpoints)).to.include({ index: 1, isProbe: false })
    await clock.advance(COOL.min)
    const probe = callOf(endpoints)
    expect(probe).to.include({ index: 0, isProbe: true })
    expect(callOf(endpoints)).to.include({ index: 1 })
    endpoints.end(probe, 'answered', 'HTTP 200')
    expect(changes[1]).to.include({ endpoint: 'https://eu.example', state: 'up', coolDownMs: 0 })
    expect(callOf(endpoints)).to.include({ index: 0, isProbe: false })
  })

  it('frees a probe that was given up', async () => {
    const { clock, endpoints } = setUp()
    for (let call = 0; call < 3; call += 1) endpoints.end(callOf(endpoints), 'failed', 'no')
    await clock.advance(COOL.min)
    endpoints.end(callOf(endpoints), 'unknown', 'cancelled')

    expect(callOf(endpoints)).to.include({ index: 0, isProbe: true })
  })

  it('waits no longer than its caller wants', async () => {
    const { endpoints } = setUp()
    const abort = new AbortController()
    const waiting = endpoints.wait(60_000, abort.signal).catch((reason: unknown) => reason)
    abort.abort('enough')
    expect(await waiting).to.equal('enough')
  })
})
