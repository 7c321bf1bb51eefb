// A site that gives out documents behind a login, as such sites do: with a token in its form,
// sessions that end, a list in pages, three ways to a file, and faults by a plan. It remembers
// what it was asked, so that nobody has to believe the other side.

import { randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { documentPage, inventoryPage, loginPage } from './pages.js'
import { pdfOf } from './pdf.js'
import { CALM, type Fault, indexOf, type SitePlan, wayOf } from './plan.js'

export const USER = 'archive'
export const PASSWORD = 'not a secret'

interface Session {
  isLoggedIn: boolean
  requests: number
}

export interface DocumentSite {
  readonly origin: string
  /** Files that were handed over in whole, by reference. */
  readonly served: ReadonlyMap<string, number>
  readonly logins: () => number
  readonly refusedLogins: () => number
  readonly requestsOf: (path: RegExp) => number
  /** Requests that are open now, and the most that ever were. */
  readonly activeMax: () => number
  readonly setPassword: (password: string) => void
  readonly close: () => Promise<void>
}

export async function startDocumentSite(plan: Partial<SitePlan> = {}): Promise<DocumentSite> {
  const site = new Site({ ...CALM, ...plan })
  await site.listen()
  return site
}

type Answer = (request: IncomingMessage, response: ServerResponse, name: string) => unknown

class Site implements DocumentSite {
  readonly #plan: SitePlan
  readonly #server = createServer((request, response) => {
    // A browser that is killed in the middle of a form is none of the site's troubles.
    this.#on(request, response).catch(() => response.destroy())
  })
  readonly #sessions = new Map<string, Session>()
  readonly #visits = new Map<string, number>()
  readonly #made = new Map<string, number>()
  readonly #paths: string[] = []
  readonly served = new Map<string, number>()
  #logins = 0
  #refused = 0
  #active = 0
  #activeMax = 0
  #password = PASSWORD
  origin = ''

  constructor(plan: SitePlan) {
    this.#plan = plan
  }

  readonly logins = () => this.#logins
  readonly refusedLogins = () => this.#refused
  readonly requestsOf = (path: RegExp) => this.#paths.filter((one) => path.test(one)).length
  readonly activeMax = () => this.#activeMax
  readonly setPassword = (password: string) => {
    this.#password = password
  }

  listen(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.listen(0, '127.0.0.1', () => {
        const { port } = this.#server.address() as AddressInfo
        this.origin = `http://127.0.0.1:${port}`
        resolve()
      })
    })
  }

  close(): Promise<void> {
    this.#server.closeAllConnections()
    return new Promise((resolve) => this.#server.close(() => resolve()))
  }

  readonly #routes: { readonly [folder: string]: Answer } = {
    inventory: (request, response) => {
      const number = Number(new URL(request.url ?? '', this.origin).searchParams.get('page') ?? 1)
      html(response, inventoryPage(number, this.#plan))
    },
    documents: (request, response, name) => this.#onDocument(request, response, name),
    files: (_, response, name) => this.#onFile(response, name, 'attachment'),
    view: (_, response, name) => this.#onFile(response, name, 'inline'),
    generate: (_, response, name) => {
      this.#made.set(name, Date.now() + this.#plan.generationMs)
      response.end()
    },
    state: (_, response, name) => {
      const isReady = (this.#made.get(name) ?? Number.POSITIVE_INFINITY) <= Date.now()
      response.end(isReady ? 'ready' : 'wait')
    },
    furniture: (_, response) => response.end('x'.repeat(20_000)),
  }

  async #on(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.#active += 1
    this.#activeMax = Math.max(this.#activeMax, this.#active)
    response.once('close', () => {
      this.#active -= 1
    })
    const { pathname } = new URL(request.url ?? '/', this.origin)
    this.#paths.push(pathname)
    if (this.#plan.latencyMs > 0) {
      await new Promise((resolve) => setTimeout(resolve, this.#plan.latencyMs))
    }
    const session = this.#sessionOf(request, response)
    const [, folder = '', name = ''] = pathname.split('/')
    if (folder === 'login') return this.#onLogin(request, response, session)
    const route = this.#routes[folder]
    if (route === undefined) return end(response, 404)
    session.requests += 1
    const isOver = session.requests > (this.#plan.sessionRequestsMax ?? Number.POSITIVE_INFINITY)
    if (isOver) session.isLoggedIn = false
    if (!session.isLoggedIn) return void response.writeHead(302, { location: '/login' }).end()
    route(request, response, decodeURIComponent(name))
  }

  #sessionOf(request: IncomingMessage, response: ServerResponse): Session {
    const id = /(?:^|; )sid=(\w+)/.exec(request.headers.cookie ?? '')?.[1] ?? ''
    const known = this.#sessions.get(id)
    if (known !== undefined) return known
    const made = { isLoggedIn: false, requests: 0 }
    const newId = randomBytes(8).toString('hex')
    this.#sessions.set(newId, made)
    response.setHeader('set-cookie', `sid=${newId}; Path=/; HttpOnly`)
    return made
  }

  async #onLogin(request: IncomingMessage, response: ServerResponse, session: Session) {
    // The token is the session's own: a form of another session is not taken.
    const token = [...this.#sessions].find(([, one]) => one === session)?.[0] ?? ''
    if (request.method !== 'POST') return html(response, loginPage(token, ''))
    const pieces: Buffer[] = []
    for await (const piece of request) pieces.push(piece)
    const form = new URLSearchParams(Buffer.concat(pieces).toString())
    if (form.get('csrf') !== token) return html(response, loginPage(token, 'The form is too old.'))
    if (form.get('user') !== USER || form.get('password') !== this.#password) {
      this.#refused += 1
      return html(response, loginPage(token, 'Wrong user or password.'))
    }
    this.#logins += 1
    session.isLoggedIn = true
    session.requests = 0
    return void response.writeHead(303, { location: '/inventory' }).end()
  }

  #onDocument(_: IncomingMessage, response: ServerResponse, name: string): void {
    const index = indexOf(name)
    if (index < 0 || index >= this.#plan.documents) return end(response, 404)
    const fault = this.#faultNow(`page ${name}`, index)
    if (fault === 'error') return end(response, 500)
    if (fault === 'limited') return void response.writeHead(429, { 'retry-after': '1' }).end()
    // Answers never; whoever waits has to know when to give up.
    if (fault === 'hang') return
    if (fault === 'expired') {
      for (const session of this.#sessions.values()) session.isLoggedIn = false
      return void response.writeHead(302, { location: '/login' }).end()
    }
    const { hasDialog, crashes } = { hasDialog: fault === 'dialog', crashes: fault === 'crash' }
    html(response, documentPage(name, wayOf(index), { plan: this.#plan, hasDialog, crashes }))
  }

  #faultNow(what: string, index: number): Fault | null {
    const visit = (this.#visits.get(what) ?? 0) + 1
    this.#visits.set(what, visit)
    return visit === 1 ? this.#plan.faultOf(index) : null
  }

  #onFile(response: ServerResponse, name: string, disposition: string): void {
    const index = indexOf(name)
    const fault = this.#faultNow(`file ${name}`, index)
    const body = pdfOf(name, this.#plan.bytes)
    if (fault === 'html') return html(response, '<!doctype html><p>Sorry, later.</p>')
    response.setHeader('content-type', 'application/pdf')
    response.setHeader('content-disposition', `${disposition}; filename="${name}.pdf"`)
    if (fault === 'truncated' || this.#plan.isLost(index)) {
      response.end(body.subarray(0, body.length >> 1))
      return
    }
    response.end(body, () => this.served.set(name, (this.served.get(name) ?? 0) + 1))
  }
}

function html(response: ServerResponse, text: string): void {
  response.setHeader('content-type', 'text/html; charset=utf-8')
  response.end(text)
}

function end(response: ServerResponse, status: number): void {
  response.writeHead(status, { 'content-type': 'text/plain' }).end(`status ${status}`)
}
