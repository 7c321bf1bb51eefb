// The referee: a server that answers slowly and remembers every request. Whatever the tables say
// about who fetched what and how often, this log was written by the other side.

import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:http'
import type { Socket } from 'node:net'
import { eventually } from './poll.js'

export interface OriginRequest {
  readonly key: string
  /** How many times this key was asked for, this time included. */
  readonly visit: number
  /** Process and thread that asked, by their own word. */
  readonly pid: number
  readonly threadId: number
  /** Requests that were open when it came, itself included. */
  readonly active: number
  /** `answered`: the whole response was handed over. `dropped`: the client went first. */
  state: 'open' | 'answered' | 'dropped'
}

export interface Origin {
  /** URL of a key's page. */
  readonly urlOf: (key: string) => string
  readonly log: readonly OriginRequest[]
  /** Requests of one key. */
  readonly visitsOf: (key: string) => number
  /** Requests by key. */
  readonly visits: () => ReadonlyMap<string, number>
  /** Requests that are open now, and the most that ever were at once. */
  readonly active: () => number
  readonly activeMax: () => number
  /** Time until an answer, in milliseconds. @default 0 */
  readonly setLatency: (latencyMs: number) => void
  /** Answers the first `times` requests of a key with this status. */
  readonly fail: (key: string, failure: { readonly status: number; readonly times: number }) => void
  /** Answers nobody until `release`. */
  readonly hold: () => void
  readonly release: () => void
  /** Resolves when so many requests are open. */
  readonly untilActive: (count: number) => Promise<void>
  /** Resolves when so many requests were made. */
  readonly untilAsked: (count: number) => Promise<void>
  /** Forgets everything, for the next test. */
  readonly reset: () => void
  readonly close: () => Promise<void>
}

interface Open {
  readonly request: OriginRequest
  readonly response: ServerResponse
}

/** What is served under a key: the page names its key and the visit. */
export const pageOf = (key: string, visit: number) => `page of ${key}, visit ${visit}`

export async function startOrigin(): Promise<Origin> {
  const server = new OriginServer()
  await server.listen()
  return server
}

class OriginServer implements Origin {
  readonly #server = createServer((request, response) => this.#onRequest(request, response))
  readonly #sockets = new Set<Socket>()
  readonly #open = new Set<Open>()
  #log: OriginRequest[] = []
  #visits = new Map<string, number>()
  #failures = new Map<string, { status: number; times: number }>()
  #latencyMs = 0
  #isHolding = false
  #activeMax = 0
  #port = 0

  listen(): Promise<void> {
    this.#server.on('connection', (socket) => {
      this.#sockets.add(socket)
      socket.once('close', () => this.#sockets.delete(socket))
    })
    return new Promise((resolve) => {
      this.#server.listen(0, '127.0.0.1', () => {
        const address = this.#server.address()
        this.#port = typeof address === 'object' && address !== null ? address.port : 0
        resolve()
      })
    })
  }

  readonly urlOf = (key: string) =>
    `http://127.0.0.1:${this.#port}/page?key=${encodeURIComponent(key)}`
  readonly visitsOf = (key: string) => this.#visits.get(key) ?? 0
  readonly visits = () => this.#visits
  readonly active = () => this.#open.size
  readonly activeMax = () => this.#activeMax
  readonly setLatency = (latencyMs: number) => {
    this.#latencyMs = latencyMs
  }
  readonly fail: Origin['fail'] = (key, failure) => {
    this.#failures.set(key, { ...failure })
  }
  readonly hold = () => {
    this.#isHolding = true
  }

  get log(): readonly OriginRequest[] {
    return this.#log
  }

  readonly release = () => {
    this.#isHolding = false
    for (const open of this.#open) this.#answer(open)
  }

  readonly untilActive = async (count: number) => {
    const words = `${count} open requests at the origin`
    await eventually({ words, seen: this.active }, () => this.#open.size >= count)
  }

  readonly untilAsked = async (count: number) => {
    const words = `${count} requests to the origin`
    await eventually({ words, seen: () => this.#log.length }, () => this.#log.length >= count)
  }

  readonly reset = () => {
    for (const { response } of this.#open) response.destroy()
    this.#open.clear()
    this.#log = []
    this.#visits = new Map()
    this.#failures = new Map()
    this.#latencyMs = 0
    this.#isHolding = false
    this.#activeMax = 0
  }

  readonly close = (): Promise<void> => {
    for (const socket of this.#sockets) socket.destroy()
    return new Promise((resolve) => this.#server.close(() => resolve()))
  }

  #onRequest(message: IncomingMessage, response: ServerResponse): void {
    // It has no robots.txt; what is counted and held are pages.
    if (message.url === '/robots.txt') return void response.writeHead(404).end()
    const query = new URL(message.url ?? '/', 'http://origin.invalid').searchParams
    const key = query.get('key') ?? ''
    const visit = this.visitsOf(key) + 1
    this.#visits.set(key, visit)
    const request: OriginRequest = {
      key,
      visit,
      pid: Number(query.get('pid') ?? 0),
      threadId: Number(query.get('thread') ?? 0),
      active: this.#open.size + 1,
      state: 'open',
    }
    this.#log.push(request)
    const open = { request, response }
    this.#open.add(open)
    this.#activeMax = Math.max(this.#activeMax, this.#open.size)
    response.once('close', () => this.#onClose(open))
    if (this.#latencyMs === 0) this.#ripen(open)
    else setTimeout(() => this.#ripen(open), this.#latencyMs)
  }

  #ripen(open: Open): void {
    if (!this.#isHolding) this.#answer(open)
  }

  #answer({ request, response }: Open): void {
    if (request.state !== 'open' || response.destroyed) return
    const failure = this.#failures.get(request.key)
    if (failure !== undefined && failure.times > 0) {
      failure.times -= 1
      response.writeHead(failure.status).end()
      return
    }
    response.writeHead(200, { 'content-type': 'text/plain; charset=utf-8' })
    response.end(pageOf(request.key, request.visit))
  }

  #onClose(open: Open): void {
    this.#open.delete(open)
    open.request.state = open.response.writableFinished ? 'answered' : 'dropped'
  }
}
