/** A source of numbers in [0, 1). Injected, so that a seed replays a run. */
export interface Random {
  readonly next: () => number
}

export const systemRandom: Random = { next: () => Math.random() }

/** A small seeded generator (mulberry32): the same seed gives the same numbers on every machine. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0
  return {
    next: () => {
      state = (state + 0x6d2b79f5) >>> 0
      let mixed = Math.imul(state ^ (state >>> 15), state | 1)
      mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
      return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
    },
  }
}

/** A whole number in [min, max]. */
export function randomInteger(random: Random, range: { min: number; max: number }): number {
  return range.min + Math.floor(random.next() * (range.max - range.min + 1))
}
