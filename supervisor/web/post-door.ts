// What every POST passes before a byte of its body is read: another site's page is refused by Host,
// Origin and Sec-Fetch-Site, whoever lacks the right by its token. A form cannot send what is taken
// here, since it can set neither `Authorization` nor the content type.

import type { IncomingMessage } from 'node:http'
import type { Clock } from '../../src/core/clock.js'
import { FetchyardError, messageOf } from '../../src/core/errors.js'
import { classifyFault } from '../../src/store/client.js'
import { within } from '../within.js'
import { type Access, accessOf } from './access.js'
import { type Answer, json } from './answer.js'
import { readBody } from './body.js'
import { type GateOptions, refuseCrossSite, refuseRequest } from './gate.js'
import { bearerOf } from './token.js'
import { WEB_LIMITS } from './web-limits.js'

/** An error as programs read it. */
export function refused(
  status: number,
  message: string,
  headers: { readonly [name: string]: string } = {},
): Answer {
  return { ...json(status, { error: { status, message } }), headers }
}

/** What is refused unread may still be coming: the connection ends with the answer. */
export const CLOSE = { Connection: 'close' } as const

export interface PostDoorOptions extends GateOptions {
  readonly clock: Clock
}

export interface Errand {
  readonly needs: Access
  /** What is refused when nobody carries such errands out; null: somebody does. */
  readonly nobody: string | null
  /** Added where it is not known whether the database has done it. */
  readonly mayBe: string
  readonly carry: (body: string) => Promise<Answer>
}

export class PostDoor {
  readonly #options: PostDoorOptions
  /** Counted apart: whoever only reads must not keep out whoever has to stop something. */
  readonly #underWay: { [needs in Access]: number } = { read: 0, operate: 0 }

  constructor(options: PostDoorOptions) {
    this.#options = options
  }

  async pass(request: IncomingMessage, errand: Errand): Promise<Answer> {
    const refusal = this.#refuse(request, errand.needs)
    if (refusal !== null) return refusal
    if (errand.nobody !== null) return refused(404, errand.nobody, CLOSE)
    const { needs } = errand
    const underWay = this.#underWay[needs]
    if (underWay >= WEB_LIMITS.actionsMax) {
      const what = needs === 'operate' ? 'orders' : 'questions'
      const words = `${underWay} ${what} are being carried out, which is the most at once`
      return refused(503, words, { ...CLOSE, 'Retry-After': '1' })
    }
    this.#underWay[needs] += 1
    try {
      const body = await readBody(request, this.#options.clock)
      if (body.problem !== undefined) return bodyRefusal(body.problem)
      return await this.#inTime(errand, body.text)
    } finally {
      this.#underWay[needs] -= 1
    }
  }

  #refuse(request: IncomingMessage, needs: Access): Answer | null {
    const { headers, method } = request
    const site = refuseRequest(headers, this.#options, { token: false })
    if (site !== null) return refused(site.status, site.reason, CLOSE)
    const crossSite = refuseCrossSite(headers)
    if (crossSite !== null) return refused(crossSite.status, crossSite.reason, CLOSE)
    const login = refuseRequest(headers, this.#options, { token: true })
    if (login !== null) {
      return refused(login.status, login.reason, { ...CLOSE, 'WWW-Authenticate': 'Bearer' })
    }
    const access = accessOf(bearerOf(headers) ?? '', this.#options)
    if (needs === 'operate' && access !== 'operate') {
      return refused(403, 'This token only reads; orders need the operator token', CLOSE)
    }
    if (method !== 'POST') {
      const what = needs === 'operate' ? 'An order' : 'This question'
      return refused(405, `${what} is a POST`, { ...CLOSE, Allow: 'POST' })
    }
    const type = (headers['content-type'] ?? '').split(';', 1)[0]?.trim().toLowerCase()
    if (type !== 'application/json') {
      const got = type === '' || type === undefined ? 'none' : JSON.stringify(type.slice(0, 80))
      return refused(415, `Expected the content type application/json, got ${got}`, CLOSE)
    }
    return Number(headers['content-length'] ?? 0) > WEB_LIMITS.bodyBytesMax
      ? bodyRefusal('too large')
      : null
  }

  async #inTime({ carry, mayBe }: Errand, body: string): Promise<Answer> {
    const done: { answer: (() => Answer) | null } = { answer: null }
    const carrying = carry(body).then(
      (answer) => {
        done.answer = () => answer
      },
      (error: unknown) => {
        done.answer = () => failure(error, mayBe)
      },
    )
    await within(this.#options.clock, WEB_LIMITS.actionMs, carrying)
    return done.answer?.() ?? refused(504, `The database did not answer in time. ${mayBe}`.trim())
  }
}

function failure(error: unknown, mayBe: string): Answer {
  if (error instanceof FetchyardError && error.code === 'WORKFLOW_UNKNOWN') {
    return refused(404, error.message)
  }
  if (classifyFault(error) !== 'transient') throw error
  const words = `The database does not answer: ${messageOf(error)}. ${mayBe}`.trim()
  return refused(503, words, { 'Retry-After': '5' })
}

function bodyRefusal(problem: 'too large' | 'too slow' | 'broken off'): Answer {
  if (problem === 'too large') {
    return refused(413, `Expected a body of at most ${WEB_LIMITS.bodyBytesMax} bytes`, CLOSE)
  }
  if (problem === 'too slow') {
    const seconds = WEB_LIMITS.bodyTimeoutMs / 1_000
    return refused(408, `Expected the whole body within ${seconds} s`, CLOSE)
  }
  return refused(400, 'The body broke off', CLOSE)
}
