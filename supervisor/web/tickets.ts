// Tickets: who can send a token with a request but not with an upgrade asks for one first. It opens
// one connection, within half a minute, so that it may stand in an address that a log keeps.

import type { IncomingMessage } from 'node:http'
import type { Clock, MonotonicMs } from '../../src/core/clock.js'
import { type Access, accessOf } from './access.js'
import { type Answer, json } from './answer.js'
import { LIVE_VERSION } from './frames.js'
import { type GateOptions, refuseCrossSite, refuseRequest } from './gate.js'
import { CLOSE, refused } from './post-door.js'
import { bearerOf, createToken } from './token.js'
import { WEB_LIMITS } from './web-limits.js'

export const TICKET_PATH = '/api/live-ticket'

interface Ticket {
  readonly access: Access
  readonly untilMs: MonotonicMs
}

export interface TicketOptions extends GateOptions {
  readonly clock: Clock
}

export class Tickets {
  readonly #options: TicketOptions
  /** The oldest first. */
  readonly #tickets = new Map<string, Ticket>()

  constructor(options: TicketOptions) {
    this.#options = options
  }

  /** @returns null when this is not where tickets are asked for. */
  answer(request: Pick<IncomingMessage, 'method' | 'headers'>, path: string): Answer | null {
    if (path !== TICKET_PATH) return null
    const { headers, method } = request
    const site = refuseRequest(headers, this.#options, { token: false }) ?? refuseCrossSite(headers)
    if (site !== null) return refused(site.status, site.reason, CLOSE)
    const access = accessOf(bearerOf(headers) ?? '', this.#options)
    if (access === null) {
      return refused(401, 'A ticket needs a token', { ...CLOSE, 'WWW-Authenticate': 'Bearer' })
    }
    if (method !== 'POST') {
      return refused(405, 'A ticket is asked for by POST', { ...CLOSE, Allow: 'POST' })
    }
    const { 'content-length': length = '0', 'transfer-encoding': encoding } = headers
    if (length !== '0' || encoding !== undefined) return refused(413, 'Expected no body', CLOSE)
    return json(200, {
      v: LIVE_VERSION,
      ticket: this.#issue(access),
      expiresInMs: WEB_LIMITS.ticketMs,
    })
  }

  /** What the ticket opens, which it does once. @returns null for one that opens nothing. */
  take(ticket: string): Access | null {
    const found = this.#tickets.get(ticket)
    this.#tickets.delete(ticket)
    if (found === undefined || this.#options.clock.nowMs() >= found.untilMs) return null
    return found.access
  }

  #issue(access: Access): string {
    const nowMs = this.#options.clock.nowMs()
    for (const [old, { untilMs }] of this.#tickets) {
      if (untilMs > nowMs && this.#tickets.size < WEB_LIMITS.ticketsMax) break
      this.#tickets.delete(old)
    }
    const ticket = createToken()
    this.#tickets.set(ticket, { access, untilMs: nowMs + WEB_LIMITS.ticketMs })
    return ticket
  }
}
