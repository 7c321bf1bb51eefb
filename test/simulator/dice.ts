// Everything that is left to chance in a run comes from here, and all of it from one seed.

import type { Random } from '../../src/core/random.js'
import { randomInteger, seededRandom } from '../../src/core/random.js'

export class Dice implements Random {
  readonly #random: Random

  constructor(seed: number) {
    this.#random = seededRandom(seed)
  }

  readonly next = (): number => this.#random.next()

  /** A stream of its own, so that one more throw here moves nothing there. */
  fork(): Dice {
    return new Dice(Math.floor(this.next() * 4_294_967_296))
  }

  chance(probability: number): boolean {
    return this.next() < probability
  }

  between(min: number, max: number): number {
    return min + this.next() * (max - min)
  }

  integer(min: number, max: number): number {
    return randomInteger(this, { min, max })
  }

  pick<Value>(values: readonly Value[]): Value {
    const value = values[this.integer(0, values.length - 1)]
    if (value === undefined) throw new Error('nothing to pick from')
    return value
  }

  /** Mostly near the lower end, now and then far out. */
  skewed(min: number, max: number): number {
    return min + (max - min) * this.next() ** 4
  }
}
