// Sockets of one worker. undici caps connections per origin but not in all, and keeps idle ones to
// every host it ever met; so each socket here is a `Client` of its own, counted from its birth to
// its end, idle time included. When there is no room, the socket that has idled longest makes some.

import { Client } from 'undici'
import { assert } from '../core/assert.js'
import { LIMITS } from '../core/limits.js'
import type { FetchOptions } from '../core/worker-options.js'
import type { OpenConnector } from './connector.js'
import { FetchFailure } from './failure.js'

/** One socket, lent to one request at a time. */
export interface PooledSocket {
  readonly client: Client
  readonly origin: string
  readonly host: string
  /** Whether a connection stands. */
  isOpen: boolean
  /** Connections made so far: undici replaces one that broke while it idled. */
  connections: number
  isLent: boolean
  /** Ends a connection that is being made. */
  readonly abandon: () => void
}

export interface SocketRequest {
  readonly url: URL
  /** Do not take a connection that was used before: it may be as dead as the last one. */
  readonly isFresh: boolean
  readonly abortSignal: AbortSignal
}

interface Waiter {
  readonly request: SocketRequest
  readonly resolve: (socket: PooledSocket) => void
  readonly reject: (error: unknown) => void
  readonly onAbort: () => void
}

interface PoolOptions
  extends Pick<FetchOptions, 'socketsMax' | 'socketsPerHostMax' | 'keepAliveMs'> {
  /** Hosts that may have as many sockets as there are: an API that stands for all hosts. */
  readonly unboundedHosts?: ReadonlySet<string>
}

export class SocketPool {
  readonly #options: PoolOptions
  readonly #openConnector: OpenConnector
  readonly #sockets = new Set<PooledSocket>()
  /** Those that are not lent, idle longest first; and by origin, where the last one is newest. */
  readonly #idle = new Set<PooledSocket>()
  readonly #idleByOrigin = new Map<string, PooledSocket[]>()
  readonly #perHost = new Map<string, number>()
  readonly #waiters = new Set<Waiter>()
  #isClosed = false

  constructor(options: PoolOptions, openConnector: OpenConnector) {
    this.#options = {
      keepAliveMs: options.keepAliveMs,
      socketsMax: Math.min(options.socketsMax, LIMITS.socketsMax),
      socketsPerHostMax: Math.min(options.socketsPerHostMax, LIMITS.socketsPerHostMax),
      unboundedHosts: options.unboundedHosts ?? new Set(),
    }
    this.#openConnector = openConnector
  }

  get size(): number {
    return this.#sockets.size
  }

  get waiting(): number {
    return this.#waiters.size
  }

  /**
   * Lends a socket, at once or when one is free: first come, first served among those for whom
   * there is room.
   *
   * @throws the reason of the abort signal; a `FetchFailure` when too many wait or the pool is
   * closed.
   */
  async acquire(request: SocketRequest): Promise<PooledSocket> {
    request.abortSignal.throwIfAborted()
    if (this.#isClosed) throw new FetchFailure('reset', 'the fetcher is closed')
    const socket = this.#take(request)
    if (socket !== null) return socket
    if (this.#waiters.size >= LIMITS.slotsMax) {
      throw new FetchFailure('handler', `more than ${LIMITS.slotsMax} requests wait for a socket`)
    }
    return this.#wait(request)
  }

  /** Takes a socket back. One that may be in an unknown state is not kept. */
  release(socket: PooledSocket, isReusable: boolean): void {
    assert(socket.isLent, 'a socket is released once')
    socket.isLent = false
    if (!isReusable || !socket.isOpen || this.#isClosed) this.#drop(socket)
    else this.#rest(socket)
    this.#serveWaiters()
  }

  async close(): Promise<void> {
    this.#isClosed = true
    for (const waiter of this.#waiters) {
      this.#forget(waiter)
      waiter.reject(new FetchFailure('reset', 'the fetcher is closed'))
    }
    const sockets = [...this.#sockets]
    this.#sockets.clear()
    this.#idle.clear()
    this.#idleByOrigin.clear()
    this.#perHost.clear()
    const ends = sockets.map(({ client }) => client.destroy())
    for (const socket of sockets) socket.abandon()
    await Promise.all(ends)
  }

  #take(request: SocketRequest): PooledSocket | null {
    const { origin, hostname } = request.url
    const known = request.isFresh ? undefined : this.#idleByOrigin.get(origin)?.at(-1)
    if (known !== undefined) {
      this.#unrest(known)
      known.isLent = true
      return known
    }
    const { socketsMax, socketsPerHostMax, unboundedHosts } = this.#options
    const isBounded = unboundedHosts?.has(hostname) !== true
    if (isBounded && (this.#perHost.get(hostname) ?? 0) >= socketsPerHostMax) {
      const spare = [...this.#idle].find((socket) => socket.host === hostname)
      if (spare === undefined) return null
      this.#drop(spare)
    } else if (this.#sockets.size >= socketsMax) {
      const [spare] = this.#idle
      if (spare === undefined) return null
      this.#drop(spare)
    }
    return this.#open(request.url)
  }

  /** Keeps a socket for the next request. Of many hundreds none is looked for one by one. */
  #rest(socket: PooledSocket): void {
    this.#idle.add(socket)
    const others = this.#idleByOrigin.get(socket.origin)
    if (others === undefined) this.#idleByOrigin.set(socket.origin, [socket])
    else others.push(socket)
  }

  #unrest(socket: PooledSocket): void {
    if (!this.#idle.delete(socket)) return
    const others = this.#idleByOrigin.get(socket.origin) ?? []
    others.splice(others.lastIndexOf(socket), 1)
    if (others.length === 0) this.#idleByOrigin.delete(socket.origin)
  }

  #open(url: URL): PooledSocket {
    const { keepAliveMs } = this.#options
    const abandoned = new AbortController()
    const client = new Client(url.origin, {
      connect: this.#openConnector(abandoned.signal),
      pipelining: 1,
      maxHeaderSize: LIMITS.headersBytesMax,
      keepAliveTimeout: keepAliveMs,
      keepAliveMaxTimeout: keepAliveMs,
      // The exchange has timers of its own, which are exact; undici's tick about once a second.
      headersTimeout: 0,
      bodyTimeout: 0,
    })
    const { origin, hostname: host } = url
    const socket: PooledSocket = {
      client,
      origin,
      host,
      isOpen: false,
      connections: 0,
      isLent: true,
      abandon: () => abandoned.abort(),
    }
    client.on('connect', () => {
      socket.isOpen = true
      socket.connections += 1
    })
    client.on('disconnect', () => {
      socket.isOpen = false
      if (socket.isLent) return
      this.#drop(socket)
      this.#serveWaiters()
    })
    this.#sockets.add(socket)
    this.#perHost.set(host, (this.#perHost.get(host) ?? 0) + 1)
    return socket
  }

  #drop(socket: PooledSocket): void {
    this.#unrest(socket)
    if (this.#sockets.delete(socket)) {
      const left = (this.#perHost.get(socket.host) ?? 0) - 1
      if (left > 0) this.#perHost.set(socket.host, left)
      else this.#perHost.delete(socket.host)
    }
    // Destroying can only fail for a client that is gone already.
    socket.client.destroy().catch(() => {})
    // undici waits for a connection that is being made, only to close it.
    socket.abandon()
  }

  #wait(request: SocketRequest): Promise<PooledSocket> {
    return new Promise((resolve, reject) => {
      const onAbort = () => {
        this.#forget(waiter)
        reject(request.abortSignal.reason)
      }
      const waiter: Waiter = { request, resolve, reject, onAbort }
      this.#waiters.add(waiter)
      request.abortSignal.addEventListener('abort', onAbort, { once: true })
    })
  }

  #forget(waiter: Waiter): void {
    this.#waiters.delete(waiter)
    waiter.request.abortSignal.removeEventListener('abort', waiter.onAbort)
  }

  #serveWaiters(): void {
    const fullHosts = new Set<string>()
    for (const waiter of this.#waiters) {
      const { hostname } = waiter.request.url
      // Of a host without room only the first waiter needs to be asked.
      if (fullHosts.has(hostname)) continue
      const socket = this.#take(waiter.request)
      if (socket === null) {
        if (this.#isFull()) return
        fullHosts.add(hostname)
        continue
      }
      this.#forget(waiter)
      waiter.resolve(socket)
    }
  }

  /** Every socket there may be is lent. */
  #isFull(): boolean {
    return this.#sockets.size >= this.#options.socketsMax && this.#idle.size === 0
  }
}
