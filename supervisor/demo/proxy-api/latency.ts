import { randomFor } from '../site/dealing.js'

/** How long calls take, before scaling. All in milliseconds of the API's own time. */
export interface LatencyOptions {
  /** Half of the calls take longer than this. @default 3_000 */
  readonly medianMs?: number
  /** Spread of the logarithm; 0 makes every call take the median. @default 0.7 */
  readonly spread?: number
  /** Calls in a thousand that take from `tailFromMs` to the API's patience. @default 10 */
  readonly tailPerMille?: number
  /** @default 40_000 */
  readonly tailFromMs?: number
}

/** Time after which the API gives a call up and answers 500. */
export const PATIENCE_MS = 70_000
const QUICKEST_MS = 400

export type ResolvedLatency = Required<LatencyOptions>

export function resolveLatency(options: LatencyOptions = {}): ResolvedLatency {
  const { medianMs = 3_000, spread = 0.7, tailPerMille = 10, tailFromMs = 40_000 } = options
  return { medianMs, spread, tailPerMille, tailFromMs }
}

/**
 * Time of one call, before scaling. The same seed and name give the same time, whatever else the
 * API is asked meanwhile.
 */
export function drawLatencyMs(latency: ResolvedLatency, seed: number, name: string): number {
  const random = randomFor(seed, `latency of ${name}`)
  const { medianMs, spread, tailPerMille, tailFromMs } = latency
  if (random.next() * 1_000 < tailPerMille) {
    return tailFromMs + random.next() * (PATIENCE_MS - tailFromMs)
  }
  // Box and Muller: the logarithm of the time is normally distributed.
  const radius = Math.sqrt(-2 * Math.log(1 - random.next()))
  const normal = radius * Math.cos(2 * Math.PI * random.next())
  const drawnMs = medianMs * Math.exp(spread * normal)
  return Math.min(Math.max(drawnMs, Math.min(QUICKEST_MS, medianMs)), PATIENCE_MS)
}
