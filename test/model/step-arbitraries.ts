// How often which command comes, and with what. Every choice shrinks towards its first: a command
// that matters for nothing becomes a short wait, which the report leaves out.

import fc from 'fast-check'
import type { Flow, Step } from './steps.js'
import { ENDINGS, KEYS, OWNER_WORDS } from './steps.js'

const kind = <const K extends Step['do']>(name: K) => fc.constant(name)

const flow = fc.constantFrom<Flow>('pushed', 'bound')
const node = fc.nat({ max: 3 })
const pick = fc.nat({ max: 9 })
const some = fc.uniqueArray(fc.constantFrom(...KEYS), { minLength: 1, maxLength: KEYS.length })
const someOrAll = fc.option(some, { freq: 3 })
const part = fc.oneof(fc.constant(255), fc.integer({ min: 1, max: 255 }))
const ending = fc.constantFrom(...ENDINGS)
const word = fc.oneof(
  { weight: 2, arbitrary: fc.constant('Queued' as const) },
  { weight: 3, arbitrary: fc.constantFrom(...OWNER_WORDS) },
)
const reason = fc.constantFrom('operator' as const, 'crashes' as const)
const rarely = fc.integer({ min: 0, max: 5 }).map((n) => n === 5)

const time = [
  {
    weight: 3,
    arbitrary: fc.record({
      do: kind('wait'),
      ms: fc.constantFrom(0, 1, 250, 1_000, 30_000, 3_700_000),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: kind('jump'),
      to: fc.constantFrom('deadline', 'run_at', 'alive_until'),
      byUs: fc.constantFrom(1, 0, -1),
    }),
  },
] as const

const leasing = [
  {
    weight: 12,
    arbitrary: fc.record({
      do: kind('lease'),
      flow,
      node,
      itemsMax: fc.constantFrom(100, 1, 2, 3, 5),
      packsMax: fc.constantFrom(64, 1, 2),
      deadlineMs: fc.constantFrom(60_000, 1_000, 3_600_000),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: kind('boot'), leaseMs: fc.constantFrom(30_000, 1_000) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: kind('heartbeat'), node, leaseMs: fc.constantFrom(30_000, 1_000) }),
  },
  { weight: 2, arbitrary: fc.record({ do: kind('fence'), node }) },
  { weight: 2, arbitrary: fc.record({ do: kind('fenceExpired'), node }) },
  {
    weight: 5,
    arbitrary: fc.record({ do: kind('reclaim'), flow, packsMax: fc.constantFrom(50, 1, 2) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: kind('releaseNode'), flow, node, isKnowing: fc.boolean() }),
  },
] as const

const settling = [
  {
    weight: 10,
    arbitrary: fc.record({
      do: kind('settle'),
      pick,
      part,
      ends: fc.array(ending, { minLength: 1, maxLength: 3 }),
      isStranger: rarely,
      isDoubled: rarely,
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: kind('zombie'),
      pick,
      part,
      ends: fc.array(ending, { minLength: 1, maxLength: 2 }),
      isStranger: rarely,
      isDoubled: rarely,
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: kind('settleAll'), node, flow, end: ending }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: kind('crash'),
      pick,
      isAlone: fc.boolean(),
      mayQuarantine: fc.boolean(),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: kind('resend'), pick }) },
] as const

const operating = [
  {
    weight: 9,
    arbitrary: fc.record({
      do: kind('enqueue'),
      keys: some,
      again: fc.constantFrom(0, 1, 2),
      delayMs: fc.constantFrom(0, 0, 0, 1_000, 3_600_000),
      priority: fc.constantFrom(0, 0, -1, 1),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: kind('pause'), flow, reason }) },
  { weight: 2, arbitrary: fc.record({ do: kind('resume'), flow, reason: fc.option(reason) }) },
  { weight: 2, arbitrary: fc.record({ do: kind('cancel'), flow, keys: someOrAll }) },
  { weight: 2, arbitrary: fc.record({ do: kind('promote'), flow, keys: someOrAll }) },
  { weight: 1, arbitrary: fc.record({ do: kind('fold'), rowsMax: fc.constantFrom(1_000, 70) }) },
] as const

const owning = [
  {
    weight: 5,
    arbitrary: fc.record({
      do: kind('ownerInsert'),
      keys: some,
      word,
      isSelected: rarely.map((no) => !no),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      do: kind('ownerUpdate'),
      keys: some,
      word: fc.option(word, { nil: undefined, freq: 4 }),
      isSelected: fc.option(fc.boolean(), { nil: undefined, freq: 2 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: kind('ownerDelete'), keys: some }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: kind('ask'),
      keys: some,
      again: fc.constantFrom('never', 'when-finished'),
    }),
  },
] as const

export const STEP: fc.Arbitrary<Step> = fc.oneof(
  { withCrossShrink: true },
  ...time,
  ...leasing,
  ...settling,
  ...operating,
  ...owning,
)

const STEPS_MIN = 10
const STEPS_MAX = 40

export const STEPS: fc.Arbitrary<Step[]> = fc.array(STEP, {
  minLength: STEPS_MIN,
  maxLength: STEPS_MAX,
  size: 'max',
})

/** A sequence without the commands that shrinking has emptied. */
export function worthTelling(steps: readonly Step[]): readonly Step[] {
  return steps.filter((step) => step.do !== 'wait' || step.ms > 0)
}
