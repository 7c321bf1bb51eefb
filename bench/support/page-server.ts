// Serves pages from memory as fast as one process can: what a benchmark fetches from. Started by
// `forkPageServer`, with which it speaks the messages below; it ends when its parent does. It can
// keep a log of its requests and kill others, so that a kill and what follows are read from one
// clock.

import { readdirSync, readFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { extname, join } from 'node:path'
import { assertNever } from '../../src/core/assert.js'
import { messageOf } from '../../src/core/errors.js'
import { htmlOf, makeDirectory } from '../../supervisor/demo/site/directory.js'

/** First message to the server. */
export interface StartPages {
  readonly type: 'start'
  /** Directory whose `*.html` files are served; null serves generated pages. */
  readonly directory: string | null
  /** Time before each answer; `?latency=` of a request goes before it. */
  readonly latencyMs: number
  /**
   * Share of it by which pages are faster or slower, each always by as much: 0.5 is half to one and
   * a half.
   */
  readonly latencySpread: number
  /** 0 takes a free port. */
  readonly port: number
  /** Loopback addresses it listens on, 127.0.0.1 and further ones: to a client each is a host. */
  readonly hosts: number
  /** Bytes of the one small page that is served instead of others; null serves those. */
  readonly smallBytes: number | null
  /** Whether every request is remembered. */
  readonly isLogging: boolean
}

export interface AskCounts {
  readonly type: 'count'
}

/**
 * Kill this process with SIGKILL now, say when that was, and forget the requests answered before.
 */
export interface KillProcess {
  readonly type: 'kill'
  readonly pid: number
}

/** Tell the requests that were open at the last kill, and all after it. */
export interface AskLog {
  readonly type: 'log'
}
export type ToPageServer = StartPages | AskCounts | KillProcess | AskLog

export interface PagesReady {
  readonly type: 'ready'
  readonly port: number
  /** Different pages; `/page/<n>` serves the n-th modulo this figure. */
  readonly pages: number
  readonly meanBytes: number
}

export interface PageCounts {
  readonly type: 'counts'
  readonly requests: number
  readonly connections: number
}

export interface PagesRefused {
  readonly type: 'refused'
  readonly message: string
}

export interface Killed {
  readonly type: 'killed'
  /** Wall clock in milliseconds. */
  readonly atMs: number
}

export interface LoggedRequest {
  /** Number of the page that was asked for. */
  readonly page: number
  /** Wall clock in milliseconds. */
  readonly atMs: number
  /** `cut`: the client was gone before it had its answer. */
  state: 'open' | 'answered' | 'cut'
}

export interface RequestLog {
  readonly type: 'log'
  readonly requests: readonly LoggedRequest[]
}
export type FromPageServer = PagesReady | PageCounts | PagesRefused | Killed | RequestLog

const PAGES_MAX = 5_000
const REQUESTS_LOGGED_MAX = 1_000_000
const LATENCY_MS_MAX = 120_000
const GENERATED_SITES = 100
const SEED = 1
const KEEP_ALIVE_MS = 65_000

/** The address of the n-th host, counted from 1. */
export function hostAddress(host: number): string {
  return `127.0.${Math.floor((host - 1) / 250)}.${1 + ((host - 1) % 250)}`
}

function smallPage(bytes: number): Buffer {
  const [head, tail] = ['<!doctype html><title>Page</title><p>', '</p>']
  return Buffer.from(head + '.'.repeat(Math.max(0, bytes - head.length - tail.length)) + tail)
}

function loadPages({ directory, smallBytes }: StartPages): Buffer[] {
  if (smallBytes !== null) return [smallPage(smallBytes)]
  if (directory === null) {
    const sites = makeDirectory(SEED, GENERATED_SITES)
    return sites.flatMap(({ home, contact }) =>
      [home, contact].map((page) => Buffer.from(htmlOf(SEED, page))),
    )
  }
  const names = readdirSync(directory).filter((name) => extname(name) === '.html')
  if (names.length === 0) throw new Error(`Expected *.html files in ${directory}, found none.`)
  return names
    .sort()
    .slice(0, PAGES_MAX)
    .map((name) => readFileSync(join(directory, name)))
}

/** A number in [-1, 1) that belongs to a page: neighbours have numbers far apart. */
function slownessOf(page: number): number {
  return ((page * 617) % 1_000) / 500 - 1
}

function latencyOf(query: string | undefined, otherwiseMs: number): number {
  const asked = query === undefined ? null : new URLSearchParams(query).get('latency')
  if (asked === null || !/^\d{1,6}$/.test(asked)) return otherwiseMs
  return Math.min(Number(asked), LATENCY_MS_MAX)
}

function pageNumberOf(path: string): number {
  return Number(/\d+/.exec(path)?.[0] ?? 0)
}

interface Served {
  readonly pages: readonly Buffer[]
  readonly latencyMs: number
  readonly latencySpread: number
  readonly log: LoggedRequest[] | null
}

function answer(served: Served, request: IncomingMessage, response: ServerResponse): void {
  const [path = '/', query] = (request.url ?? '/').split('?', 2)
  const number = pageNumberOf(path)
  const body = served.pages[number % served.pages.length]
  if (served.log !== null) noteRequest(served.log, number, response)
  const send = () => {
    response.writeHead(200, {
      'content-type': 'text/html; charset=utf-8',
      'content-length': body?.length ?? 0,
    })
    response.end(body)
  }
  const usualMs = served.latencyMs * (1 + served.latencySpread * slownessOf(number))
  const delayMs = latencyOf(query, usualMs)
  if (delayMs === 0) send()
  else setTimeout(send, delayMs)
}

function noteRequest(log: LoggedRequest[], page: number, response: ServerResponse): void {
  if (log.length >= REQUESTS_LOGGED_MAX) return
  const logged: LoggedRequest = { page, atMs: Date.now(), state: 'open' }
  log.push(logged)
  response.once('close', () => {
    logged.state = response.writableFinished ? 'answered' : 'cut'
  })
}

function tell(message: FromPageServer): void {
  process.send?.(message)
}

class PageService {
  readonly #log: LoggedRequest[] = []
  #requests = 0
  #connections = 0

  start(start: StartPages): void {
    const pages = loadPages(start)
    const { latencyMs, latencySpread } = start
    const served = { pages, latencyMs, latencySpread, log: start.isLogging ? this.#log : null }
    const bytes = pages.reduce((sum, page) => sum + page.length, 0)
    const listen = (host: number, port: number): void => {
      const server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS }, (request, response) => {
        this.#requests += 1
        answer(served, request, response)
      })
      server.on('connection', () => {
        this.#connections += 1
      })
      server.on('error', (error) => tell({ type: 'refused', message: error.message }))
      server.listen(port, hostAddress(host), () => {
        const address = server.address()
        if (typeof address !== 'object' || address === null) return
        if (host < start.hosts) return listen(host + 1, address.port)
        const meanBytes = Math.round(bytes / pages.length)
        tell({ type: 'ready', port: address.port, pages: pages.length, meanBytes })
      })
    }
    listen(1, start.port)
  }

  receive(message: ToPageServer): void {
    switch (message.type) {
      case 'start':
        return this.start(message)
      case 'count':
        return tell({ type: 'counts', requests: this.#requests, connections: this.#connections })
      case 'log':
        return tell({ type: 'log', requests: this.#log })
      case 'kill': {
        const atMs = Date.now()
        process.kill(message.pid, 'SIGKILL')
        const open = this.#log.filter(({ state }) => state === 'open')
        this.#log.splice(0, this.#log.length, ...open)
        return tell({ type: 'killed', atMs })
      }
      default:
        return assertNever(message)
    }
  }
}

function main(): void {
  const service = new PageService()
  process.on('disconnect', () => process.exit(0))
  process.on('message', (message: ToPageServer) => {
    try {
      service.receive(message)
    } catch (error) {
      tell({ type: 'refused', message: messageOf(error) })
    }
  })
}

// Only a forked child has a parent to speak with; importing the types above starts nothing.
if (process.send !== undefined && process.argv[1] === import.meta.filename) main()
