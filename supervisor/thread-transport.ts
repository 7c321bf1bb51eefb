// Workers as threads of this process, run by piscina: a worker is one long task that hosts the
// fetch loop and talks over a port of its own.

import { fileURLToPath } from 'node:url'
import { MessageChannel, type ResourceLimits } from 'node:worker_threads'
import { Piscina } from 'piscina'
import type { FromWorker } from '../src/actor/messages.js'
import { messageOf } from '../src/core/errors.js'
import { LIMITS } from '../src/core/limits.js'
import type { ChildSpec, LinkExit, LinkListener, WorkerLink, WorkerTransport } from './transport.js'

const ENTRY = fileURLToPath(new URL('../workers/thread-entry.js', import.meta.url))

/** What V8 takes by default on 64 bits. */
const YOUNG_MB = 48

/**
 * Bounds of a thread's heap. The young generation is named although it is the default: without it,
 * Node 24 ends the whole process in about every third case of a full heap, and not the thread.
 */
function limitsOf(heapMb: number): ResourceLimits {
  return { maxOldGenerationSizeMb: heapMb, maxYoungGenerationSizeMb: YOUNG_MB }
}

function createPool(heapMb: number | null): Piscina {
  const pool = new Piscina({
    filename: ENTRY,
    minThreads: 0,
    maxThreads: LIMITS.workersMax,
    concurrentTasksPerWorker: 1,
    idleTimeout: 0,
    // The loop must stay awake while its task waits for the network.
    atomics: 'disabled',
    env: {},
    ...(heapMb === null ? {} : { resourceLimits: limitsOf(heapMb) }),
  })
  // A thread that dies of itself after it was killed or has returned: its end is told already, and
  // an error that nobody hears would end the supervisor.
  pool.on('error', () => {})
  return pool
}

/** How piscina words the end of a thread that called `process.exit`. */
const EXITED = /^worker exited with code: (\d+)$/

function exitOf(error: unknown): LinkExit {
  const message = messageOf(error)
  const exited = EXITED.exec(message)?.[1]
  if (exited !== undefined) return { exitCode: Number(exited), signal: null, message: null }
  return { exitCode: 1, signal: null, message }
}

function start(pool: Piscina, spec: ChildSpec, listener: LinkListener): WorkerLink {
  const { port1, port2 } = new MessageChannel()
  const abort = new AbortController()
  port1.on('message', (message) => listener.onMessage(message as FromWorker))
  // The end of the task can overtake the last messages on the port; its closing cannot.
  const isDrained = new Promise<void>((resolve) => port1.once('close', resolve))
  const end = async (exit: LinkExit) => {
    // Ours still, when the thread was ended before it took it; nobody else would close it then.
    port2.close()
    await isDrained
    listener.onExit(exit)
  }
  // Aborting a task is how piscina ends one thread and no other.
  pool
    .run({ port: port2, workerId: spec.workerId }, { transferList: [port2], signal: abort.signal })
    .then(
      (exitCode: unknown) => end({ exitCode: Number(exitCode), signal: null, message: null }),
      (error: unknown) => end(exitOf(error)),
    )
  return {
    pid: process.pid,
    send: (message, onSent) => {
      // What a thread has not read yet is kept by V8, which does not say for how long.
      port1.postMessage(message)
      onSent?.()
    },
    kill: () => abort.abort(),
  }
}

/** Starts workers as threads. */
export function createThreadTransport(): WorkerTransport {
  const pools = new Map<number | null, Piscina>()
  return {
    start: (spec, listener) => {
      const pool = pools.get(spec.heapMb) ?? createPool(spec.heapMb)
      pools.set(spec.heapMb, pool)
      return start(pool, spec, listener)
    },
    close: async () => {
      await Promise.all([...pools.values()].map((pool) => pool.destroy()))
    },
  }
}
