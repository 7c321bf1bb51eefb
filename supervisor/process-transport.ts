// Workers as child processes.

import type { ChildProcess } from 'node:child_process'
import { fork } from 'node:child_process'
import type { FromWorker } from '../src/actor/messages.js'
import { messageOf } from '../src/core/errors.js'
import type { ChildSpec, LinkListener, WorkerLink, WorkerTransport } from './transport.js'
import { NO_LINK } from './transport.js'
import { readPrints } from './worker-prints.js'

const ENTRY = new URL('../workers/process-entry.js', import.meta.url)

/**
 * Environment of a worker: what it needs to run at all. The database's address and every key stay
 * with the supervisor, since a worker runs code on pages that strangers wrote.
 */
const PASSED_ENVIRONMENT = [
  'PATH',
  'HOME',
  'TMPDIR',
  'TEMP',
  'LANG',
  'LC_ALL',
  'TZ',
  'NODE_EXTRA_CA_CERTS',
  // A browser that shows its windows needs to know where.
  'DISPLAY',
  'WAYLAND_DISPLAY',
  'XAUTHORITY',
  'XDG_RUNTIME_DIR',
]

export function workerEnvironment(): NodeJS.ProcessEnv {
  // Look-ups of names block a thread of libuv each, and decompression needs the same threads.
  const environment: NodeJS.ProcessEnv = { UV_THREADPOOL_SIZE: '16' }
  for (const name of PASSED_ENVIRONMENT) {
    const value = process.env[name]
    if (value !== undefined) environment[name] = value
  }
  return environment
}

/** With so many slots a worker mostly waits, and holds what it waits with. */
const MANY_SLOTS = 200
/**
 * Megabytes of each half of the young generation. V8's own 16 stay full of what hundreds of calls
 * have just dropped; with 4, a worker of 1,000 calls takes 30 MB less. One of few slots, which
 * unfolds large pages, would pay for it with a tenth more CPU.
 */
const YOUNG_HALF_MB = 4

function execArgvOf({ slots, heapMb }: ChildSpec): readonly string[] {
  return [
    ...(heapMb === null ? [] : [`--max-old-space-size=${heapMb}`]),
    ...(slots < MANY_SLOTS ? [] : [`--max-semi-space-size=${YOUNG_HALF_MB}`]),
  ]
}

function startChild(spec: ChildSpec): ChildProcess {
  return fork(ENTRY, [spec.workflow, spec.workerId], {
    env: workerEnvironment(),
    execArgv: [...execArgvOf(spec)],
    // Our standard output belongs to results; whatever a handler prints goes to the log.
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    serialization: 'json',
  })
}

function start(spec: ChildSpec, listener: LinkListener, children: Set<ChildProcess>): WorkerLink {
  let child: ChildProcess
  try {
    child = startChild(spec)
  } catch (error) {
    // No process, no memory: the pool hears of it as of a death, and tries again later.
    setImmediate(() => listener.onExit({ exitCode: null, signal: null, message: messageOf(error) }))
    return NO_LINK
  }
  children.add(child)
  let hasEnded = false
  const end = (exitCode: number | null, signal: string | null, message: string | null) => {
    if (hasEnded) return
    hasEnded = true
    children.delete(child)
    listener.onExit({ exitCode, signal, message })
  }
  readPrints(child, listener.onMessage)
  child.on('message', (message) => listener.onMessage(message as FromWorker))
  // 'close' comes after 'exit', when channel and pipes are drained: no outcome and no line that was
  // sent is missed.
  child.on('close', (exitCode, signal) => end(exitCode, signal, null))
  child.on('error', (error) => {
    if (child.pid === undefined) end(null, null, messageOf(error))
  })
  return {
    pid: child.pid ?? 0,
    send: (message, onSent = () => {}) => {
      // Called with or without an error; without a callback an error would be an event.
      if (child.connected) child.send(message, onSent)
      else onSent()
    },
    kill: () => {
      child.kill('SIGKILL')
    },
  }
}

/** Starts workers as child processes. */
export function createProcessTransport(): WorkerTransport {
  const children = new Set<ChildProcess>()
  return {
    start: (spec, listener) => start(spec, listener, children),
    close: async () => {
      for (const child of children) child.kill('SIGKILL')
    },
  }
}
