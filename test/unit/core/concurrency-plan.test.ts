import { expect } from 'chai'
import fc from 'fast-check'
import type { ConcurrencyState } from '../../../src/core/concurrency-plan.js'
import {
  allowedItems,
  moveCeiling,
  onEnd,
  onOwnOverload,
  onRefusal,
  startConcurrency,
} from '../../../src/core/concurrency-plan.js'
import { seededRandom } from '../../../src/core/random.js'
import { shareOf } from '../../../src/core/share-plan.js'

const success = (state: ConcurrencyState, active = allowedItems(state)) =>
  onEnd(state, { active, isSuccess: true })

const repeated = (
  times: number,
  state: ConcurrencyState,
  step: (state: ConcurrencyState) => ConcurrencyState,
) => Array.from({ length: times }).reduce<ConcurrencyState>((now) => step(now), state)

/** A plan that refuses what goes beyond it, and a client that starts whatever it may. */
class Scene {
  plan: number
  state: ConcurrencyState
  calls = 0
  refusals = 0
  busyMs = 0
  paidMs = 0
  #nowMs = 0
  readonly #random = seededRandom(7)
  readonly #ends: number[] = []

  constructor(plan: number, state: ConcurrencyState) {
    this.plan = plan
    this.state = state
  }

  /** Calls take 0.5 to 10 s, most of them about 2; a refusal is told at once. */
  run(calls: number): void {
    for (let made = 0; made < calls; made += 1) {
      while (this.#ends.length >= allowedItems(this.state)) this.#endNext()
      this.calls += 1
      if (this.#ends.length >= this.plan) {
        this.refusals += 1
        this.state = onRefusal(this.state, this.#ends.length + 1)
        continue
      }
      const draw = this.#random.next()
      this.#ends.push(this.#nowMs + (draw > 0.95 ? 10_000 : 500 + 3_000 * draw))
      this.#ends.sort((a, b) => a - b)
    }
  }

  #endNext(): void {
    const endMs = this.#ends[0] ?? this.#nowMs
    const active = this.#ends.length
    this.busyMs += active * (endMs - this.#nowMs)
    this.paidMs += this.plan * (endMs - this.#nowMs)
    this.#nowMs = endMs
    this.#ends.shift()
    this.state = onEnd(this.state, { active, isSuccess: this.#random.next() > 0.02 })
  }
}

describe('the concurrency plan', () => {
  it('doubles each round until the ceiling', () => {
    const first = startConcurrency({ start: 10, ceiling: 100 })
    const second = repeated(10, first, (state) => success(state))
    expect(allowedItems(second)).to.equal(20)
    expect(allowedItems(repeated(20, second, (state) => success(state)))).to.equal(40)
    expect(allowedItems(repeated(500, second, (state) => success(state)))).to.equal(100)
  })

  it('learns nothing from an idle node, and nothing from a failure', () => {
    const state = startConcurrency({ start: 10, ceiling: 100 })
    expect(allowedItems(repeated(50, state, (now) => success(now, 3)))).to.equal(10)
    const fail = (now: ConcurrencyState) => onEnd(now, { active: 10, isSuccess: false })
    expect(allowedItems(repeated(50, state, fail))).to.equal(10)
  })

  it('takes from the first refusal what was accepted beside it', () => {
    const state = startConcurrency({ start: 60, ceiling: 100 })
    expect(allowedItems(onRefusal(state, 51))).to.equal(50)
  })

  it('cuts deeper with each doubling of a burst, and counts the next burst anew', () => {
    const state = startConcurrency({ start: 50, ceiling: 50 })
    const burst = [1, 2, 3, 4, 8, 16].map((count) =>
      allowedItems(repeated(count, state, (now) => onRefusal(now, 50))),
    )
    expect(burst).to.deep.equal([49, 44, 44, 30, 15, 7])
    const over = repeated(50, onRefusal(state, 50), (now) => success(now, 49))
    expect(over.overloads).to.equal(0)
  })

  it('moves with its ceiling only when it stood there', () => {
    const free = startConcurrency({ start: 20, ceiling: 20 })
    expect(allowedItems(moveCeiling(free, 50))).to.equal(50)
    expect(allowedItems(moveCeiling(free, 5))).to.equal(5)
    const rising = moveCeiling(free, 50, { free: 6 })
    expect(allowedItems(rising)).to.equal(26)
    expect(allowedItems(repeated(24, rising, (state) => success(state)))).to.equal(50)
    expect(allowedItems(moveCeiling(free, 50, { mayGrow: false }))).to.equal(20)
    const pressed = onRefusal(free, 11)
    expect(allowedItems(moveCeiling(pressed, 50))).to.equal(10)
  })

  it('stays between one and its ceiling, whatever happens', () => {
    const step = fc.oneof(
      fc.integer({ min: 0, max: 300 }).map((active) => ({ kind: 'ok' as const, active })),
      fc.integer({ min: 0, max: 300 }).map((active) => ({ kind: 'refused' as const, active })),
      fc.integer({ min: 1, max: 300 }).map((active) => ({ kind: 'ceiling' as const, active })),
      fc.constant({ kind: 'own' as const, active: 0 }),
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        let state = startConcurrency({ start: 10, ceiling: 64 })
        for (const { kind, active } of steps) {
          if (kind === 'ok') state = success(state, active)
          else if (kind === 'refused') state = onRefusal(state, active)
          else if (kind === 'own') state = onOwnOverload(state)
          else state = moveCeiling(state, active)
          expect(allowedItems(state)).to.be.within(1, state.ceiling)
        }
      }),
    )
  })

  it('keeps a plan that it does not know at least 95 % busy, with 1 % refusals at most', () => {
    const scene = new Scene(50, startConcurrency({ start: 10, ceiling: 200 }))
    scene.run(200)
    const { busyMs, paidMs } = scene
    scene.run(1_800)
    expect((scene.busyMs - busyMs) / (scene.paidMs - paidMs)).to.be.at.least(0.95)
    expect(scene.refusals / scene.calls).to.be.at.most(0.01)
  })

  it('finds a plan again that fell to a fifth and rose', () => {
    const scene = new Scene(50, startConcurrency({ start: 10, ceiling: 200 }))
    scene.run(600)
    scene.plan = 10
    scene.run(300)
    expect(allowedItems(scene.state)).to.be.within(6, 11)
    scene.plan = 50
    scene.run(900)
    expect(allowedItems(scene.state)).to.be.within(45, 51)
    expect(scene.refusals / scene.calls).to.be.at.most(0.03)
  })
})

describe('shareOf', () => {
  it('gives out the total exactly, evenly, and the same in any order', () => {
    const members = fc.uniqueArray(fc.uuid(), { minLength: 1, maxLength: 20 })
    fc.assert(
      fc.property(members, fc.integer({ min: 0, max: 1_000 }), (nodes, total) => {
        const shares = nodes.map((node) => shareOf(total, nodes, node))
        expect(shares.reduce((sum, share) => sum + share, 0)).to.equal(total)
        expect(Math.max(...shares) - Math.min(...shares)).to.be.at.most(1)
        const reversed = nodes.toReversed()
        expect(nodes.map((node) => shareOf(total, reversed, node))).to.deep.equal(shares)
      }),
    )
  })

  it('gives nothing to a stranger', () => {
    expect(shareOf(10, ['a', 'b'], 'c')).to.equal(0)
  })
})
