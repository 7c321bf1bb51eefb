// A scenario: the cluster, its work and its misfortunes, all of it drawn from one seed.

import type { WorkerKind } from '../../supervisor/transport.js'
import { Dice } from './dice.js'

/** A place in which a process manager keeps a supervisor running. */
export interface PlaceSpec {
  readonly name: string
  readonly machine: string
  readonly seats: readonly { readonly kind: WorkerKind; readonly slots: number }[]
  readonly poolMax: number
  readonly clockRate: number
  /** Time from the end of a supervisor to the next boot. */
  readonly restartMs: number
}

export type Fault =
  | { readonly kind: 'worker-dies' | 'supervisor-dies' | 'module-breaks' | 'workers-swell' }
  | { readonly kind: 'worker-freezes' | 'supervisor-freezes' | 'machine-sleeps' }
  | { readonly kind: 'database-away' | 'database-silent' | 'table-missing' }
  | { readonly kind: 'node-cut-off' | 'heartbeats-lost'; readonly isSilent: boolean }
  | { readonly kind: 'database-slow'; readonly slowness: number }
  | { readonly kind: 'database-flaky'; readonly failedShare: number; readonly lostShare: number }
  | { readonly kind: 'clock-jumps'; readonly byMs: number }
  | { readonly kind: 'operator-pauses' | 'operator-cancels' | 'operator-promotes' }
  | { readonly kind: 'operator-stops'; readonly secondMs: number | null }
  | { readonly kind: 'operator-enqueues'; readonly count: number }

export type FaultKind = Fault['kind']

/** A misfortune: when it begins, how long it lasts where it lasts, and a number that picks whom. */
export type Misfortune = Fault & {
  readonly atMs: number
  readonly lastsMs: number
  readonly whom: number
}

export interface Scenario {
  readonly seed: number
  readonly workflows: readonly string[]
  readonly places: readonly PlaceSpec[]
  readonly items: number
  /** Share of items that misbehave, by the word in their key. */
  readonly oddities: Readonly<Record<string, number>>
  readonly timing: {
    readonly intervalMs: number
    readonly leaseMs: number
    readonly safetyMarginMs: number
  }
  readonly sweepMs: number
  readonly drainMs: number
  readonly silentMs: number
  readonly itemTimeoutMs: number
  readonly attempts: number
  readonly backoffMs: number
  readonly travelMs: { readonly min: number; readonly max: number }
  readonly bootMs: { readonly min: number; readonly max: number }
  readonly linkMs: { readonly min: number; readonly max: number }
  readonly latencyMs: { readonly min: number; readonly max: number }
  /** How long after its client heard of a loss a statement may take effect. */
  readonly lateMs: number
  readonly misfortunes: readonly Misfortune[]
  /** When the misfortunes are over. */
  readonly calmMs: number
}

/** The more often a kind is listed, the more often it happens. */
const KINDS: readonly FaultKind[] = [
  ...(['worker-dies', 'worker-dies', 'worker-dies', 'worker-freezes', 'worker-freezes'] as const),
  ...(['supervisor-dies', 'supervisor-dies', 'supervisor-freezes', 'supervisor-freezes'] as const),
  ...(['database-away', 'database-silent', 'database-slow', 'database-flaky'] as const),
  ...(['database-flaky', 'database-flaky', 'table-missing', 'module-breaks'] as const),
  ...(['workers-swell', 'clock-jumps', 'operator-pauses', 'operator-cancels'] as const),
  ...(['operator-promotes', 'operator-stops', 'operator-stops', 'operator-enqueues'] as const),
  ...(['machine-sleeps', 'node-cut-off', 'heartbeats-lost'] as const),
]

const FAULT_PHASE_MS = { min: 20_000, max: 120_000 }

/** Work that a cluster without misfortunes does in about this time. */
const WORK_MS_MAX = 90_000

export function drawScenario(seed: number): Scenario {
  const dice = new Dice(seed)
  const timing = drawTiming(dice)
  const calmMs = dice.between(FAULT_PHASE_MS.min, FAULT_PHASE_MS.max)
  const itemTimeoutMs = dice.integer(2_000, 8_000)
  const places = drawPlaces(dice)
  const latencyMs = { min: 1, max: dice.pick([50, 500, itemTimeoutMs * 1.2]) }
  const slots = places.flatMap(({ seats }) => seats).reduce((sum, seat) => sum + seat.slots, 0)
  const itemsMax = Math.ceil((WORK_MS_MAX * slots) / (latencyMs.max / 5))
  return {
    seed,
    workflows: dice.chance(0.3) ? ['alpha', 'beta'] : ['alpha'],
    places,
    items: Math.min(itemsMax, Math.round(dice.skewed(20, 600))),
    oddities: drawOddities(dice),
    timing,
    sweepMs: dice.integer(1_000, 10_000),
    drainMs: dice.integer(1_000, 30_000),
    silentMs: dice.integer(3_000, 10_000),
    itemTimeoutMs,
    attempts: dice.integer(1, 4),
    backoffMs: dice.integer(10, 2_000),
    travelMs: { min: 0.1, max: dice.pick([1, 5, 50]) },
    bootMs: { min: 50, max: dice.pick([300, 2_000]) },
    linkMs: { min: 0.02, max: dice.pick([0.5, 5, 100]) },
    latencyMs,
    lateMs: dice.pick([0, 1_000, 4_000]),
    misfortunes: drawMisfortunes(dice, calmMs),
    calmMs,
  }
}

function drawTiming(dice: Dice): Scenario['timing'] {
  const leaseMs = dice.pick([6_000, 12_000, 30_000])
  return {
    intervalMs: Math.round(leaseMs / dice.integer(3, 6)),
    leaseMs,
    safetyMarginMs: Math.floor(leaseMs / 6),
  }
}

function drawPlaces(dice: Dice): readonly PlaceSpec[] {
  const machines = dice.integer(1, 3)
  return Array.from({ length: dice.integer(1, 4) }, (_, index) => ({
    name: `node-${index + 1}`,
    machine: `machine-${dice.integer(1, machines)}`,
    seats: Array.from({ length: dice.integer(1, 3) }, () => ({
      kind: dice.chance(0.75) ? ('process' as const) : ('thread' as const),
      slots: Math.round(dice.skewed(1, 24)),
    })),
    poolMax: dice.integer(1, 3),
    // Quartz is good for a tenth of this; a virtual machine under load may not be.
    clockRate: 1 + dice.between(-0.001, 0.001),
    restartMs: dice.skewed(50, 5_000),
  }))
}

function drawOddities(dice: Dice): Record<string, number> {
  const share = (chance: number, max: number) => (dice.chance(chance) ? dice.between(0, max) : 0)
  return {
    flaky: share(0.6, 0.5),
    refused: share(0.3, 0.1),
    unsayable: share(0.2, 0.05),
    hang: share(0.2, 0.03),
    deaf: share(0.2, 0.02),
    poison: share(0.3, 0.02),
  }
}

function drawMisfortunes(dice: Dice, calmMs: number): readonly Misfortune[] {
  // A few kinds a run: a run in which everything happens hides what one thing does.
  const kinds = Array.from({ length: dice.integer(1, 5) }, () => dice.pick(KINDS))
  const count = dice.integer(0, 14)
  return Array.from({ length: count }, () => {
    return {
      ...drawFault(dice, dice.pick(kinds)),
      atMs: dice.chance(0.2) ? dice.between(0, 2_000) : dice.between(0, calmMs * 0.9),
      lastsMs: dice.chance(0.5) ? dice.skewed(50, 20_000) : dice.between(1_000, 60_000),
      whom: dice.integer(0, 1_000),
    }
  }).sort((a, b) => a.atMs - b.atMs)
}

function drawFault(dice: Dice, kind: FaultKind): Fault {
  switch (kind) {
    case 'database-slow':
      return { kind, slowness: dice.pick([20, 200, 5_000]) }
    case 'database-flaky':
      return {
        kind,
        failedShare: dice.pick([0, 0.1, 0.5]),
        lostShare: dice.pick([0.05, 0.3, 0.7]),
      }
    case 'node-cut-off':
    case 'heartbeats-lost':
      return { kind, isSilent: dice.chance(0.5) }
    case 'clock-jumps':
      return { kind, byMs: dice.between(-86_400_000, 86_400_000) }
    case 'operator-stops':
      return { kind, secondMs: dice.chance(0.4) ? dice.between(1, 10_000) : null }
    case 'operator-enqueues':
      return { kind, count: dice.integer(1, 200) }
    default:
      return { kind }
  }
}
