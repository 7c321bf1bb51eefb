import type {
  DispatchedItem,
  FromWorker,
  SettledItem,
  Setup,
  ToWorker,
} from '../../../src/actor/messages.js'
import { PROTOCOL_VERSION } from '../../../src/actor/messages.js'
import { type Clock, systemClock } from '../../../src/core/clock.js'
import type { Json, Outcome } from '../../../src/core/outcome.js'
import type { WorkerOptions } from '../../../src/core/worker-options.js'
import { FetchLoop } from '../../../workers/fetch-loop.js'
import { loadDefault } from '../../../workers/load-default.js'
import { CHAIN } from '../../support/chain.js'
import { FETCH_OPTIONS } from '../fetch/support.js'

export const handlerUrl = (name: string) =>
  new URL(`../../support/handlers/${name}.js`, import.meta.url).href

export const workerOptions = (options: Partial<WorkerOptions> = {}): WorkerOptions => ({
  workerId: 'w1',
  workflow: 'test',
  moduleUrl: handlerUrl('scripted'),
  slots: 10,
  itemTimeoutMs: 60_000,
  fetch: FETCH_OPTIONS,
  chain: CHAIN,
  ...options,
})

export const setup = (options: Partial<WorkerOptions> = {}): Setup => ({
  type: 'setup',
  protocolVersion: PROTOCOL_VERSION,
  options: workerOptions(options),
})

let nextItem = 0

/** An item with a script for the handler `scripted`. */
export function makeItem(act: string, argument: Json = null): DispatchedItem {
  nextItem += 1
  return {
    itemId: `i${nextItem}`,
    packId: 'p1',
    leaseId: 'l1',
    itemKey: `key-${nextItem}`,
    payload: { do: act, with: argument },
    attempt: 1,
  }
}

export interface Inbox {
  readonly messages: readonly FromWorker[]
  readonly push: (message: FromWorker) => void
  /** The first message of a type, when it has come. */
  readonly first: <Type extends FromWorker['type']>(
    type: Type,
  ) => Promise<Extract<FromWorker, { type: Type }>>
  /** All ends of items, when there are `count`. */
  readonly settled: (count: number) => Promise<readonly SettledItem[]>
}

/** What a worker said, and a way to wait for what it is going to say. */
export function makeInbox(): Inbox {
  const messages: FromWorker[] = []
  const looks = new Set<() => void>()
  const when = <Found>(find: () => Found | undefined): Promise<Found> =>
    new Promise((resolve) => {
      const look = () => {
        const found = find()
        if (found === undefined) return
        looks.delete(look)
        resolve(found)
      }
      looks.add(look)
      look()
    })
  const ends = () =>
    messages.flatMap((message) => (message.type === 'settled' ? message.items : []))
  return {
    messages,
    push: (message) => {
      messages.push(message)
      for (const look of looks) look()
    },
    first: (type) =>
      when(() =>
        messages.find((message): message is Extract<FromWorker, { type: typeof type }> => {
          return message.type === type
        }),
      ),
    settled: (count) => when(() => (ends().length >= count ? ends() : undefined)),
  }
}

/** A clock that stands still until it is moved. */
export interface ManualClock extends Clock {
  readonly advance: (ms: number) => void
}

function manualClock(): ManualClock {
  let now = 0
  const timers = new Set<{ readonly at: number; readonly fire: () => void }>()
  const due = () => [...timers].filter(({ at }) => at <= now).sort((a, b) => a.at - b.at)
  return {
    nowMs: () => now,
    wallMs: () => now,
    setTimer: (delayMs, fire) => {
      const timer = { at: now + delayMs, fire }
      timers.add(timer)
      return () => void timers.delete(timer)
    },
    advance: (ms) => {
      now += ms
      for (const timer of due()) {
        if (timers.delete(timer)) timer.fire()
      }
    },
  }
}

export interface LoopRig extends Inbox {
  readonly loop: FetchLoop
  readonly clock: ManualClock
  /** The exit code, when the loop has finished. */
  readonly finished: Promise<number>
  readonly tell: (message: ToWorker) => void
  readonly dispatch: (...items: DispatchedItem[]) => void
}

/** A fetch loop with a clock that stands still, in the stage `working`. */
export async function startLoop(options: Partial<WorkerOptions> = {}): Promise<LoopRig> {
  const rig = makeLoop()
  rig.loop.start()
  rig.tell(setup(options))
  await rig.first('ready')
  return rig
}

export function makeLoop(clock: ManualClock = manualClock()): LoopRig {
  const inbox = makeInbox()
  let finish: (exitCode: number) => void = () => {}
  const finished = new Promise<number>((resolve) => {
    finish = resolve
  })
  const loop = new FetchLoop({
    pid: 1,
    clock,
    send: inbox.push,
    finish,
    load: loadDefault,
    memoryBytes: () => 1_000,
    takeWorstDelayMs: () => 2,
  })
  const tell = (message: ToWorker) => loop.receive(message)
  const dispatch = (...items: DispatchedItem[]) => tell({ type: 'dispatch', items })
  return { ...inbox, loop, clock, finished, tell, dispatch }
}

/** A fetch loop that lives on real time, for handlers that really fetch. */
export async function startRealLoop(options: Partial<WorkerOptions> = {}): Promise<LoopRig> {
  const rig = makeLoop({ ...systemClock, advance: () => {} })
  rig.loop.start()
  rig.tell(setup(options))
  await rig.first('ready')
  return rig
}

/** An outcome without its duration, which no test can know. */
export function withoutDuration(outcome: Outcome | undefined): unknown {
  if (outcome === undefined || outcome.result === 'release') return outcome
  const { durationMs: _, ...facts } = outcome.facts
  return { ...outcome, facts }
}
