import { type IncomingHttpHeaders, request } from 'node:http'
import { brotliDecompressSync, gunzipSync, inflateSync } from 'node:zlib'
import iconv from 'iconv-lite'
import type { Clock } from '../../../src/core/clock.js'
import { hasCode } from '../../../src/core/errors.js'
import {
  type DemoSite,
  type DemoSiteOptions,
  startDemoSite,
} from '../../../supervisor/demo/site/demo-site.js'

export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
}

/** A clock on which every timer is due at once, in the order in which they were set. */
const hastyClock: Clock = {
  nowMs: () => 0,
  wallMs: () => 0,
  setTimer: (_delayMs, fire) => {
    const immediate = setImmediate(fire)
    return () => clearImmediate(immediate)
  },
}

export interface HeldClock extends Clock {
  /** Timers that wait. */
  readonly held: () => number
  /** Fires all of them. */
  readonly release: () => void
}

/** A clock on which no timer is due before the test says so. */
export function makeHeldClock(): HeldClock {
  const timers = new Set<() => void>()
  return {
    nowMs: () => 0,
    wallMs: () => 0,
    setTimer: (_delayMs, fire) => {
      timers.add(fire)
      return () => timers.delete(fire)
    },
    held: () => timers.size,
    release: () => {
      const due = [...timers]
      timers.clear()
      for (const fire of due) fire()
    },
  }
}

/** A demo site without latencies, closed after the block it is declared in. */
export function useDemoSite(options: DemoSiteOptions = {}): { readonly site: () => DemoSite } {
  let started: DemoSite | undefined
  before(async () => {
    started = await startDemoSite({ clock: hastyClock, ...options })
  })
  after(async () => {
    await started?.close()
  })
  return {
    site: () => {
      if (started === undefined) throw new Error('the demo site is not started yet')
      return started
    },
  }
}

/** One GET, without redirects. Host names are not resolved: all of the demo is on loopback. */
export function get(
  url: string,
  options: { readonly acceptEncoding?: string; readonly abortSignal?: AbortSignal } = {},
): Promise<Answer> {
  const { host, port, pathname, search } = new URL(url)
  const headers = { host, 'accept-encoding': options.acceptEncoding ?? 'gzip, deflate, br' }
  return new Promise((resolve, reject) => {
    const call = request({
      host: '127.0.0.1',
      port,
      path: `${pathname}${search}`,
      headers,
      agent: false,
      ...(options.abortSignal === undefined ? {} : { signal: options.abortSignal }),
    })
    call.on('error', reject)
    call.on('response', (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', reject)
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          body: Buffer.concat(chunks),
        }),
      )
    })
    call.end()
  })
}

/** The body without its content coding. */
export function decompressed({ headers, body }: Answer): Buffer {
  switch (headers['content-encoding']) {
    case undefined:
      return body
    case 'gzip':
      return gunzipSync(body)
    case 'deflate':
      return inflateSync(body)
    case 'br':
      return brotliDecompressSync(body)
    default:
      throw new Error(`no such coding: ${headers['content-encoding']}`)
  }
}

/** Reads the way a browser does: byte order mark, header, declaration in the page. */
export function decode(answer: Answer): string {
  const body = decompressed(answer)
  const contentType = answer.headers['content-type'] ?? ''
  const head = body.toString('latin1', 0, 1024)
  const bom =
    (body.readUInt16BE(0) === 0xfffe && 'utf-16le') ||
    (body.readUInt16BE(0) === 0xfeff && 'utf-16be') ||
    (head.startsWith('\xef\xbb\xbf') && 'utf-8')
  const declared =
    /charset="?([\w-]+)/.exec(contentType)?.[1] ?? /charset="?([\w-]+)/.exec(head)?.[1]
  const label = bom || declared || 'none'
  return iconv.decode(body, label === 'iso-8859-1' ? 'windows-1252' : label)
}

/** Far more turns of the event loop than an exchange on loopback takes. */
const TURNS_MAX = 1_000_000

/** Resolves when the condition holds, which something under way must bring about. */
export async function until(condition: () => boolean): Promise<void> {
  for (let turn = 0; !condition(); turn += 1) {
    if (turn === TURNS_MAX) throw new Error('nothing brought the condition about')
    await new Promise((resolve) => setImmediate(resolve))
  }
}

/**
 * One GET by a visitor who leaves as soon as the site has decided to let it hang. Nobody else may
 * ask for a page that hangs meanwhile.
 */
export async function getOrLeave(site: DemoSite, url: string): Promise<Answer | 'left'> {
  const leaving = new AbortController()
  const hangsBefore = site.stats().byBehaviour.hang ?? 0
  let isOver = false
  const call = get(url, { abortSignal: leaving.signal })
    .catch((error: unknown) => {
      if (hasCode(error, 'ABORT_ERR')) return 'left' as const
      throw error
    })
    .finally(() => {
      isOver = true
    })
  // The rejection is the caller's; until then nobody awaits the call.
  call.catch(() => {})
  await until(() => isOver || (site.stats().byBehaviour.hang ?? 0) > hangsBefore)
  leaving.abort()
  return call
}
