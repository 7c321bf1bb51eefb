// The simulated proxy API as a process of its own, so that its CPU time is nobody else's. Its
// ledger is the referee of the benchmarks that use it.

import type { ProxyApiCounts } from '../../supervisor/demo/proxy-api/ledger.js'
import {
  type ProxyApi,
  type ProxyApiOptions,
  startProxyApi,
} from '../../supervisor/demo/proxy-api/proxy-api.js'

export type ToProxyServer =
  | { readonly type: 'open'; readonly options: ProxyApiOptions }
  | { readonly type: 'limit'; readonly limit: number }
  /** What is below half from here on counts, and nothing before. */
  | { readonly type: 'mark' }
  | { readonly type: 'look' }

/** What the referee has counted so far. */
export interface RefereeLook {
  readonly counts: ProxyApiCounts
  /** Longest time since the mark in which less than half of the plan was in use. */
  readonly slackMsMax: number
  readonly connections: number
}

export type FromProxyServer =
  | { readonly type: 'opened'; readonly endpoints: readonly string[] }
  | { readonly type: 'done' }
  | ({ readonly type: 'look' } & RefereeLook)

/** How often the use of the plan is looked at. */
const LOOK_MS = 20

class ProxyServer {
  readonly #api: ProxyApi
  #slackSinceMs: number | null = null
  #slackMsMax = 0

  constructor(api: ProxyApi) {
    this.#api = api
    setInterval(() => this.#watch(), LOOK_MS)
  }

  receive(message: ToProxyServer): FromProxyServer {
    if (message.type === 'limit') this.#api.setLimit(message.limit)
    if (message.type === 'mark') {
      this.#slackMsMax = 0
      this.#slackSinceMs = null
    }
    return message.type === 'look' ? this.#look() : { type: 'done' }
  }

  #watch(): void {
    const { inFlight, limit } = this.#api.counts()
    const nowMs = performance.now()
    this.#slackSinceMs = inFlight * 2 < limit ? (this.#slackSinceMs ?? nowMs) : null
    if (this.#slackSinceMs === null) return
    this.#slackMsMax = Math.max(this.#slackMsMax, nowMs - this.#slackSinceMs)
  }

  #look(): FromProxyServer {
    const slackMsMax = Math.round(this.#slackMsMax)
    const connections = this.#api.connections().reduce((sum, count) => sum + count, 0)
    return { type: 'look', counts: this.#api.counts(), slackMsMax, connections }
  }
}

function main(): void {
  let server: ProxyServer | null = null
  const tell = (said: FromProxyServer) => process.send?.(said)
  process.on('disconnect', () => process.exit(0))
  process.on('message', async (message: ToProxyServer) => {
    if (message.type === 'open') {
      const api = await startProxyApi(message.options)
      server = new ProxyServer(api)
      tell({ type: 'opened', endpoints: api.endpoints })
    } else if (server !== null) tell(server.receive(message))
  })
}

// Only a forked child has a parent to speak with; importing the types above starts nothing.
if (process.send !== undefined && process.argv[1] === import.meta.filename) main()
