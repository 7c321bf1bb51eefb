// A scraping proxy API on this machine: as slow, as limited and as unreliable as the ones that are
// paid for, and free. Its ledger counts every call and credit; `/referee` tells.

import type { IncomingMessage, ServerResponse } from 'node:http'
import { assert } from '../../../src/core/assert.js'
import { type Clock, systemClock } from '../../../src/core/clock.js'
import { CallWork, type Faults, type FinishedCall } from './call-work.js'
import { type LatencyOptions, resolveLatency } from './latency.js'
import { type CallRecord, Ledger, type ProxyApiCounts, type Refusal } from './ledger.js'
import { type Outage, Region } from './region.js'
import { type AskedCall, readCall, WORDS } from './request.js'
import { Sessions } from './sessions.js'
import { type FoundPage, makeUpPage } from './target.js'

export interface ProxyApiOptions {
  /** Key that callers must present. @default 'demo-key' */
  readonly key?: string
  /** Calls that the plan lets be in flight at once. @default 10 */
  readonly limit?: number
  /** Credits of the plan. @default 1_000_000 */
  readonly requestLimit?: number
  /** Instances, in order; all share the plan. @default 1 */
  readonly regions?: number
  /** Ports of the instances; 0 takes a free one. @default 0 for each */
  readonly ports?: readonly number[]
  /** The same seed gives the same latencies and failures. @default 1 */
  readonly seed?: number
  /** Real milliseconds for one of the API's; 0.01 turns 70 s into 700 ms. @default 1 */
  readonly timeScale?: number
  readonly latency?: LatencyOptions
  readonly faults?: Partial<Faults>
  /** Whether answers carry `sa-credit-cost`. @default true */
  readonly namesCost?: boolean
  /**
   * What a call does whose caller hangs up. Real APIs go on, hold the slot and bill it.
   * @default 'goes-on'
   */
  readonly onHangUp?: 'goes-on' | 'ends'
  /** The Internet as the API finds it. @default a page made up for every host */
  readonly web?: (target: URL) => FoundPage
  readonly clock?: Clock
}

export interface ProxyApi {
  /** URLs of the instances. */
  readonly endpoints: readonly string[]
  readonly key: string
  readonly counts: () => ProxyApiCounts
  /** Calls that took a slot, in the order they began. */
  readonly records: () => readonly CallRecord[]
  /** Connections that each instance has accepted. */
  readonly connections: () => readonly number[]
  readonly setLimit: (limit: number) => void
  readonly setFaults: (faults: Partial<Faults>) => void
  readonly setLatency: (latency: LatencyOptions) => void
  readonly setOutage: (region: number, outage: Outage | null) => Promise<void>
  /** Resolves when no call is in flight any more. */
  readonly settled: () => Promise<void>
  readonly close: () => Promise<void>
}

const STATUSES: Readonly<Record<Refusal, number>> = {
  key: 401,
  request: 400,
  cost: 403,
  credits: 403,
  limit: 429,
}

export async function startProxyApi(options: ProxyApiOptions = {}): Promise<ProxyApi> {
  const server = new ProxyApiServer(options)
  await server.open()
  return server
}

class ProxyApiServer implements ProxyApi {
  readonly key: string
  readonly #ledger: Ledger
  readonly #sessions: Sessions
  readonly #work: CallWork
  readonly #regions: readonly Region[]
  readonly #namesCost: boolean
  readonly #endsOnHangUp: boolean
  /** Calls under way; each ends by its own work. */
  readonly #underWay = new Set<Promise<void>>()

  constructor(options: ProxyApiOptions) {
    const { key = 'demo-key', limit = 10, requestLimit = 1_000_000, timeScale = 1 } = options
    const { seed = 1, clock = systemClock, regions = 1, ports = [] } = options
    this.key = key
    this.#namesCost = options.namesCost ?? true
    this.#endsOnHangUp = options.onHangUp === 'ends'
    this.#ledger = new Ledger({ clock, limit, requestLimit, timeScale })
    this.#sessions = new Sessions(clock, timeScale)
    const { web = makeUpPage } = options
    const latency = resolveLatency(options.latency)
    this.#work = new CallWork({
      clock,
      seed,
      timeScale,
      latency,
      faults: options.faults ?? {},
      web,
    })
    this.#regions = Array.from(
      { length: regions },
      (_, index) =>
        new Region(ports[index] ?? 0, (request, response) =>
          this.#onRequest(index, request, response),
        ),
    )
  }

  get endpoints(): readonly string[] {
    return this.#regions.map((region) => region.endpoint)
  }

  readonly counts = () => this.#ledger.counts()
  readonly records = () => this.#ledger.records
  readonly connections = () => this.#regions.map((region) => region.connections)
  readonly setLimit = (limit: number) => this.#ledger.setLimit(limit)
  readonly setFaults = (faults: Partial<Faults>) => this.#work.setFaults(faults)
  readonly setLatency = (latency: LatencyOptions) => this.#work.setLatency(resolveLatency(latency))

  readonly setOutage = async (region: number, outage: Outage | null) => {
    const found = this.#regions[region]
    assert(found !== undefined, `there is a region ${region}`)
    await found.setOutage(outage)
  }

  readonly settled = async () => {
    while (this.#underWay.size > 0) await Promise.all(this.#underWay)
  }

  readonly close = async () => {
    this.#work.stop()
    await Promise.all(this.#regions.map((region) => region.close()))
    await this.settled()
  }

  async open(): Promise<void> {
    await Promise.all(this.#regions.map((region) => region.open()))
  }

  #onRequest(region: number, request: IncomingMessage, response: ServerResponse): void {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://api.invalid')
    if (pathname === '/referee') return replyJson(response, 200, this.counts())
    const isKnown = searchParams.get('api_key') === this.key
    if (pathname === '/') this.#onCall({ region, isKnown, request, response }, searchParams)
    else if (!isKnown) replyWords(response, 401, WORDS.key)
    else if (pathname === '/account') replyJson(response, 200, this.#ledger.account())
    else if (pathname === '/account/urlcost') replyCost(response, readCall(searchParams))
    else replyWords(response, 404, 'There is nothing here.')
  }

  #onCall(
    from: {
      readonly region: number
      readonly isKnown: boolean
      readonly request: IncomingMessage
      readonly response: ServerResponse
    },
    query: URLSearchParams,
  ): void {
    const { region, isKnown, request, response } = from
    this.#ledger.countCall()
    const call = readCall(query)
    const refusal = this.#refusalOf(call, isKnown)
    if (call === null || refusal !== null) {
      this.#ledger.refuse(refusal ?? 'request')
      return replyWords(response, STATUSES[refusal ?? 'request'], WORDS[refusal ?? 'request'])
    }
    const record = this.#ledger.begin(call.target.href, region)
    const underWay = this.#answer(call, { record, request, response }).finally(() =>
      this.#underWay.delete(underWay),
    )
    this.#underWay.add(underWay)
  }

  #refusalOf(call: AskedCall | null, isKnown: boolean): Refusal | null {
    if (!isKnown) return 'key'
    if (call === null) return 'request'
    if (call.maxCost !== null && call.charge > call.maxCost) return 'cost'
    if (call.charge > this.#ledger.creditsLeft) return 'credits'
    return this.#ledger.hasRoom ? null : 'limit'
  }

  async #answer(
    call: AskedCall,
    of: {
      readonly record: CallRecord
      readonly request: IncomingMessage
      readonly response: ServerResponse
    },
  ): Promise<void> {
    const { record, request, response } = of
    const abort = new AbortController()
    response.once('close', () => {
      if (response.writableFinished || record.endedMs !== null) return
      record.hasHungUp = true
      if (this.#endsOnHangUp) abort.abort()
    })
    const exit = this.#sessions.exitOf(call.session)
    const ended = await this.#work.run(call, { exit, request, abortSignal: abort.signal })
    this.#ledger.end(record, { status: ended.status, price: call.charge })
    if (!response.destroyed) this.#reply(response, ended, { exit, price: call.charge })
  }

  #reply(
    response: ServerResponse,
    ended: FinishedCall,
    { exit, price }: { readonly exit: number; readonly price: number },
  ): void {
    const { page, status } = ended
    if (page === null) return replyWords(response, status, WORDS.failed)
    // Without a length: the body goes in chunks, and one of them ends inside of a character.
    response.writeHead(status, {
      'content-type': page.contentType,
      'sa-final-url': page.url,
      'sa-statuscode': String(page.status),
      'x-simulated-exit': String(exit),
      ...(this.#namesCost ? { 'sa-credit-cost': String(price) } : {}),
    })
    const half = Math.ceil(page.body.length / 2)
    if (ended.isCut) response.write(page.body.subarray(0, half), () => response.destroy())
    else {
      response.write(page.body.subarray(0, half))
      response.end(page.body.subarray(half))
    }
  }
}

function replyWords(response: ServerResponse, status: number, words: string): void {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' })
  response.end(words)
}

function replyJson(response: ServerResponse, status: number, value: object): void {
  response.writeHead(status, { 'content-type': 'application/json' })
  response.end(JSON.stringify(value))
}

function replyCost(response: ServerResponse, call: AskedCall | null): void {
  if (call === null) replyWords(response, 400, WORDS.request)
  else replyJson(response, 200, { credits: call.price })
}
