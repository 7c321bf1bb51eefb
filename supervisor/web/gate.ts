// Who may come in. Decided before anything is answered and before a connection is upgraded.
//
// The server listens on loopback by default, and that protects it from other machines only. Every
// web page the operator visits runs on this machine too: it may open a WebSocket to a loopback port
// (hence the check of Origin), or point a name of its own at 127.0.0.1 (hence the check of Host).

import type { IncomingHttpHeaders } from 'node:http'
import { isIP } from 'node:net'
import { parseUrl } from '../../src/core/parse-url.js'
import { type Access, accessOf, type Tokens } from './access.js'
import { SUBPROTOCOL } from './frames.js'
import { bearerOf, bearerSubprotocolOf, subprotocolsOf } from './token.js'

export interface GateOptions extends Tokens {
  /** Names by which the server may be addressed, beside `localhost` and addresses. */
  readonly allowedHosts: readonly string[]
}

export interface Refusal {
  readonly status: 400 | 401 | 403 | 429 | 503
  readonly reason: string
}

/** @returns why a request is refused, or null when it may be answered. */
export function refuseRequest(
  headers: IncomingHttpHeaders,
  options: GateOptions,
  needs: { readonly token: boolean },
): Refusal | null {
  const site = refuseSite(headers, options)
  if (site !== null || !needs.token) return site
  return refuseToken(bearerOf(headers), options)
}

/** Browsers say themselves who makes a request; programs say nothing. */
export function refuseCrossSite(headers: IncomingHttpHeaders): Refusal | null {
  const from = headers['sec-fetch-site']
  if (from === undefined || from === 'same-origin' || from === 'none') return null
  return { status: 403, reason: `Requests of other sites are refused; this one is ${from}` }
}

/** @returns why a connection is not upgraded, or null when it may be. */
export function refuseUpgrade(
  headers: IncomingHttpHeaders,
  options: GateOptions,
  now: {
    readonly clients: number
    readonly clientsMax: number
    readonly isClosing: boolean
    /** What the connection's ticket opens; null: nothing. Without one the token counts. */
    readonly ticket?: Access | null
  },
): Refusal | null {
  const site = refuseSite(headers, options)
  if (site !== null) return site
  if (now.ticket === null) return { status: 401, reason: 'The ticket is wrong, used, or too old' }
  const given = bearerOf(headers) ?? bearerSubprotocolOf(headers)
  const token = now.ticket === undefined ? refuseToken(given, options) : null
  if (token !== null) return token
  if (!subprotocolsOf(headers).includes(SUBPROTOCOL)) {
    return { status: 400, reason: `Offer the subprotocol ${SUBPROTOCOL}` }
  }
  if (now.isClosing) return { status: 503, reason: 'The supervisor is stopping' }
  if (now.clients >= now.clientsMax) {
    return {
      status: 429,
      reason: `There are ${now.clients} live clients already, which is the most`,
    }
  }
  return null
}

/** What the token of an allowed upgrade opens. */
export function accessOfUpgrade(headers: IncomingHttpHeaders, options: GateOptions): Access {
  return accessOf(bearerOf(headers) ?? bearerSubprotocolOf(headers) ?? '', options) ?? 'read'
}

function refuseSite(headers: IncomingHttpHeaders, options: GateOptions): Refusal | null {
  const { host, origin } = headers
  const name = hostName(host)
  if (host === undefined || name === null || !isAllowedName(name, options.allowedHosts)) {
    return { status: 403, reason: 'This host name is not among the allowed ones' }
  }
  if (origin !== undefined && !isSameOrigin(origin, host)) {
    return { status: 403, reason: 'Requests from another origin are refused' }
  }
  return null
}

function refuseToken(given: string | undefined, options: GateOptions): Refusal | null {
  if (given === undefined) return { status: 401, reason: 'A token is needed' }
  if (accessOf(given, options) === null) return { status: 401, reason: 'The token is wrong' }
  return null
}

/** An address cannot be pointed elsewhere by a name server; a name must be known to be ours. */
function isAllowedName(name: string, allowedHosts: readonly string[]): boolean {
  if (name === 'localhost' || isIP(name.replace(/^\[|\]$/g, '')) !== 0) return true
  return allowedHosts.some((allowed) => allowed.toLowerCase() === name)
}

/** The name in a Host header, in lower case and without port; null when it is not one. */
function hostName(host: string | undefined): string | null {
  if (host === undefined || !/^[a-z0-9.:[\]_-]+$/i.test(host)) return null
  return parseUrl(`http://${host}`)?.hostname ?? null
}

/** The scheme is not compared: a proxy in front may speak TLS where this server does not. */
function isSameOrigin(origin: string, host: string): boolean {
  const url = parseUrl(origin)
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:')) return false
  return url.host === parseUrl(`${url.protocol}//${host}`)?.host
}
