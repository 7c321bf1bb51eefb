import { expect } from 'chai'
import fc from 'fast-check'
import { whyHeld } from '../../../src/core/host-hold.js'
import type { HostRules, HostState } from '../../../src/core/host-plan.js'
import {
  delayOf,
  NEW_HOST,
  onHostEnd,
  onHostStart,
  startsAtMs,
} from '../../../src/core/host-plan.js'
import type { Outcome } from '../../../src/core/outcome.js'
import { completed, facts, failed } from '../../support/values.js'

const NOW_MS = 1_000_000
const rulesOf = (fields: Partial<HostRules> = {}): HostRules => ({
  ...{ concurrency: 2, delayMs: 0, crawlDelayMaxMs: 30_000 },
  ...fields,
})
const answered = (durationMs: number, crawlDelayMs?: number) =>
  completed({
    facts: facts({ durationMs, ...(crawlDelayMs === undefined ? {} : { crawlDelayMs }) }),
  })

/** One request after the other, each ending as told at its own instant. */
function replay(
  rules: HostRules,
  ends: readonly (readonly [outcome: Outcome, atMs: number])[],
  from: HostState = NEW_HOST,
): HostState {
  return ends.reduce(
    (state, [outcome, nowMs]) =>
      onHostEnd(onHostStart(state, rules, nowMs), rules, { outcome, nowMs }),
    from,
  )
}

describe('core/host-plan', () => {
  it('asks a new host for one page before it asks for more', () => {
    const rules = rulesOf({ concurrency: 8, isMetFirst: true })
    const one = onHostStart(NEW_HOST, rules, NOW_MS)
    expect(startsAtMs(one, rules), 'a first page that hangs').to.equal(NOW_MS + 5_000)
    const two = onHostStart(one, rules, NOW_MS + 5_000)
    expect(startsAtMs(two, rules), 'then no more waiting').to.be.at.most(NOW_MS + 5_000)
    const ends: Outcome[] = [answered(5), failed('http_4xx'), failed('robots'), failed('connect')]
    for (const outcome of ends) {
      const met = onHostEnd(one, rules, { outcome, nowMs: NOW_MS })
      const again = onHostStart(met, rules, NOW_MS)
      expect(startsAtMs(again, rules)).to.be.at.most(NOW_MS)
    }
    const freed = onHostEnd(one, rules, { outcome: { result: 'release' }, nowMs: NOW_MS })
    const other = onHostStart(freed, rules, NOW_MS + 1)
    expect(startsAtMs(other, rules), 'met anew').to.equal(NOW_MS + 5_001)
  })

  const started = (rules: HostRules, times = 1) =>
    Array.from({ length: times }).reduce<HostState>(
      (state) => onHostStart(state, rules, NOW_MS),
      NEW_HOST,
    )
  const HELD: readonly [words: string, rules: HostRules, state: (rules: HostRules) => HostState][] =
    [
      ['concurrency 2', rulesOf(), (rules) => started(rules, 2)],
      ['delay 500', rulesOf({ delayMs: 500 }), (rules) => started(rules)],
      ['crawl_delay 4000', rulesOf(), (rules) => replay(rules, [[answered(5, 4_000), NOW_MS]])],
      [
        'delay 5000',
        rulesOf({ delayMs: 5_000 }),
        (rules) => replay(rules, [[answered(5, 4_000), NOW_MS]]),
      ],
      [
        'retry_after 9000',
        rulesOf(),
        (rules) => replay(rules, [[failed('rate_limited', { retryAfterMs: 9_000 }), NOW_MS]]),
      ],
      ['other_nodes 0', rulesOf({ concurrency: 0 }), () => NEW_HOST],
    ]
  for (const [words, rules, stateOf] of HELD) {
    it(`says why nothing may start: ${words}`, () => {
      const reason = whyHeld(stateOf(rules), rules, NOW_MS)
      expect(`${reason?.limit} ${reason?.figure}`).to.equal(words)
    })
  }

  it('says nothing of a host that may be asked', () => {
    expect(whyHeld(NEW_HOST, rulesOf(), NOW_MS)).to.equal(null)
  })

  it('lets as many start as the host has room for', () => {
    const rules = rulesOf({ concurrency: 2 })
    const one = onHostStart(NEW_HOST, rules, NOW_MS)
    expect(startsAtMs(one, rules)).to.be.at.most(NOW_MS)
    const two = onHostStart(one, rules, NOW_MS)
    expect(startsAtMs(two, rules)).to.equal(Number.POSITIVE_INFINITY)
    const freed = onHostEnd(two, rules, { outcome: { result: 'release' }, nowMs: NOW_MS })
    expect(startsAtMs(freed, rules)).to.be.at.most(NOW_MS)
  })

  it('keeps the delay between starts, however soon the answer comes', () => {
    const rules = rulesOf({ delayMs: 500 })
    const state = replay(rules, [[answered(5), NOW_MS]])
    expect(startsAtMs(state, rules)).to.equal(NOW_MS + 500)
  })

  it('raises the delay to what robots.txt asks for, up to the cap, from the first answer on', () => {
    const rules = rulesOf({ delayMs: 500 })
    const state = replay(rules, [[answered(5, 4_000), NOW_MS]])
    expect(startsAtMs(state, rules)).to.equal(NOW_MS + 4_000)
    const long = replay(rules, [[answered(5, 90_000), NOW_MS]])
    expect(startsAtMs(long, rules)).to.equal(NOW_MS + 30_000)
    const short = replay(rules, [[answered(5, 100), NOW_MS]])
    expect(startsAtMs(short, rules)).to.equal(NOW_MS + 500)
  })

  it('follows the latency: half-way down, at once up', () => {
    const rules = rulesOf({ delayMs: 'auto' })
    expect(delayOf(NEW_HOST, rules)).to.equal(1_000)
    expect(delayOf(replay(rules, [[answered(200), NOW_MS]]), rules)).to.equal(600)
    expect(delayOf(replay(rules, [[answered(5_000), NOW_MS]]), rules)).to.equal(5_000)
    expect(delayOf(replay(rules, [[answered(500_000), NOW_MS]]), rules)).to.equal(60_000)
  })

  it('is never made faster by a failure', () => {
    const ends = fc.tuple(
      fc.constantFrom('http_5xx', 'blocked', 'http_4xx', 'reset', 'rate_limited', 'robots'),
      fc.integer({ min: 0, max: 100_000 }),
    )
    const before = fc.array(fc.integer({ min: 1, max: 90_000 }), { maxLength: 5 })
    fc.assert(
      fc.property(before, ends, (latencies, [code, durationMs]) => {
        const rules = rulesOf({ delayMs: 'auto' })
        const state = replay(
          rules,
          latencies.map((latency) => [answered(latency), NOW_MS]),
        )
        const outcome = failed(code as 'reset', { facts: facts({ durationMs }) })
        const next = replay(rules, [[outcome, NOW_MS]], state)
        expect(delayOf(next, rules)).to.be.at.least(delayOf(state, rules))
      }),
    )
  })

  it('closes for as long as the host asks', () => {
    const rules = rulesOf()
    const outcome = failed('rate_limited', { retryAfterMs: 120_000 })
    const state = replay(rules, [[outcome, NOW_MS]])
    expect(startsAtMs(state, rules)).to.equal(NOW_MS + 120_000)
    // A shorter wish, or an answer of a request that was under way, does not open it again.
    const shorter = failed('rate_limited', { retryAfterMs: 1_000 })
    const later = replay(
      rules,
      [
        [shorter, NOW_MS + 10],
        [answered(5), NOW_MS + 20],
      ],
      state,
    )
    expect(startsAtMs(later, rules)).to.equal(NOW_MS + 120_000)
  })
})
