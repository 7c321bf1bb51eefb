// What a browser may reach. A browser resolves names and connects by itself, so the guard stands
// where it has to pass: a proxy on loopback, through which every request goes, those of frames,
// scripts and redirects included. The address that was judged is the one that is connected to.

import { createServer, type IncomingMessage, type Server, request as startRequest } from 'node:http'
import { type AddressInfo, connect, isIP, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { hasCode, messageOf } from '../core/errors.js'
import { parseUrl } from '../core/parse-url.js'
import { type AddressGuard, createAddressGuard } from '../fetch/address-guard.js'
import { FetchFailure } from '../fetch/failure.js'
import { createGuardedLookup, systemResolve } from '../fetch/resolver.js'
import { checkPort } from '../fetch/target.js'

export interface GuardProxy {
  /** URL of the proxy, for the browser. */
  readonly url: string
  /** Why the last request to a host was refused; null when none was. */
  readonly refusalOf: (host: string) => string | null
  readonly close: () => void
}

export interface GuardProxyOptions {
  readonly allowedRanges: readonly string[]
  readonly ports: readonly (readonly [number, number])[]
}

/** Hosts whose refusal is remembered. */
const REFUSALS_MAX = 200

export async function startGuardProxy(options: GuardProxyOptions): Promise<GuardProxy> {
  const proxy = new LoopbackProxy(options)
  await proxy.listen()
  return proxy
}

class LoopbackProxy implements GuardProxy {
  readonly #guard: AddressGuard
  readonly #lookup: ReturnType<typeof createGuardedLookup>
  readonly #ports: GuardProxyOptions['ports']
  readonly #server: Server
  readonly #refusals = new Map<string, string>()
  url = ''

  constructor({ allowedRanges, ports }: GuardProxyOptions) {
    this.#guard = createAddressGuard(allowedRanges)
    this.#lookup = createGuardedLookup(this.#guard, systemResolve)
    this.#ports = ports
    this.#server = createServer()
    this.#server.on('request', (request, response) => {
      const target = parseUrl(request.url ?? '')
      if (target === null || target.protocol !== 'http:' || !this.#permits(target)) {
        // Hung up on, not answered: a page that says so would be taken for one of the site's, and
        // whoever waits for its button would wait in vain.
        response.destroy()
        return
      }
      const { method = 'GET', headers } = request
      const upstream = startRequest(target, { method, headers, lookup: this.#lookup })
      upstream.on('response', (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers)
        answer.on('error', () => response.destroy()).pipe(response)
      })
      upstream.on('error', (error) => {
        this.#note(target.hostname, error)
        response.destroy()
      })
      response.on('close', () => upstream.destroy())
      request.on('error', () => upstream.destroy()).pipe(upstream)
    })
    this.#server.on('connect', (request, socket) => this.#onConnect(request, socket))
    this.#server.on('clientError', (_, socket) => socket.destroy())
  }

  readonly refusalOf = (host: string) => this.#refusals.get(host) ?? null

  readonly close = () => {
    this.#server.closeAllConnections()
    this.#server.close()
  }

  listen(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen(0, '127.0.0.1', () => {
        const { port } = this.#server.address() as AddressInfo
        this.url = `http://127.0.0.1:${port}`
        this.#server.unref()
        resolve()
      })
    })
  }

  #onConnect(request: IncomingMessage, client: Duplex): void {
    client.on('error', () => client.destroy())
    const target = parseUrl(`https://${request.url ?? ''}/`)
    if (target === null || !this.#permits(target)) {
      client.end('HTTP/1.1 403 Forbidden\r\n\r\n')
      return
    }
    const host = bareHost(target)
    const port = Number(target.port === '' ? 443 : target.port)
    const server: Socket = connect({ host, port, lookup: this.#lookup, noDelay: true })
    server.once('connect', () => {
      client.write('HTTP/1.1 200 Connection Established\r\n\r\n')
      server.pipe(client).pipe(server)
    })
    server.on('error', (error) => {
      this.#note(target.hostname, error)
      client.destroy()
    })
    client.on('close', () => server.destroy())
    server.on('close', () => client.destroy())
  }

  #permits(target: URL): boolean {
    try {
      checkPort(target, this.#ports)
    } catch (error) {
      this.#note(target.hostname, error)
      return false
    }
    const host = bareHost(target)
    const refusal = isIP(host) === 0 ? null : this.#guard.refusalOf(host)
    if (refusal === null) return true
    this.#note(target.hostname, new FetchFailure('ssrf', `${host} may not be fetched (${refusal})`))
    return false
  }

  #note(host: string, error: unknown): void {
    if (!hasCode(error, 'ssrf')) return
    if (this.#refusals.size >= REFUSALS_MAX) this.#refusals.clear()
    this.#refusals.set(host, messageOf(error))
  }
}

function bareHost({ hostname }: URL): string {
  return hostname.replace(/^\[|\]$/g, '')
}
