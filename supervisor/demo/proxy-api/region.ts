// One regional instance: a listener of its own in front of the shared account, with outages that
// can be switched on and off.

import { once } from 'node:events'
import { createServer, type RequestListener, type Server, type ServerResponse } from 'node:http'
import { assert } from '../../../src/core/assert.js'

/**
 * `refuse`: nobody listens. `hang`: requests are taken and never answered. `bad-gateway`: the
 * instance answers 502 for the API behind it.
 */
export type Outage = 'refuse' | 'hang' | 'bad-gateway'

const SOCKETS_MAX = 8_192
const KEEP_ALIVE_MS = 120_000

export class Region {
  readonly #onRequest: RequestListener
  #server: Server | null = null
  #outage: Outage | null = null
  #port: number
  /** Connections accepted so far. */
  connections = 0

  constructor(port: number, onRequest: RequestListener) {
    this.#port = port
    this.#onRequest = onRequest
  }

  get endpoint(): string {
    return `http://127.0.0.1:${this.#port}/`
  }

  async open(): Promise<void> {
    const server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS }, (request, response) => {
      if (this.#outage === null) this.#onRequest(request, response)
      else if (this.#outage === 'bad-gateway') replyBadGateway(response)
    })
    server.maxConnections = SOCKETS_MAX
    server.on('connection', () => {
      this.connections += 1
    })
    server.listen(this.#port, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    assert(typeof address === 'object' && address !== null, 'a server that listens has an address')
    this.#port = address.port
    this.#server = server
  }

  /** Connections that stand are broken, as when the instance dies. */
  async setOutage(outage: Outage | null): Promise<void> {
    this.#outage = outage
    if (outage === 'refuse') await this.close()
    else if (this.#server === null) await this.open()
    if (outage === 'hang') this.#server?.closeAllConnections()
  }

  async close(): Promise<void> {
    const server = this.#server
    if (server === null) return
    this.#server = null
    const closed = once(server, 'close')
    server.close()
    server.closeAllConnections()
    await closed
  }
}

function replyBadGateway(response: ServerResponse): void {
  response.writeHead(502, { 'content-type': 'text/html' })
  response.end('<html><h1>502 Bad Gateway</h1></html>')
}
