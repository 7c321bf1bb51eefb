import type { ServerResponse } from 'node:http'
import type { CancelTimer } from '../../../src/core/clock.js'
import type { Reaction } from './behaviours.js'
import {
  applyCoding,
  contentTypeOf,
  encodeText,
  negotiateCoding,
  type PageEncoding,
} from './encodings.js'

/** Starts a timer that ends with the server. */
export type StartTimer = (delayMs: number, fire: () => void) => CancelTimer

export interface PageReply {
  readonly html: string
  readonly encoding: PageEncoding
  /** The request's Accept-Encoding header. */
  readonly acceptEncoding: string
}

export interface ReplyPlan {
  readonly reaction: Reaction
  /** Status of a `server-error`. */
  readonly errorStatus: number
  /** Text of a `not-found`. */
  readonly notFound: string
  /** Draws the page; called only when it is sent. */
  readonly page: () => PageReply
}

const RETRY_AFTER_S = 1
const DRIP = { slices: 10, pauseMs: 150 } as const

const PDF = Buffer.from(
  '%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n' +
    '2 0 obj<</Type/Pages/Kids[]/Count 0>>endobj\n' +
    'trailer<</Root 1 0 R>>\n%%EOF\n',
)

export function replyHtml(response: ServerResponse, status: number, html: string): void {
  const body = Buffer.from(html)
  response.writeHead(status, {
    'content-type': 'text/html; charset=utf-8',
    'content-length': body.length,
  })
  response.end(body)
}

export function replyText(response: ServerResponse, status: number, text: string): void {
  const body = Buffer.from(text)
  response.writeHead(status, {
    'content-type': 'text/plain; charset=utf-8',
    'content-length': body.length,
  })
  response.end(body)
}

export function replyTooMany(response: ServerResponse): void {
  response.setHeader('retry-after', String(RETRY_AFTER_S))
  replyText(response, 429, 'Too many requests\n')
}

export function replyRedirect(response: ServerResponse, status: number, location: string): void {
  response.setHeader('location', location)
  replyText(response, status, `Moved to ${location}\n`)
}

/** Writes the head that belongs to the whole page and returns the bytes that it announces. */
function announcePage(response: ServerResponse, reply: PageReply): Buffer {
  const coding = negotiateCoding(reply.encoding.coding, reply.acceptEncoding)
  const body = applyCoding(encodeText(reply.html, reply.encoding), coding)
  response.writeHead(200, {
    'content-type': contentTypeOf(reply.encoding),
    'content-length': body.length,
    vary: 'accept-encoding',
    ...(coding === 'identity' ? {} : { 'content-encoding': coding }),
  })
  return body
}

function truncatePage(response: ServerResponse, reply: PageReply): void {
  const body = announcePage(response, reply)
  // Cut only when the half has left: a client that saw nothing at all would call it a reset.
  response.write(body.subarray(0, body.length / 2), () => response.destroy())
}

function dripPage(response: ServerResponse, reply: PageReply, startTimer: StartTimer): void {
  const body = announcePage(response, reply)
  const sliceBytes = Math.ceil(body.length / DRIP.slices)
  const send = (from: number): void => {
    if (response.destroyed) return
    response.write(body.subarray(from, from + sliceBytes))
    if (from + sliceBytes >= body.length) response.end()
    else startTimer(DRIP.pauseMs, () => send(from + sliceBytes))
  }
  send(0)
}

/** Answers, or fails to answer, a request for a page. */
export function react(response: ServerResponse, plan: ReplyPlan, startTimer: StartTimer): void {
  switch (plan.reaction) {
    case 'page':
      response.end(announcePage(response, plan.page()))
      return
    case 'drip':
      dripPage(response, plan.page(), startTimer)
      return
    case 'truncate':
      truncatePage(response, plan.page())
      return
    case 'reset':
      response.socket?.resetAndDestroy()
      return
    case 'hang':
      return
    case 'pdf':
      response.writeHead(200, { 'content-type': 'application/pdf', 'content-length': PDF.length })
      response.end(PDF)
      return
    case 'rate-limit':
      replyTooMany(response)
      return
    case 'server-error':
      replyText(response, plan.errorStatus, 'The server is having a bad day.\n')
      return
    case 'not-found':
      replyHtml(response, 404, `<!DOCTYPE html><title>404</title><h1>${plan.notFound}</h1>`)
      return
  }
}
