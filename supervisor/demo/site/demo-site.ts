import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { assert } from '../../../src/core/assert.js'
import { type CancelTimer, type Clock, systemClock } from '../../../src/core/clock.js'
import { FetchyardError, hasCode, messageOf } from '../../../src/core/errors.js'
import { latencyMs, planReaction, type Reaction } from './behaviours.js'
import { randomFor } from './dealing.js'
import { type DemoPage, htmlOf, makeDirectory, pageTruth, type Site } from './directory.js'
import { renderIndex } from './index-page.js'
import { react, replyHtml, replyRedirect, replyText, replyTooMany } from './replies.js'
import { makeRoutes, type Place, type Route, type RouteTable, routeKey } from './routes.js'
import type { PageTruth } from './truth.js'

// A server on loopback that behaves like a directory of small business sites on a bad day. All that
// it decides is generated from the seed; this file counts visits and holds sockets and timers.

export interface DemoSiteOptions {
  /** Port to listen on; 0 takes a free one. @default 0 */
  readonly port?: number
  /** Businesses, 1 to 5000, each with a home page and a contact page. @default 500 */
  readonly sites?: number
  /** The same seed gives the same sites. @default 1 */
  readonly seed?: number
  /** Loopback, and nothing else. @default '127.0.0.1' */
  readonly host?: '127.0.0.1'
  /** Time for latencies and pauses. @default the system's */
  readonly clock?: Clock
}

export type DemoReply = Reaction | 'redirect' | 'site-limit' | 'index' | 'robots' | 'unknown'

export interface DemoStats {
  readonly requests: number
  /** Requests by what was done with them; requests under way are not among them yet. */
  readonly byBehaviour: { readonly [reply in DemoReply]?: number }
}

export interface DemoSite {
  /** Origin of the index page and of all sites without a host name of their own. */
  readonly origin: string
  readonly port: number
  /** Absolute URLs of all home and contact pages, site by site. */
  readonly urls: () => string[]
  /** What must become of each of `urls`, when fetched with at least three attempts. */
  readonly truth: () => Map<string, PageTruth>
  readonly stats: () => DemoStats
  /** Ends all connections and timers. */
  readonly close: () => Promise<void>
}

const SITES_MAX = 5_000
const KEEP_ALIVE_MS = 65_000
const SOCKETS_MAX = 2_000

interface State {
  readonly place: Place
  readonly sites: readonly Site[]
  readonly table: RouteTable
  readonly clock: Clock
  readonly timers: Set<CancelTimer>
  /** Requests so far by page. */
  readonly visits: Map<string, number>
  /** Requests under way by site. */
  readonly active: Map<Site, number>
  readonly replies: Map<DemoReply, number>
  requests: number
}

/**
 * Starts the demo site.
 *
 * @throws {FetchyardError} `PORT_IN_USE` when somebody else listens on the port.
 */
export async function startDemoSite(options: DemoSiteOptions = {}): Promise<DemoSite> {
  const { port = 0, sites: count = 500, seed = 1, host = '127.0.0.1' } = options
  assert(host === '127.0.0.1', 'the demo listens on loopback alone')
  assert(count >= 1 && count <= SITES_MAX, `the demo has 1 to ${SITES_MAX} sites`)
  const sites = makeDirectory(seed, count)
  const server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS })
  server.maxConnections = SOCKETS_MAX
  const place: Place = { seed, host, port: await listen(server, { port, host }) }
  const state: State = {
    place,
    sites,
    table: makeRoutes(sites, place),
    clock: options.clock ?? systemClock,
    timers: new Set(),
    visits: new Map(),
    active: new Map(),
    replies: new Map(),
    requests: 0,
  }
  server.on('request', (request, response) => handle(state, request, response))
  return toDemoSite(state, server)
}

async function listen(server: Server, at: { port: number; host: string }): Promise<number> {
  server.listen(at.port, at.host)
  try {
    await once(server, 'listening')
  } catch (error) {
    if (!hasCode(error, 'EADDRINUSE')) throw error
    throw new FetchyardError(
      'PORT_IN_USE',
      `Port ${at.port} of the demo site is taken (${messageOf(error)}); choose another or 0.`,
      { cause: error },
    )
  }
  const address = server.address()
  assert(isAddressInfo(address), 'a server that listens on a port has an address')
  return address.port
}

function isAddressInfo(address: string | AddressInfo | null): address is AddressInfo {
  return typeof address === 'object' && address !== null
}

function toDemoSite(state: State, server: Server): DemoSite {
  const { place, table } = state
  return {
    origin: `http://${place.host}:${place.port}`,
    port: place.port,
    urls: () => table.entries.map(({ url }) => url),
    truth: () => new Map(table.entries.map(({ url, page }) => [url, pageTruth(place.seed, page)])),
    stats: () => ({ requests: state.requests, byBehaviour: Object.fromEntries(state.replies) }),
    close: async () => {
      for (const cancel of state.timers) cancel()
      state.timers.clear()
      if (!server.listening) return
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}

function countReply(state: State, reply: DemoReply): void {
  state.replies.set(reply, (state.replies.get(reply) ?? 0) + 1)
}

function startTimer(state: State, delayMs: number, fire: () => void): CancelTimer {
  const cancel = state.clock.setTimer(delayMs, () => {
    state.timers.delete(cancel)
    fire()
  })
  state.timers.add(cancel)
  return () => {
    state.timers.delete(cancel)
    cancel()
  }
}

function handle(state: State, request: IncomingMessage, response: ServerResponse): void {
  state.requests += 1
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    countReply(state, 'unknown')
    response.setHeader('allow', 'GET, HEAD')
    replyText(response, 405, 'Only GET and HEAD\n')
    return
  }
  const host = (request.headers.host ?? '').replace(/:\d+$/, '').toLowerCase()
  const path = (request.url ?? '/').replace(/[?#].*$/s, '')
  const known = host === 'localhost' ? state.place.host : host
  const route = state.table.routes.get(routeKey(known, path))
  if (route === undefined) handleRest(state, response, { host: known, path })
  else handleRoute(state, route, { request, response })
}

/** The addresses that belong to no site. */
function handleRest(
  state: State,
  response: ServerResponse,
  asked: { host: string; path: string },
): void {
  if (asked.path === '/robots.txt') {
    countReply(state, 'robots')
    replyText(response, 200, 'User-agent: *\nDisallow: /private/\n')
  } else if (asked.path === '/' && asked.host === state.place.host) {
    countReply(state, 'index')
    replyHtml(response, 200, renderIndex(state.sites, state.place))
  } else {
    countReply(state, 'unknown')
    replyText(response, 404, 'No such page\n')
  }
}

interface Exchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
}

function handleRoute(state: State, route: Route, exchange: Exchange): void {
  const { site } = route
  const { response } = exchange
  const active = state.active.get(site) ?? 0
  if (active >= site.concurrencyMax) {
    countReply(state, 'site-limit')
    replyTooMany(response)
    return
  }
  state.active.set(site, active + 1)
  response.once('close', () => state.active.set(site, (state.active.get(site) ?? 1) - 1))
  if (route.type === 'redirect') {
    countReply(state, 'redirect')
    replyRedirect(response, route.status, route.to)
  } else {
    answerLater(state, route.page, exchange)
  }
}

function answerLater(state: State, page: DemoPage, exchange: Exchange): void {
  const { response, request } = exchange
  const visit = (state.visits.get(page.id) ?? 0) + 1
  state.visits.set(page.id, visit)
  const delayMs = latencyMs(randomFor(state.place.seed, `latency of ${page.id} ${visit}`))
  const cancel = startTimer(state, delayMs, () => {
    const { behaviour, description } = page
    const reaction = planReaction(behaviour, visit)
    countReply(state, reaction)
    const plan = {
      reaction,
      errorStatus: behaviour.kind === 'server-error' ? behaviour.status : 500,
      notFound: description.business.locale.words.notFound,
      page: () => ({
        html: htmlOf(state.place.seed, page),
        encoding: description.encoding,
        acceptEncoding: String(request.headers['accept-encoding'] ?? ''),
      }),
    }
    react(response, plan, (pauseMs, fire) => startTimer(state, pauseMs, fire))
  })
  // A visitor who left before the answer counts as a visit, and gets none.
  response.once('close', cancel)
}
