// The referee: a server on loopback that is slow, fails and breaks off as the seed says, and writes
// down every request with the item, lease and attempt it was made for. Whatever the tables say
// about who fetched what and how often, this log was written by the other side.

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { seededRandom } from '../../src/core/random.js'

export interface OriginCall {
  readonly key: string
  readonly leaseId: string
  readonly attempt: number
  /** Name of the handler's run: a request that was sent twice over the wire has the same. */
  readonly call: string
  /** Process, and thread, that asked. */
  readonly who: string
  /** How many times this key was asked for, this time included. */
  readonly visit: number
  /** `answered`: a whole page was handed over. `failed`: an error, on purpose. */
  state: 'open' | 'answered' | 'failed' | 'dropped'
}

export interface Referee {
  readonly urlOf: (key: string) => string
  readonly calls: readonly OriginCall[]
  readonly close: () => Promise<void>
}

export type Behaviour =
  | { readonly do: 'answer'; readonly afterMs: number }
  | { readonly do: 'status'; readonly status: number; readonly retryAfterS?: number }
  | { readonly do: 'reset' }

/** Keys of items that are faults themselves. */
export const MISDEED_PREFIX = 'misdeed-'

/** What an item's page does, on each of its visits. Pure, and the same for the same seed. */
export function behaviourOf(seed: number, key: string, visit: number): Behaviour {
  const random = seededRandom(seed ^ hashOf(key))
  const lot = random.next()
  const afterMs = Math.round(50 + random.next() ** 3 * 900)
  // Nothing comes between an item that is a fault and its deed.
  if (key.startsWith(MISDEED_PREFIX)) return { do: 'answer', afterMs: 0 }
  if (lot < 0.02) return { do: 'status', status: 404 }
  if (lot < 0.03) return { do: 'status', status: 503 }
  if (visit > 1 || lot >= 0.12) return { do: 'answer', afterMs }
  if (lot < 0.07) return { do: 'status', status: 503 }
  if (lot < 0.09) return { do: 'status', status: 429, retryAfterS: 1 }
  return { do: 'reset' }
}

/** FNV-1a: a number for a word, the same on every machine. */
function hashOf(word: string): number {
  let hash = 0x811c9dc5
  for (const character of word) {
    hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x01000193)
  }
  return hash >>> 0
}

/** What is served under a key: the page names its key and the visit. */
export const pageOf = (key: string, visit: number) => `page of ${key}, visit ${visit}`

export async function startReferee(seed: number): Promise<Referee> {
  const calls: OriginCall[] = []
  const visits = new Map<string, number>()
  const sockets = new Set<Socket>()
  const server = createServer((request, response) => {
    // It has no robots.txt: that is no page, and not what is reckoned.
    if (request.url === '/robots.txt') return void response.writeHead(404).end()
    const call = readCall(request, visits)
    calls.push(call)
    response.once('close', () => {
      if (call.state === 'open') call.state = response.writableFinished ? 'answered' : 'dropped'
    })
    behave(behaviourOf(seed, call.key, call.visit), call, response)
  })
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const port = typeof address === 'object' ? address?.port : 0
  return {
    urlOf: (key) => `http://127.0.0.1:${port}/page?key=${encodeURIComponent(key)}`,
    calls,
    close: () => {
      for (const socket of sockets) socket.destroy()
      return new Promise((resolve) => server.close(() => resolve()))
    },
  }
}

function readCall(request: IncomingMessage, visits: Map<string, number>): OriginCall {
  const query = new URL(request.url ?? '/', 'http://origin.invalid').searchParams
  const key = query.get('key') ?? ''
  const visit = (visits.get(key) ?? 0) + 1
  visits.set(key, visit)
  return {
    key,
    leaseId: query.get('lease') ?? '',
    attempt: Number(query.get('attempt') ?? 0),
    call: query.get('call') ?? '',
    who: query.get('who') ?? '',
    visit,
    state: 'open',
  }
}

function behave(behaviour: Behaviour, call: OriginCall, response: ServerResponse): void {
  if (behaviour.do === 'answer') {
    setTimeout(() => {
      response.writeHead(200, { 'content-type': 'text/plain; charset=utf-8' })
      response.end(pageOf(call.key, call.visit))
    }, behaviour.afterMs)
    return
  }
  call.state = 'failed'
  if (behaviour.do === 'reset') response.socket?.resetAndDestroy()
  else {
    const wait = behaviour.retryAfterS
    response.writeHead(behaviour.status, wait === undefined ? {} : { 'retry-after': `${wait}` })
    response.end()
  }
}
