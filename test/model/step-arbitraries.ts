// How often which command comes, and with what. Every choice shrinks towards its first: a command
// that matters for nothing becomes a short wait, which the report leaves out.

import fc from 'fast-check'
import type { FencingRule } from '../../src/core/heartbeat-plan.js'
import type { Flow, Key, Step } from './steps.js'
import { ENDINGS, FENCED, KEYS, OWNER_WORDS } from './steps.js'

const kind = <const K extends Step['do']>(name: K) => fc.constant(name)

const flow = fc.constantFrom<Flow>('pushed', 'bound')
/** Mostly the same one: an old lease matters most to the node that has the new one. */
const node = fc.constantFrom(0, 0, 0, 1, 1, 2, FENCED)
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
const resumed = fc.constantFrom(null, null, 'operator' as const, 'crashes' as const)
/** Of a caller that lives, and of one that was heard for a while, too. */
const LENIENT: FencingRule = { leaseMs: 30_000, gapMs: 30_000, steadyMs: 0 }
const STRICT: FencingRule = { leaseMs: 30_000, gapMs: 1_000, steadyMs: 250 }
const fencing = fc.constantFrom(LENIENT, STRICT)
const rarely = fc.integer({ min: 0, max: 5 }).map((n) => n === 5)

const time = [
  {
    weight: 3,
    arbitrary: fc.record({
      do: kind('wait'),
      ms: fc.constantFrom(0, 1, 250, 1_000, 1_000, 30_000, 3_700_000),
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
    weight: 2,
    arbitrary: fc.record({ do: kind('boot'), leaseMs: fc.constantFrom(30_000, 1_000) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: kind('heartbeat'),
      node,
      leaseMs: fc.constantFrom(30_000, 1_000),
      gapMs: fc.constantFrom(1_000, 500),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: kind('fence'), node }) },
  { weight: 1, arbitrary: fc.record({ do: kind('fenceExpired'), node, rule: fencing }) },
  {
    weight: 5,
    arbitrary: fc.record({ do: kind('reclaim'), flow, packsMax: fc.constantFrom(50, 1, 2) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ do: kind('releaseNode'), flow, node, isKnowing: fc.boolean() }),
  },
] as const

const settling = [
  {
    weight: 16,
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
  { weight: 3, arbitrary: fc.record({ do: kind('settleAll'), node, flow, end: ending }) },
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
      again: fc.constantFrom(0, 1, 1, 2),
      delayMs: fc.constantFrom(0, 0, 0, 1_000, 3_600_000),
      priority: fc.constantFrom(0, 0, -1, 1),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: kind('pause'), flow, reason }) },
  { weight: 4, arbitrary: fc.record({ do: kind('resume'), flow, reason: resumed }) },
  { weight: 2, arbitrary: fc.record({ do: kind('cancel'), flow, keys: someOrAll }) },
  { weight: 3, arbitrary: fc.record({ do: kind('promote'), flow, keys: someOrAll }) },
  { weight: 2, arbitrary: fc.record({ do: kind('archive') }) },
  { weight: 2, arbitrary: fc.record({ do: kind('retire') }) },
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

const STEP: fc.Arbitrary<Step> = fc.oneof(
  { withCrossShrink: true },
  ...time,
  ...leasing,
  ...settling,
  ...operating,
  ...owning,
)

const leaseOf = (of: Flow, by: number): Step => {
  return { do: 'lease', flow: of, node: by, itemsMax: 100, packsMax: 64, deadlineMs: 60_000 }
}
const reclaimOf = (of: Flow): Step => ({ do: 'reclaim', flow: of, packsMax: 50 })
const insertOf = (keys: readonly Key[]): Step => {
  return { do: 'ownerInsert', keys, word: 'Queued', isSelected: true }
}
const zombieOf = (n: number): Step => {
  const ends = ['complete'] as const
  return { do: 'zombie', pick: n, part: 255, ends, isStranger: false, isDoubled: false }
}
const moment = fc.constantFrom(1, 0, -1)

const scene = fc.record({ flow, node, pick, keys: some, byUs: moment })
type Cast = typeof scene extends fc.Arbitrary<infer Value> ? Value : never

/** Commands that mean little alone: what chance would seldom put together. */
const SCENES: readonly { readonly weight: number; readonly play: (cast: Cast) => Step[] }[] = [
  {
    weight: 4,
    play: ({ keys, node: by }) => [
      { do: 'enqueue', keys, again: 1, delayMs: 0, priority: 0 },
      leaseOf('pushed', by),
    ],
  },
  { weight: 4, play: ({ keys, node: by }) => [insertOf(keys), leaseOf('bound', by)] },
  { weight: 1, play: ({ keys }) => [{ do: 'ownerDelete', keys }, insertOf(keys)] },
  {
    weight: 1,
    play: ({ byUs, flow: of }) => [{ do: 'jump', to: 'deadline', byUs }, reclaimOf(of)],
  },
  {
    weight: 1,
    play: ({ flow: of, node: by, pick: n }) => [
      { do: 'jump', to: 'deadline', byUs: 1 },
      reclaimOf(of),
      leaseOf(of, by),
      zombieOf(n),
    ],
  },
  {
    weight: 2,
    play: ({ flow: of, node: by, pick: n }) => [
      { do: 'releaseNode', flow: of, node: by, isKnowing: false },
      leaseOf(of, by),
      zombieOf(n),
    ],
  },
  {
    weight: 1,
    play: ({ flow: of, node: by }) => [
      { do: 'releaseNode', flow: of, node: by, isKnowing: false },
      leaseOf(of, by),
      { do: 'settleAll', flow: of, node: by, end: 'complete' },
    ],
  },
  {
    weight: 1,
    play: ({ flow: of, node: by, pick: n }) => [
      { do: 'crash', pick: n, isAlone: false, mayQuarantine: true },
      leaseOf(of, by),
    ],
  },
  {
    weight: 1,
    play: ({ flow: of, node: by, byUs }) => [{ do: 'jump', to: 'run_at', byUs }, leaseOf(of, by)],
  },
  {
    weight: 2,
    play: ({ flow: of, node: by }) => [
      { do: 'settleAll', flow: of, node: by, end: 'complete' },
      { do: 'archive' },
      { do: 'retire' },
    ],
  },
  {
    weight: 1,
    play: ({ node: by, byUs }) => [
      { do: 'jump', to: 'alive_until', byUs },
      { do: 'heartbeat', node: by, leaseMs: 30_000, gapMs: 1_000 },
      { do: 'fenceExpired', node: by, rule: LENIENT },
    ],
  },
]

const STEPS_MIN = 10
const STEPS_MAX = 40

/** A few scenes among single commands. */
export const STEPS: fc.Arbitrary<readonly Step[]> = fc
  .array(
    fc.oneof(
      { withCrossShrink: true },
      { weight: 45, arbitrary: STEP.map((step) => [step]) },
      ...SCENES.map(({ weight, play }) => ({
        weight,
        arbitrary: scene.map(play),
      })),
    ),
    { minLength: STEPS_MIN, maxLength: STEPS_MAX, size: 'max' },
  )
  .map((scenes) => scenes.flat().slice(0, STEPS_MAX))

/** A sequence without the commands that shrinking has emptied. */
export function worthTelling(steps: readonly Step[]): readonly Step[] {
  return steps.filter((step) => step.do !== 'wait' || step.ms > 0)
}
