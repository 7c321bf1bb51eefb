import type { IncomingMessage, ServerResponse } from 'node:http'
import { LIVE_TOPICS } from '../../src/telemetry/live-topics.js'
import { type Answer, json, text } from './answer.js'
import type { Asset } from './assets.js'
import { LIVE_VERSION } from './frames.js'
import { type GateOptions, refuseRequest } from './gate.js'
import type { LiveSource } from './live-source.js'

export interface RequestOptions extends GateOptions {
  readonly source: LiveSource
  readonly assets: ReadonlyMap<string, Asset>
  readonly wallMs: () => number
  /** What is asked of the database at each request, by path. */
  readonly reads: Reads
}

export type Reads = ReadonlyMap<string, () => Promise<object>>

/** The page may run its own scripts and talk to its own server; nothing else, from nowhere else. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

const SECURITY_HEADERS = {
  'Content-Security-Policy': CONTENT_SECURITY_POLICY,
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
} as const

/** Decides what a request is answered. */
export async function answerRequest(
  request: Pick<IncomingMessage, 'method' | 'url' | 'headers'>,
  options: RequestOptions,
): Promise<Answer> {
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    return text(405, 'Only GET and HEAD are answered', { Allow: 'GET, HEAD' })
  }
  if (hasBody(request)) return text(413, 'A body is not accepted', { Connection: 'close' })
  const path = pathOf(request.url)
  // Probes come from schedulers that know neither token nor name, and learn one word.
  if (path === '/healthz') return json(200, { status: 'ok' })
  if (path === '/readyz') return readyAnswer(options.source)

  const asset = options.assets.get(path)
  const refusal = refuseRequest(request.headers, options, { token: asset === undefined })
  if (refusal !== null) {
    const challenge = refusal.status === 401 ? { 'WWW-Authenticate': 'Bearer' } : {}
    return text(refusal.status, refusal.reason, challenge)
  }
  if (asset !== undefined) return assetAnswer(asset, request.headers['if-none-match'])
  return dataAnswer(path, options)
}

async function dataAnswer(path: string, options: RequestOptions): Promise<Answer> {
  const { source, wallMs, reads } = options
  if (path === '/metrics') {
    const { text: body, contentType } = await source.metrics()
    return { status: 200, contentType, body }
  }
  const read = reads.get(path)
  if (read !== undefined) return json(200, { v: LIVE_VERSION, ...(await read()) })
  const topic = LIVE_TOPICS.find((name) => path === `/api/${name}`)
  if (topic === undefined) return text(404, 'There is nothing here')
  const ts = Math.round(wallMs())
  return json(200, { v: LIVE_VERSION, epoch: source.epoch, ts, topic, d: source.states()[topic] })
}

function readyAnswer(source: LiveSource): Answer {
  const readiness = source.readiness()
  return readiness.isReady
    ? json(200, { status: 'ready' })
    : json(503, { status: 'not ready', reason: readiness.reason })
}

function assetAnswer(asset: Asset, known: string | undefined): Answer {
  const headers = { ETag: asset.etag, 'Cache-Control': 'no-cache' }
  const { contentType, body } = asset
  return known === asset.etag
    ? { status: 304, contentType, body: '', headers }
    : { status: 200, contentType, body, headers }
}

function hasBody(request: Pick<IncomingMessage, 'headers'>): boolean {
  const length = request.headers['content-length'] ?? '0'
  return length !== '0' || request.headers['transfer-encoding'] !== undefined
}

/** The path without query: no answer depends on one. */
export function pathOf(url: string | undefined): string {
  return (url ?? '/').split(/[?#]/, 1)[0] ?? '/'
}

/** Writes an answer with the headers that every answer has. */
export function writeAnswer(
  request: Pick<IncomingMessage, 'method'>,
  response: ServerResponse,
  answer: Answer,
): void {
  const body = Buffer.from(answer.body)
  response.writeHead(answer.status, {
    ...SECURITY_HEADERS,
    'Cache-Control': 'no-store',
    'Content-Type': answer.contentType,
    ...(answer.status === 304 ? {} : { 'Content-Length': body.byteLength }),
    ...answer.headers,
  })
  response.end(request.method === 'HEAD' || answer.status === 304 ? undefined : body)
}
