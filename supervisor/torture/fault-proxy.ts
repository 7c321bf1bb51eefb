// A proxy before Postgres that loses, delays and cuts, as networks and poolers do. Clients speak to
// it in plain on loopback; to the database it speaks as the database's URL asks.

import { once } from 'node:events'
import type { AddressInfo, Socket } from 'node:net'
import { createServer } from 'node:net'
import type { DropRequest } from './fault-proxy-answers.js'
import { DropOrders } from './fault-proxy-answers.js'
import type { CutWay } from './fault-proxy-connection.js'
import { FaultyConnection } from './fault-proxy-connection.js'
import { Brake } from './fault-proxy-lane.js'
import { readUpstream, urlThrough } from './fault-proxy-upstream.js'

export interface FaultCounts {
  /** Connections made, from the start on. */
  readonly connections: number
  readonly cuts: number
  readonly answersDropped: number
  /** Bytes passed on in both directions. */
  readonly bytes: number
}

export interface FaultProxy {
  /** The database's URL through the proxy; plain TCP on loopback. */
  readonly url: string
  /** Every chunk in both directions is held back this long; 0 ends it. */
  readonly delay: (ms: number) => void
  /**
   * Half-open: connections stay up, accept bytes, and nothing passes in either direction any more;
   * new connections are accepted and stay mute.
   */
  readonly freeze: () => void
  /** Ends `freeze`: what was frozen is cut or goes on, as asked. */
  readonly thaw: (how: 'go-on' | 'cut') => void
  /**
   * Cuts every connection now.
   *
   * @param way how its client sees it. @default 'reset'
   * @returns how many.
   */
  readonly cut: (way?: CutWay) => number
  /**
   * Each connection made or alive from now on is cut after so many more bytes from the server; null
   * ends it.
   */
  readonly cutAfterBytes: (bytes: number | null) => void
  /**
   * New connections are refused (reset at once) while true: what a client sees while the server
   * restarts.
   */
  readonly refuse: (isRefusing: boolean) => void
  /**
   * The next `times` statements whose text matches reach the server and take effect there; their
   * answer never arrives: the connection is cut when the server has answered (after it committed).
   * A statement that the server refuses is answered as ever, and the next one is taken instead; in
   * a transaction only its COMMIT takes effect, so only that can match. Orders add up.
   */
  readonly dropAnswers: (request: DropRequest) => void
  readonly counts: () => FaultCounts
  readonly close: () => Promise<void>
}

/** @throws {TypeError} when the URL cannot be read. */
export async function startFaultProxy(target: { readonly url: string }): Promise<FaultProxy> {
  const proxy = new LoopbackProxy(target.url)
  await proxy.listen()
  return proxy
}

class LoopbackProxy implements FaultProxy {
  readonly #upstream
  readonly #targetUrl: string
  readonly #brake = new Brake()
  readonly #orders = new DropOrders()
  readonly #alive = new Set<FaultyConnection>()
  readonly #server = createServer({ allowHalfOpen: true }, (client) => this.#accept(client))
  readonly #counts = { connections: 0, cuts: 0, answersDropped: 0, bytes: 0 }
  #bytesLeft: number | null = null
  #isRefusing = false
  #url = ''

  constructor(targetUrl: string) {
    this.#targetUrl = targetUrl
    this.#upstream = readUpstream(targetUrl)
  }

  get url(): string {
    return this.#url
  }

  async listen(): Promise<void> {
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
    const { port } = this.#server.address() as AddressInfo
    this.#url = urlThrough(this.#targetUrl, port)
  }

  readonly delay = (ms: number): void => this.#brake.setDelay(ms)

  readonly freeze = (): void => this.#brake.setFrozen(true)

  readonly thaw = (how: 'go-on' | 'cut'): void => {
    if (how === 'cut') this.cut()
    this.#brake.setFrozen(false)
  }

  readonly cut = (way: CutWay = 'reset'): number =>
    [...this.#alive].filter((connection) => connection.cut(way)).length

  readonly cutAfterBytes = (bytes: number | null): void => {
    this.#bytesLeft = bytes
    for (const connection of this.#alive) connection.cutAfter(bytes)
  }

  readonly refuse = (isRefusing: boolean): void => {
    this.#isRefusing = isRefusing
  }

  readonly dropAnswers = (request: DropRequest): void => this.#orders.add(request)

  readonly counts = (): FaultCounts => ({ ...this.#counts })

  readonly close = async (): Promise<void> => {
    const closed = once(this.#server, 'close')
    this.#server.close()
    for (const connection of [...this.#alive]) connection.destroy()
    await closed
  }

  #accept(client: Socket): void {
    if (this.#isRefusing) {
      client.on('error', () => {})
      client.resetAndDestroy()
      return
    }
    this.#counts.connections += 1
    const connection: FaultyConnection = new FaultyConnection({
      client,
      upstream: this.#upstream,
      brake: this.#brake,
      orders: this.#orders,
      bytesLeft: this.#bytesLeft,
      onBytes: (count) => {
        this.#counts.bytes += count
      },
      onAnswerDropped: () => {
        this.#counts.answersDropped += 1
      },
      onCut: () => {
        this.#counts.cuts += 1
      },
      onGone: () => this.#alive.delete(connection),
    })
    this.#alive.add(connection)
  }
}
