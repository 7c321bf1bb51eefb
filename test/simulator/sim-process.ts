// A simulated process: what it runs, it runs by its own clock; frozen it runs nothing and what
// comes for it waits; killed it never runs again.

import type { CancelTimer, Clock } from '../../src/core/clock.js'
import type { Cancel, World } from './world.js'

/** Longest delay that Node's timers know; a longer one fires at once. */
const TIMER_MS_MAX = 2_147_483_647

export interface ClockTraits {
  /** Reading of the monotonic clock at the beginning of the world. */
  readonly zeroMs: number
  /** Its seconds in a second of the world. */
  readonly rate: number
  readonly wallSkewMs: number
}

interface Timer {
  readonly fire: () => void
  /** Reading of the process's own clock at which it is due. */
  readonly dueMs: number
  cancel: Cancel
}

interface Held {
  readonly isTimer: boolean
  readonly run: () => void
}

export class SimProcess {
  readonly #world: World
  readonly #traits: ClockTraits
  readonly #timers = new Set<Timer>()
  #state: 'alive' | 'frozen' | 'dead' = 'alive'
  #held: Held[] = []
  /** Time that the machine slept: its monotonic clock stood still. */
  #sleptMs = 0
  #asleepSinceMs: number | null = null
  #wallJumpMs = 0
  readonly clock: Clock

  constructor(world: World, traits: ClockTraits) {
    this.#world = world
    this.#traits = traits
    this.clock = {
      nowMs: () => this.#nowMs(),
      wallMs: () => 1_795_000_000_000 + world.nowMs + traits.wallSkewMs + this.#wallJumpMs,
      setTimer: (delayMs, fire) => this.#setTimer(delayMs, fire),
    }
  }

  get isDead(): boolean {
    return this.#state === 'dead'
  }

  get isFrozen(): boolean {
    return this.#state === 'frozen'
  }

  /** Timers that wait. */
  get timers(): number {
    return this.#timers.size
  }

  /** Runs something of this process's: now, when it thaws, or never. */
  run(callback: () => void): void {
    this.#deliver({ isTimer: false, run: callback })
  }

  freeze(): void {
    if (this.#state === 'alive') this.#state = 'frozen'
  }

  /** Freezes with the machine: its monotonic clock stands still too. */
  sleep(): void {
    if (this.#state !== 'alive') return
    this.freeze()
    this.#asleepSinceMs = this.#world.nowMs
    for (const timer of this.#timers) timer.cancel()
  }

  /** @param isTimersFirst whether timers that fell due run before what came from outside. */
  thaw(isTimersFirst: boolean): void {
    if (this.#state !== 'frozen') return
    this.#state = 'alive'
    this.#wake()
    const held = this.#held
    this.#held = []
    const isFirst = ({ isTimer }: Held) => isTimer === isTimersFirst
    const ordered = [...held.filter(isFirst), ...held.filter((one) => !isFirst(one))]
    for (const one of ordered) this.#world.after(0, () => this.#deliver(one))
  }

  kill(): void {
    this.#state = 'dead'
    this.#held = []
    for (const timer of this.#timers) timer.cancel()
    this.#timers.clear()
  }

  jumpWall(byMs: number): void {
    this.#wallJumpMs += byMs
  }

  #nowMs(): number {
    const awakeMs = (this.#asleepSinceMs ?? this.#world.nowMs) - this.#sleptMs
    return this.#traits.zeroMs + awakeMs * this.#traits.rate
  }

  #wake(): void {
    if (this.#asleepSinceMs === null) return
    this.#sleptMs += this.#world.nowMs - this.#asleepSinceMs
    this.#asleepSinceMs = null
    for (const timer of this.#timers) this.#plan(timer)
  }

  #deliver(held: Held): void {
    if (this.#state === 'dead') return
    if (this.#state === 'frozen') this.#held.push(held)
    else held.run()
  }

  /** As Node's: whole milliseconds, one at least. */
  #setTimer(delayMs: number, fire: () => void): CancelTimer {
    if (!(delayMs <= TIMER_MS_MAX)) throw new Error(`a timer of ${delayMs} ms fires at once`)
    if (this.#state === 'dead') return () => {}
    const timer: Timer = {
      fire,
      dueMs: this.#nowMs() + Math.max(1, Math.trunc(delayMs)),
      cancel: () => {},
    }
    this.#timers.add(timer)
    this.#plan(timer)
    return () => {
      timer.cancel()
      this.#timers.delete(timer)
    }
  }

  #plan(timer: Timer): void {
    const delayMs = (timer.dueMs - this.#nowMs()) / this.#traits.rate
    timer.cancel = this.#world.after(delayMs, () => {
      const run = () => {
        if (this.#timers.delete(timer)) timer.fire()
      }
      this.#deliver({ isTimer: true, run })
    })
  }
}
