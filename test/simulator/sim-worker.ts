// A simulated worker: the real fetch loop in a simulated process, with a handler whose items behave
// as their keys say, and a link that keeps the order of what is said, as a pipe does.

import type { DispatchedItem, FromWorker, ToWorker } from '../../src/actor/messages.js'
import type { ResultRows } from '../../src/core/outcome.js'
import { FetchFailure } from '../../src/fetch/failure.js'
import type { HandlerContext, WorkflowDefinition } from '../../src/workflow/define.js'
import type { ChildSpec, LinkExit, LinkListener, WorkerLink } from '../../supervisor/transport.js'
import { FetchLoop } from '../../workers/fetch-loop.js'
import type { Dice } from './dice.js'
import { SimProcess } from './sim-process.js'
import type { Errand, Witness } from './witness.js'
import type { Cancel, World } from './world.js'

/** How workers are for the time being. */
export interface WorkerWeather {
  readonly bootMs: { readonly min: number; readonly max: number }
  readonly linkMs: { readonly min: number; readonly max: number }
  readonly latencyMs: { readonly min: number; readonly max: number }
  /** The workflow's module cannot be loaded. */
  isModuleBroken: boolean
  /** Workers say that they are over their memory limit. */
  isSwollen: boolean
}

export const MEMORY_BYTES_MAX = 100_000_000
const FAILURES = ['http_5xx', 'reset', 'rate_limited', 'http_4xx', 'budget', 'handler'] as const
const RETRY_AFTER_MS_MAX = 2_000
/** Time from the death of a process to the word of it. */
const BURIAL_MS_MAX = 20

export interface WorkerParts {
  readonly world: World
  readonly dice: Dice
  readonly witness: Witness
  readonly weather: WorkerWeather
  /** The process of the supervisor. */
  readonly home: SimProcess
  readonly nodeId: string
  readonly pid: number
}

/** One direction of a link: keeps the order, and what left may be lost with the process. */
class Lane {
  readonly #world: World
  #lastMs = 0
  #leaving: Cancel[] = []

  constructor(world: World) {
    this.#world = world
  }

  send(delayMs: number, arrive: () => void): void {
    const { nowMs } = this.#world
    this.#lastMs = Math.max(this.#lastMs, nowMs + delayMs)
    this.#leaving.push(this.#world.after(this.#lastMs - nowMs, arrive))
    if (this.#leaving.length > 64) this.#leaving = this.#leaving.slice(-32)
  }

  /** Loses what has not arrived. */
  cut(): void {
    for (const cancel of this.#leaving) cancel()
  }
}

function errandOf(payload: unknown): Errand {
  const [itemId = '', leaseId = ''] = String(payload).split('/')
  return { itemId, leaseId }
}

export class SimWorker {
  readonly spec: ChildSpec
  readonly process: SimProcess
  readonly link: WorkerLink
  /** Items the supervisor gave and has no answer for. */
  readonly given = new Map<string, DispatchedItem>()
  slots = 0
  readonly #parts: WorkerParts
  readonly #listener: LinkListener
  readonly #loop: FetchLoop
  readonly #up: Lane
  readonly #down: Lane
  readonly #underWay = new Set<Errand>()
  #isGone = false
  #culprit: string | null = null

  constructor(parts: WorkerParts, spec: ChildSpec, listener: LinkListener) {
    const { world, dice } = parts
    this.#parts = parts
    this.spec = spec
    this.#listener = listener
    this.#up = new Lane(world)
    this.#down = new Lane(world)
    const traits = { zeroMs: dice.between(0, 1_000), rate: 1, wallSkewMs: 0 }
    this.process = new SimProcess(world, traits)
    this.#loop = this.#createLoop()
    this.link = {
      pid: spec.kind === 'process' ? parts.pid : 1,
      send: (message, onSent) => {
        this.#receive(message)
        onSent?.()
      },
      kill: () => this.die(this.#killed('SIGKILL')),
    }
    const { min, max } = parts.weather.bootMs
    world.after(dice.skewed(min, max), () => this.process.run(() => this.#loop.start()))
  }

  get isGone(): boolean {
    return this.#isGone
  }

  /** Ends now. What it said may be on the way, or be lost; the word of its death comes last. */
  die(exit: LinkExit, culprit: string | null = null): void {
    if (this.#isGone) return
    this.#isGone = true
    const { dice, witness } = this.#parts
    const { workerId } = this.spec
    witness.note(`${workerId} of ${this.#parts.nodeId} is gone: ${JSON.stringify(exit)}`)
    witness.figures.deaths += 1
    this.#culprit = culprit
    for (const errand of this.#underWay) witness.ended(errand, false)
    this.process.kill()
    if (exit.exitCode !== 0 && dice.chance(0.3)) this.#up.cut()
    this.#up.send(dice.between(0.1, BURIAL_MS_MAX), () => {
      this.#parts.home.run(() => this.#bury(exit))
    })
  }

  #bury(exit: LinkExit): void {
    const [only] = this.given.values()
    if (this.given.size === 1 && only !== undefined && only.itemId !== this.#culprit) {
      this.#parts.witness.diedLonely(only.itemId)
    }
    this.#listener.onExit(exit)
  }

  /** The supervisor is dead: the channel closed. */
  orphan(): void {
    const { world, dice } = this.#parts
    if (this.spec.kind === 'thread') return this.die(this.#killed('SIGKILL'))
    world.after(dice.between(1, 2_000), () => this.die(this.#killed('SIGKILL')))
  }

  #killed(signal: string): LinkExit {
    if (this.spec.kind === 'process') return { exitCode: null, signal, message: null }
    return { exitCode: 1, signal: null, message: 'the thread was ended' }
  }

  #receive(message: ToWorker): void {
    if (message.type === 'setup') this.slots = message.options.slots
    if (message.type === 'dispatch') {
      for (const item of message.items) this.given.set(item.itemId, item)
    }
    if (this.#isGone) return
    this.#down.send(this.#linkMs(), () => this.process.run(() => this.#loop.receive(message)))
  }

  #say(message: FromWorker): void {
    if (this.#isGone) return
    this.#up.send(this.#linkMs(), () => {
      this.#parts.home.run(() => {
        if (message.type === 'settled') {
          for (const { itemId } of message.items) this.given.delete(itemId)
        }
        this.#listener.onMessage(message)
      })
    })
  }

  #linkMs(): number {
    const { min, max } = this.#parts.weather.linkMs
    return this.#parts.dice.skewed(min, max)
  }

  #createLoop(): FetchLoop {
    const { world, dice, weather } = this.#parts
    return new FetchLoop({
      pid: this.#parts.pid,
      clock: this.process.clock,
      send: (message) => this.#say(message),
      finish: (exitCode) => {
        const exit = { exitCode, signal: null, message: null }
        world.after(dice.between(0, BURIAL_MS_MAX), () => this.die(exit))
      },
      load: async () => {
        if (weather.isModuleBroken) throw new Error('the module is broken')
        return this.#definition()
      },
      memoryBytes: () => (weather.isSwollen ? 2 * MEMORY_BYTES_MAX : MEMORY_BYTES_MAX / 2),
      takeWorstDelayMs: () => 0,
      defer: (run) => void world.after(0, () => this.process.run(run)),
    })
  }

  #definition(): WorkflowDefinition {
    const sink = { table: 'rows', columns: { word: 'text' }, key: ['word'] } as const
    return {
      name: this.spec.workflow,
      sinks: { rows: sink },
      work: ({ key, payload }, context) => this.#work(key, errandOf(payload), context),
    }
  }

  /** The handler: items behave as their keys say. */
  async #work(key: string, errand: Errand, context: HandlerContext): Promise<ResultRows> {
    const { witness } = this.#parts
    witness.begun(this.spec.workerId, errand)
    this.#underWay.add(errand)
    try {
      await this.#behave(key, errand, context)
      witness.ended(errand, true)
      return { rows: [{ word: key }] }
    } catch (error) {
      witness.ended(errand, false)
      throw error
    } finally {
      this.#underWay.delete(errand)
    }
  }

  async #behave(key: string, errand: Errand, context: HandlerContext): Promise<void> {
    const { dice, weather } = this.#parts
    const { min, max } = weather.latencyMs
    if (key.includes('deaf')) return new Promise(() => {})
    if (key.includes('hang')) return waitFor(context.abortSignal)
    await this.#pause(dice.skewed(min, max))
    if (key.includes('poison')) {
      const isAsked = dice.chance(0.5) && this.spec.kind === 'process'
      const own = { exitCode: dice.pick([1, 134]), signal: null, message: null }
      this.die(isAsked ? own : this.#killed('SIGSEGV'), errand.itemId)
      return new Promise(() => {})
    }
    if (key.includes('flaky') && dice.chance(0.5)) throw this.#failure()
  }

  #failure(): FetchFailure {
    const { dice } = this.#parts
    const retryAfterMs = dice.integer(1, RETRY_AFTER_MS_MAX)
    return new FetchFailure(dice.pick(FAILURES), 'as simulated', { retryAfterMs })
  }

  #pause(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      this.process.clock.setTimer(delayMs, resolve)
    })
  }
}

function waitFor(abortSignal: AbortSignal): Promise<void> {
  return new Promise((_, reject) => {
    if (abortSignal.aborted) reject(abortSignal.reason)
    abortSignal.addEventListener('abort', () => reject(abortSignal.reason), { once: true })
  })
}
