import type { MonotonicMs } from '../src/core/clock.js'
import type { HostLimit, HostReason } from '../src/core/host-hold.js'
import { type HostRules, startsAtMs } from '../src/core/host-plan.js'
import type { BusyHost } from './host-room.js'

/** A host as others are told of it. */
export interface HostView {
  readonly lane: string
  readonly active: number
  readonly waiting: number
  /** Time until the next request may start; null while one has to end first. */
  readonly opensInMs: number | null
  readonly heldBy: HostLimit | null
}

/** How a host stands now, for whoever watches. */
export function viewOf(
  lane: string,
  { state, waiting }: Pick<BusyHost, 'state' | 'waiting'>,
  now: {
    readonly rules: HostRules
    readonly nowMs: MonotonicMs
    /** What keeps it from being asked. */
    readonly reason: HostReason | null
    /** Time for which it is left alone after failures. */
    readonly restMs: number | null
  },
): HostView {
  const { rules, nowMs, reason, restMs } = now
  const opensMs = Math.max(0, startsAtMs(state, rules) - nowMs, restMs ?? 0)
  return {
    lane,
    active: state.active,
    waiting: waiting.length,
    opensInMs: Number.isFinite(opensMs) ? Math.ceil(opensMs) : null,
    heldBy: reason?.limit ?? null,
  }
}
