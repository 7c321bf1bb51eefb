// What the simulated API finds at a target: the page of a server on this machine, or a page made up
// for a host that does not exist. It never leaves the machine.

import type { IncomingMessage } from 'node:http'
import { request as httpRequest } from 'node:http'

export interface FoundPage {
  readonly status: number
  readonly url: string
  readonly contentType: string
  readonly body: Buffer
}

const BODY_BYTES_MAX = 10 * 1_048_576
const REDIRECTS_MAX = 10
const LOCAL = /^(127\.\d+\.\d+\.\d+|localhost|[\w-]+(\.[\w-]+)*\.localhost)$/

/** A target that this machine serves itself; only those are really fetched. */
export const isLocal = (target: URL) => target.protocol === 'http:' && LOCAL.test(target.hostname)

/** A page for a host that nobody serves: a business with one address. */
export function makeUpPage(target: URL): FoundPage {
  const name = target.hostname.replaceAll(/[^a-z0-9.-]/g, '')
  const html =
    `<!DOCTYPE html><html lang="en"><title>${name}</title><h1>Welcome to ${name}</h1>` +
    `<p>Write to <a href="mailto:hello@${name}">us</a>; we also serve crème brûlée.</p></html>`
  const status = target.pathname === '/missing' ? 404 : 200
  return {
    status,
    url: target.href,
    contentType: 'text/html; charset=utf-8',
    body: Buffer.from(html),
  }
}

/** Fetches a local page, redirects included. Rejects when there is no whole answer. */
export async function fetchLocal(
  target: URL,
  options: {
    readonly abortSignal: AbortSignal
    readonly headers: { readonly [name: string]: string }
  },
): Promise<FoundPage> {
  let url = target
  for (let hop = 0; hop <= REDIRECTS_MAX; hop += 1) {
    const found = await fetchOnce(url, options)
    const { location } = found
    if (location === null) return found
    url = new URL(location, url)
    if (!isLocal(url)) return makeUpPage(url)
  }
  throw new Error('too many redirects')
}

function fetchOnce(
  url: URL,
  { abortSignal, headers }: Parameters<typeof fetchLocal>[1],
): Promise<FoundPage & { readonly location: string | null }> {
  return new Promise((resolve, reject) => {
    // Names below localhost are this machine by definition and need no look-up.
    const { port, pathname, search, host } = url
    const asked = httpRequest(
      { host: '127.0.0.1', port, path: `${pathname}${search}`, headers: { ...headers, host } },
      (response) => collect(response, url).then(resolve, reject),
    )
    const onAbort = () => asked.destroy(new Error('the call was given up'))
    abortSignal.addEventListener('abort', onAbort, { once: true })
    asked.once('close', () => abortSignal.removeEventListener('abort', onAbort))
    asked.once('error', reject)
    if (abortSignal.aborted) onAbort()
    asked.end()
  })
}

async function collect(response: IncomingMessage, url: URL) {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of response) {
    const piece: Buffer = chunk
    bytes += piece.length
    if (bytes > BODY_BYTES_MAX) throw new Error('the body is too large')
    chunks.push(piece)
  }
  if (!response.complete) throw new Error('the body broke off')
  const status = response.statusCode ?? 0
  const isRedirect = status >= 300 && status < 400
  return {
    status,
    url: url.href,
    contentType: response.headers['content-type'] ?? '',
    body: Buffer.concat(chunks),
    location: isRedirect ? (response.headers.location ?? null) : null,
  }
}
