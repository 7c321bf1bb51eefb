// Workers that exist only in the test: it reads what they were told and says what they answer.

import type { FromWorker, ToWorker } from '../../src/actor/messages.js'
import { PROTOCOL_VERSION } from '../../src/actor/messages.js'
import type {
  ChildSpec,
  LinkExit,
  LinkListener,
  WorkerTransport,
} from '../../supervisor/transport.js'

export class FakeWorker {
  readonly spec: ChildSpec
  readonly sent: ToWorker[] = []
  readonly pid: number
  isKilled = false
  isGone = false
  readonly #listener: LinkListener

  constructor(spec: ChildSpec, listener: LinkListener, pid: number) {
    this.spec = spec
    this.pid = pid
    this.#listener = listener
  }

  say(message: FromWorker): void {
    this.#listener.onMessage(message)
  }

  /** Says hello, and that it is ready for as many items as it was set up for. */
  becomeReady(): void {
    this.say({ type: 'hello', protocolVersion: PROTOCOL_VERSION, pid: this.pid })
    const setup = this.sent.find((message) => message.type === 'setup')
    this.say({ type: 'ready', slots: setup?.type === 'setup' ? setup.options.slots : 0 })
  }

  answerPing(vitals: { readonly memoryBytes?: number } = {}): void {
    const sequence = this.received('ping').at(-1)?.sequence ?? 0
    this.say({
      type: 'pong',
      sequence,
      eventLoopDelayMs: 1,
      memoryBytes: vitals.memoryBytes ?? 1_000,
      active: 0,
    })
  }

  exit(exit: Partial<LinkExit> = {}): void {
    if (this.isGone) return
    this.isGone = true
    this.#listener.onExit({ exitCode: null, signal: null, message: null, ...exit })
  }

  received<Type extends ToWorker['type']>(type: Type): Extract<ToWorker, { type: Type }>[] {
    return this.sent.filter(
      (message): message is Extract<ToWorker, { type: Type }> => message.type === type,
    )
  }

  /** Every item it was ever given. */
  get items() {
    return this.received('dispatch').flatMap((message) => message.items)
  }
}

export interface FakeTransport extends WorkerTransport {
  readonly workers: readonly FakeWorker[]
  readonly living: () => readonly FakeWorker[]
  readonly newest: () => FakeWorker
  readonly isClosed: () => boolean
}

/** @param diesWhenKilled false for workers that a test lets end by itself. @default true */
export function createFakeTransport(diesWhenKilled = true): FakeTransport {
  const workers: FakeWorker[] = []
  let isClosed = false
  return {
    workers,
    living: () => workers.filter((worker) => !worker.isGone),
    newest: () => {
      const worker = workers.at(-1)
      if (worker === undefined) throw new Error('no worker was started')
      return worker
    },
    isClosed: () => isClosed,
    start: (spec, listener) => {
      const worker = new FakeWorker(spec, listener, 1_000 + workers.length)
      workers.push(worker)
      return {
        pid: worker.pid,
        send: (message, onSent) => {
          if (!worker.isGone) worker.sent.push(message)
          onSent?.()
        },
        kill: () => {
          worker.isKilled = true
          if (diesWhenKilled) queueMicrotask(() => worker.exit({ signal: 'SIGKILL' }))
        },
      }
    },
    close: async () => {
      isClosed = true
      for (const worker of workers) worker.exit({ signal: 'SIGKILL' })
    },
  }
}
