import { assert } from '../../../src/core/assert.js'
import { type Random, seededRandom } from '../../../src/core/random.js'

/**
 * The random numbers that belong to a name, whatever was generated before: a page looks the same
 * however many sites there are around it.
 */
export function randomFor(seed: number, name: string): Random {
  let hash = (seed ^ 0x811c9dc5) >>> 0
  for (const byte of Buffer.from(name)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0
  return seededRandom(hash)
}

export function pick<Value>(random: Random, values: readonly Value[]): Value {
  const value = values[Math.floor(random.next() * values.length)]
  assert(value !== undefined, 'there is something to pick from')
  return value
}

export function shuffled<Value>(random: Random, values: readonly Value[]): Value[] {
  return values
    .map((value) => ({ value, order: random.next() }))
    .sort((left, right) => left.order - right.order)
    .map((card) => card.value)
}

/**
 * `count` cards in random order in which every value occurs equally often. Drawn one by one, a rare
 * value could be missing altogether.
 */
export function dealEvenly<Value>(
  random: Random,
  deal: { readonly values: readonly Value[]; readonly count: number },
): Value[] {
  const rounds = Math.ceil(deal.count / deal.values.length)
  const cards = Array.from({ length: rounds }, () => shuffled(random, deal.values)).flat()
  return shuffled(random, cards.slice(0, deal.count))
}

/** Replaces every `{name}` of a template. An unknown name is a mistake in the word lists. */
export function fill(template: string, values: { readonly [name: string]: string }): string {
  return template.replace(/\{(\w+)\}/g, (_match, name: string) => {
    const value = values[name]
    assert(value !== undefined, `the template's {${name}} has a value`)
    return value
  })
}

/** Replaces every `#` by a digit. */
export function fillDigits(random: Random, pattern: string): string {
  return pattern.replace(/#/g, () => String(Math.floor(random.next() * 10)))
}
