// A places API on this machine, in the convention of the Google Places API (New): field mask, key,
// quotas of a minute and of a day, and the refusals of the real one. It counts, as the referee.

import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { type Clock, systemClock } from '../../../src/core/clock.js'
import { randomFor } from '../site/dealing.js'
import { type Refusal, refusalRow } from './errors.js'
import { makePlace, maskPlace, unknownPath } from './made-place.js'

export interface PlacesApiOptions {
  /** @default 'demo-places-key' */
  readonly key?: string
  /** Calls of a minute. @default 600 */
  readonly perMinute?: number
  /** Calls of a day. @default 100_000 */
  readonly perDay?: number
  /** Real milliseconds of one of the API's minutes. @default 60_000 */
  readonly minuteMs?: number
  /** Time that a call takes. @default 20 */
  readonly latencyMs?: number
  /** Calls in a thousand that fail inside of the API. @default 0 */
  readonly failPerMille?: number
  /** Website of a place; null for none, undefined for a place that is not there. */
  readonly websiteOf?: (placeId: string) => string | null | undefined
  /** What every call is refused for, as by a project that is not set up. */
  readonly outage?: 'disabled' | 'blocked' | null
  readonly clock?: Clock
}

interface PlacesApiCounts {
  readonly calls: number
  /** Places told, each of them charged. */
  readonly told: number
  readonly refused: Readonly<Partial<Record<Refusal, number>>>
}

export interface PlacesApi {
  readonly endpoint: string
  readonly key: string
  readonly counts: () => PlacesApiCounts
  /** Masks, languages and regions that callers asked by. */
  readonly asked: () => readonly string[]
  readonly change: (options: Partial<PlacesApiOptions>) => void
  readonly close: () => Promise<void>
}

export async function startPlacesApi(options: PlacesApiOptions = {}): Promise<PlacesApi> {
  const server = new PlacesApiServer(options)
  await server.open()
  return server
}

/** The shape of an identifier, which the API checks before it looks for the place. */
const PLACE_ID = /^[\w-]{10,300}$/
const PATH = /^\/v1\/places\/([^/]+)$/
const MASKS_KEPT = 100

class PlacesApiServer implements PlacesApi {
  readonly #clock: Clock
  readonly #server: Server
  readonly #refused = new Map<Refusal, number>()
  readonly #asked = new Set<string>()
  #options: PlacesApiOptions
  #calls = 0
  #told = 0
  #minute = { startedMs: 0, calls: 0 }
  #callsToday = 0

  constructor(options: PlacesApiOptions) {
    this.#options = options
    this.#clock = options.clock ?? systemClock
    this.#minute.startedMs = this.#clock.nowMs()
    this.#server = createServer((request, response) => this.#onRequest(request, response))
  }

  get key(): string {
    return this.#options.key ?? 'demo-places-key'
  }

  get endpoint(): string {
    const address = this.#server.address()
    return `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}/`
  }

  readonly counts = (): PlacesApiCounts => ({
    calls: this.#calls,
    told: this.#told,
    refused: Object.fromEntries(this.#refused),
  })

  readonly asked = () => [...this.#asked]

  readonly change = (options: Partial<PlacesApiOptions>) => {
    this.#options = { ...this.#options, ...options }
  }

  readonly close = async () => {
    const closed = once(this.#server, 'close')
    this.#server.close()
    this.#server.closeAllConnections()
    await closed
  }

  async open(): Promise<void> {
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
  }

  #onRequest(request: IncomingMessage, response: ServerResponse): void {
    this.#calls += 1
    const url = new URL(request.url ?? '/', 'http://api.invalid')
    const { latencyMs = 20 } = this.#options
    this.#clock.setTimer(latencyMs, () => this.#answer(request, url, response))
  }

  #answer(request: IncomingMessage, url: URL, response: ServerResponse): void {
    const placeId = decodeURIComponent(PATH.exec(url.pathname)?.[1] ?? '')
    const mask = given(request, url, 'x-goog-fieldmask', 'fields').split(',').filter(Boolean)
    const refusal = this.#refusalOf(given(request, url, 'x-goog-api-key', 'key'), placeId, mask)
    if (refusal !== null) return this.#refuse(response, ...refusal)
    const website = this.#websiteOf(placeId)
    if (website === undefined) return this.#refuse(response, 'unknown', placeId)
    const { searchParams } = url
    const where = [searchParams.get('languageCode'), searchParams.get('regionCode')].join(' ')
    if (this.#asked.size < MASKS_KEPT) this.#asked.add(`${mask.join(',')} ${where}`.trim())
    this.#told += 1
    reply(response, 200, maskPlace(makePlace(placeId, website), mask))
  }

  #websiteOf(placeId: string): string | null | undefined {
    const { websiteOf = (id: string) => `https://www.${id.toLowerCase()}.example/` } = this.#options
    return websiteOf(placeId)
  }

  #refusalOf(
    key: string,
    placeId: string,
    mask: readonly string[],
  ): readonly [Refusal, string] | null {
    const { outage = null, perMinute = 600, perDay = 100_000, failPerMille = 0 } = this.#options
    if (key !== this.key) return ['key', '']
    if (outage !== null) return [outage, '']
    if (this.#callsToday >= perDay) return ['day', String(perDay)]
    if (!this.#hasRoom(perMinute)) return ['minute', String(perMinute)]
    if (placeId === '') return ['path', '']
    if (mask.length === 0) return ['mask', '']
    const path = unknownPath(mask)
    if (path !== null) return ['fields', path]
    if (!PLACE_ID.test(placeId)) return ['id', placeId]
    const fate = randomFor(1, `${placeId} ${this.#calls}`).next() * 1_000
    if (fate < failPerMille) return [fate < failPerMille / 2 ? 'internal' : 'unavailable', '']
    return null
  }

  /** Refused calls take no room, as with the real one. */
  #hasRoom(perMinute: number): boolean {
    const nowMs = this.#clock.nowMs()
    const { minuteMs = 60_000 } = this.#options
    if (nowMs - this.#minute.startedMs >= minuteMs) this.#minute = { startedMs: nowMs, calls: 0 }
    if (this.#minute.calls >= perMinute) return false
    this.#minute.calls += 1
    this.#callsToday += 1
    return true
  }

  #refuse(response: ServerResponse, refusal: Refusal, about: string): void {
    this.#refused.set(refusal, (this.#refused.get(refusal) ?? 0) + 1)
    const row = refusalRow(refusal, about)
    reply(response, row.code, { error: row })
  }
}

/** A parameter, which may come as a header or in the query. */
function given(request: IncomingMessage, url: URL, header: string, parameter: string): string {
  const value = request.headers[header]
  return typeof value === 'string' ? value : (url.searchParams.get(parameter) ?? '')
}

function reply(response: ServerResponse, status: number, value: object): void {
  response.writeHead(status, { 'content-type': 'application/json; charset=UTF-8' })
  response.end(`${JSON.stringify(value, null, 2)}\n`)
}
