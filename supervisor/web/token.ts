import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { BEARER_PREFIX } from './frames.js'

/** A token that nobody guesses: 256 random bits. */
export function createToken(): string {
  return randomBytes(32).toString('base64url')
}

/**
 * Compares in a time that tells nothing about the token. Both sides are hashed first, so that not
 * even its length shows.
 */
export function isSameToken(given: string, token: string): boolean {
  return timingSafeEqual(digest(given), digest(token))
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}

/** The token of an `Authorization: Bearer` header; undefined when there is none. */
export function bearerOf(headers: IncomingHttpHeaders): string | undefined {
  return /^Bearer +(\S+)$/i.exec(headers.authorization ?? '')?.[1]
}

/** Subprotocols that a WebSocket client offers. */
export function subprotocolsOf(headers: IncomingHttpHeaders): readonly string[] {
  const offered = headers['sec-websocket-protocol'] ?? ''
  return offered.split(',').flatMap((part) => (part.trim() === '' ? [] : [part.trim()]))
}

/** The token that a browser offers as a subprotocol, since it cannot set headers on a WebSocket. */
export function bearerSubprotocolOf(headers: IncomingHttpHeaders): string | undefined {
  const offered = subprotocolsOf(headers).find((name) => name.startsWith(BEARER_PREFIX))
  if (offered === undefined) return undefined
  return Buffer.from(offered.slice(BEARER_PREFIX.length), 'base64url').toString('utf8')
}
