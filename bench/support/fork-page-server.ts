import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type {
  FromPageServer,
  LoggedRequest,
  PageCounts,
  StartPages,
  ToPageServer,
} from './page-server.js'
import { hostAddress } from './page-server.js'

export interface PageServer {
  readonly pid: number
  /** Different pages behind the URLs. */
  readonly pages: number
  readonly meanBytes: number
  /** `count` different URLs from number `first` on, over all pages and hosts by turns. */
  readonly urls: (count: number, first?: number) => string[]
  readonly counts: () => Promise<PageCounts>
  /** Requests that were open at the last kill and all after it, when they are logged. */
  readonly readLog: () => Promise<readonly LoggedRequest[]>
  /** Kills a process. @returns when it did, in milliseconds of the wall clock. */
  readonly kill: (pid: number) => Promise<number>
  readonly close: () => Promise<void>
}

export type PageServerOptions = Partial<Omit<StartPages, 'type'>>

const DEFAULTS: StartPages = {
  type: 'start',
  directory: null,
  latencyMs: 0,
  latencySpread: 0,
  port: 0,
  hosts: 1,
  smallBytes: null,
  isLogging: false,
}

/** The next message of the child. @throws when the child ends without one. */
async function nextMessage(child: ChildProcess): Promise<FromPageServer> {
  const settled = new AbortController()
  const { signal } = settled
  try {
    const arrived = await Promise.race([
      once(child, 'message', { signal }).then(([message]: FromPageServer[]) => message),
      once(child, 'exit', { signal }).then(() => undefined),
    ])
    if (arrived === undefined) throw new Error('The page server ended before it answered.')
    return arrived
  } finally {
    settled.abort()
  }
}

/** Sends a question and waits for its answer; one question at a time. */
async function ask<Type extends FromPageServer['type']>(
  child: ChildProcess,
  question: ToPageServer,
  type: Type,
): Promise<Extract<FromPageServer, { type: Type }>> {
  child.send(question)
  const answer = await nextMessage(child)
  if (isAnswer(answer, type)) return answer
  throw new Error(answer.type === 'refused' ? answer.message : `Unexpected ${answer.type}.`)
}

function isAnswer<Type extends FromPageServer['type']>(
  message: FromPageServer,
  type: Type,
): message is Extract<FromPageServer, { type: Type }> {
  return message.type === type
}

/**
 * Starts a page server in a process of its own, so that its CPU time is not the loop's.
 *
 * @throws when the directory holds no pages or the port is taken.
 */
export async function forkPageServer(options: PageServerOptions = {}): Promise<PageServer> {
  const child = fork(fileURLToPath(new URL('./page-server.js', import.meta.url)))
  const start: StartPages = { ...DEFAULTS, ...options }
  const ready = await ask(child, start, 'ready').catch((error: unknown) => {
    child.disconnect()
    throw error
  })
  return {
    pid: child.pid ?? 0,
    pages: ready.pages,
    meanBytes: ready.meanBytes,
    urls: (count, first = 0) =>
      Array.from({ length: count }, (_none, at) => {
        const page = first + at
        return `http://${hostAddress(1 + (page % start.hosts))}:${ready.port}/page/${page}`
      }),
    counts: () => ask(child, { type: 'count' }, 'counts'),
    readLog: async () => (await ask(child, { type: 'log' }, 'log')).requests,
    kill: async (pid) => (await ask(child, { type: 'kill', pid }, 'killed')).atMs,
    close: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return
      const exited = once(child, 'exit')
      child.disconnect()
      await exited
    },
  }
}
