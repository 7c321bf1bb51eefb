import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { nanoid } from 'nanoid'
import { BEARER_PREFIX } from './frames.js'

/** Characters of a token, 6 random bits each, safe in a URL and in a header. */
const TOKEN_CHARACTERS = 43

/** A token that nobody guesses: more than 256 random bits. */
export function createToken(): string {
  return nanoid(TOKEN_CHARACTERS)
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
