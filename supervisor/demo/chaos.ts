// Kills a random worker process with SIGKILL now and then, to show what is survived.

import type { Clock, MonotonicMs } from '../../src/core/clock.js'
import { type Random, randomInteger } from '../../src/core/random.js'
import type { EventBus } from '../../src/telemetry/events.js'

export interface Chaos {
  readonly kills: () => number
  readonly stop: () => void
}

const KILL_EVERY_MS = 1_000
/** A worker that had no time to finish anything would look like a crash loop, which pauses. */
const AGE_MIN_MS = 1_500

export function startChaos(deps: {
  readonly events: EventBus
  readonly clock: Clock
  readonly random: Random
  readonly kill: (pid: number) => void
}): Chaos {
  const { events, clock, random, kill } = deps
  const readyAt = new Map<number, MonotonicMs>()
  let kills = 0
  const unsubscribe = events.subscribe((event) => {
    if (event.name === 'worker.ready' && event.kind === 'process') {
      readyAt.set(event.pid, clock.nowMs())
    }
    if (event.name === 'worker.exited' && event.kind === 'process') readyAt.delete(event.pid)
  })
  const strike = () => {
    const nowMs = clock.nowMs()
    const old = [...readyAt].filter(([, atMs]) => nowMs - atMs >= AGE_MIN_MS)
    const [pid] = old.at(randomInteger(random, { min: 0, max: Math.max(0, old.length - 1) })) ?? []
    if (pid !== undefined) {
      readyAt.delete(pid)
      kills += 1
      kill(pid)
    }
    cancel = clock.setTimer(KILL_EVERY_MS, strike)
  }
  let cancel = clock.setTimer(KILL_EVERY_MS, strike)
  return {
    kills: () => kills,
    stop: () => {
      cancel()
      unsubscribe()
    },
  }
}
