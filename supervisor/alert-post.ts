// Posts a notice: one request, no redirect, an address that the guard lets through, and a bound on
// time and on what is read of the answer.

import type { Dispatcher } from 'undici'
import { Agent } from 'undici'
import type { Clock } from '../src/core/clock.js'
import { messageOf } from '../src/core/errors.js'
import { createAddressGuard } from '../src/fetch/address-guard.js'
import { createConnector } from '../src/fetch/connector.js'
import { type Resolve, systemResolve } from '../src/fetch/resolver.js'
import type { SignedNotice } from './alert-notice.js'

export type PostEnd =
  | { readonly isTaken: true }
  /** `isFinal`: the receiver wants no more of it. */
  | { readonly isTaken: false; readonly isFinal: boolean; readonly failure: string }

export interface Poster {
  /** Never rejects. */
  readonly post: (notice: SignedNotice) => Promise<PostEnd>
  readonly close: () => Promise<void>
}

const TIMEOUT_MS = 10_000
/** Status of a receiver that is gone for good. */
const GONE = 410

export function createPoster(options: {
  readonly url: string
  readonly allowedRanges: readonly string[]
  readonly clock: Clock
  /** @default the operating system's */
  readonly resolve?: Resolve
  readonly timeoutMs?: number
}): Poster {
  const { url, allowedRanges, clock, resolve = systemResolve, timeoutMs = TIMEOUT_MS } = options
  const guard = createAddressGuard(allowedRanges)
  const open = createConnector({ connectTimeoutMs: timeoutMs, guard, resolve, clock })
  const closing = new AbortController()
  const agent = new Agent({
    connect: open(closing.signal),
    connections: 1,
    headersTimeout: timeoutMs,
    bodyTimeout: timeoutMs,
    maxHeaderSize: 16 * 1_024,
  })
  return {
    post: async (notice) => {
      const { abortSignal, cancel } = deadline(clock, timeoutMs, closing.signal)
      try {
        return await send(agent, url, { notice, abortSignal })
      } catch (error) {
        const words = abortSignal.aborted ? `no answer within ${timeoutMs} ms` : messageOf(error)
        return { isTaken: false, isFinal: false, failure: words }
      } finally {
        cancel()
      }
    },
    close: async () => {
      closing.abort()
      await agent.destroy()
    },
  }
}

function deadline(clock: Clock, timeoutMs: number, closing: AbortSignal) {
  const late = new AbortController()
  const cancel = clock.setTimer(timeoutMs, () => late.abort())
  return { abortSignal: AbortSignal.any([late.signal, closing]), cancel }
}

async function send(
  agent: Dispatcher,
  url: string,
  request: { readonly notice: SignedNotice; readonly abortSignal: AbortSignal },
): Promise<PostEnd> {
  const { notice, abortSignal } = request
  const { origin, pathname, search } = new URL(url)
  const { statusCode, body } = await agent.request({
    ...{ origin, path: `${pathname}${search}`, method: 'POST' },
    ...{ headers: notice.headers, body: notice.body, signal: abortSignal },
  })
  // What the receiver says in many words is of no use here.
  body.on('error', () => {}).destroy()
  if (statusCode >= 200 && statusCode < 300) return { isTaken: true }
  const isRedirect = statusCode >= 300 && statusCode < 400
  const hint = isRedirect ? '; redirects are not followed' : ''
  const failure = `the receiver answered ${statusCode}${hint}`
  return { isTaken: false, isFinal: statusCode === GONE, failure }
}
