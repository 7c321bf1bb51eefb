// Orders over HTTP. Whoever may not give one is refused before a byte of the body is read: another
// site's page by Host, Origin and Sec-Fetch-Site, a reader by its token. A form cannot send what is
// taken here, since it can set neither `Authorization` nor the content type.

import type { IncomingMessage } from 'node:http'
import type { Clock } from '../../src/core/clock.js'
import { FetchyardError, messageOf } from '../../src/core/errors.js'
import { classifyFault } from '../../src/store/client.js'
import type { Carried, Orderer, SteeringDesk } from '../steering-desk.js'
import { within } from '../within.js'
import { accessOf } from './access.js'
import { type Answer, json } from './answer.js'
import { readBody } from './body.js'
import { type GateOptions, refuseCrossSite, refuseRequest } from './gate.js'
import { type Order, orderPathOf, readOrder } from './order.js'
import { bearerOf } from './token.js'
import { WEB_LIMITS } from './web-limits.js'

export interface ActionOptions extends GateOptions {
  readonly desk: SteeringDesk | null
  readonly clock: Clock
}

/** An error as programs read it. */
export function refused(
  status: number,
  message: string,
  headers: { readonly [name: string]: string } = {},
): Answer {
  return { ...json(status, { error: { status, message } }), headers }
}

/** What is refused unread may still be coming: the connection ends with the answer. */
const CLOSE = { Connection: 'close' } as const

export class Actions {
  readonly #options: ActionOptions
  #underWay = 0

  constructor(options: ActionOptions) {
    this.#options = options
  }

  /** @returns null when this is no path of an order. */
  async answer(request: IncomingMessage, path: string): Promise<Answer | null> {
    const target = orderPathOf(path)
    if (target === null) return null
    const refusal = this.#refuse(request)
    if (refusal !== null) return refusal
    const { desk, clock } = this.#options
    if (desk === null) return refused(404, 'This server takes no orders', CLOSE)
    if (this.#underWay >= WEB_LIMITS.actionsMax) {
      const words = `${this.#underWay} orders are being carried out, which is the most at once`
      return refused(503, words, { ...CLOSE, 'Retry-After': '1' })
    }
    this.#underWay += 1
    try {
      const body = await readBody(request, clock)
      if (body.problem !== undefined) return bodyRefusal(body.problem)
      const read = readOrder(target.verb, body.text)
      if ('wrong' in read) return refused(400, read.wrong)
      const via = `over HTTP from ${request.socket.remoteAddress ?? 'an unknown address'}`
      const by = { name: read.order.by, via }
      return await this.#carry(desk, { workflow: target.workflow, order: read.order, by })
    } finally {
      this.#underWay -= 1
    }
  }

  #refuse(request: IncomingMessage): Answer | null {
    const { headers, method } = request
    const site = refuseRequest(headers, this.#options, { token: false })
    if (site !== null) return refused(site.status, site.reason, CLOSE)
    const crossSite = refuseCrossSite(headers)
    if (crossSite !== null) return refused(crossSite.status, crossSite.reason, CLOSE)
    const login = refuseRequest(headers, this.#options, { token: true })
    if (login !== null) {
      return refused(login.status, login.reason, { ...CLOSE, 'WWW-Authenticate': 'Bearer' })
    }
    if (accessOf(bearerOf(headers) ?? '', this.#options) !== 'operate') {
      return refused(403, 'This token only reads; orders need the operator token', CLOSE)
    }
    if (method !== 'POST') {
      return refused(405, 'An order is a POST', { ...CLOSE, Allow: 'POST' })
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

  async #carry(
    desk: SteeringDesk,
    given: { readonly workflow: string; readonly order: Order; readonly by: Orderer },
  ): Promise<Answer> {
    const { clock } = this.#options
    const done: { answer: (() => Answer) | null } = { answer: null }
    const carrying = carryOut(desk, given).then(
      ({ isChanged, words, now }) => {
        done.answer = () => json(200, { v: 1, changed: isChanged, words, now })
      },
      (error: unknown) => {
        done.answer = () => failure(error)
      },
    )
    await within(clock, WEB_LIMITS.actionMs, carrying)
    return done.answer?.() ?? refused(504, `The database did not answer in time. ${MAY_BE}`)
  }
}

const MAY_BE = 'The order may still be carried out: GET /api/rollout tells what holds'

function carryOut(
  desk: SteeringDesk,
  { workflow, order, by }: { workflow: string; order: Order; by: Orderer },
): Promise<Carried> {
  switch (order.verb) {
    case 'rollout':
      return desk.setRollout(workflow, order.rollout, by)
    case 'concurrency':
      return desk.setConcurrency(workflow, order.items, by)
    default:
      return desk[order.verb](workflow, by)
  }
}

function failure(error: unknown): Answer {
  if (error instanceof FetchyardError && error.code === 'WORKFLOW_UNKNOWN') {
    return refused(404, error.message)
  }
  if (classifyFault(error) !== 'transient') throw error
  const words = `The database does not answer: ${messageOf(error)}. ${MAY_BE}`
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
