// A site of its own host: loopback has more addresses than one. It serves a robots.txt, or not, and
// remembers what it was asked.

import { createServer, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

export type Answer = (response: ServerResponse) => void

export interface Site {
  readonly origin: string
  /** Paths in the order in which they were asked for. */
  readonly asked: readonly string[]
  readonly timesAsked: (path: string) => number
  /** Requests that are open, and the most that ever were. */
  readonly openMax: () => number
  /** How a path is answered from now on; unknown paths are pages. */
  readonly serve: (path: string, answer: Answer) => void
  /** Time until an answer, in milliseconds. */
  readonly setLatency: (latencyMs: number) => void
  readonly close: () => Promise<void>
}

export const text =
  (body: string, headers: Record<string, string> = {}): Answer =>
  (response) =>
    response.writeHead(200, { 'content-type': 'text/plain', ...headers }).end(body)

export const status =
  (code: number, headers: Record<string, string> = {}): Answer =>
  (response) =>
    response.writeHead(code, headers).end()

export const moved = (location: string): Answer => status(302, { location })

/** @param host an address of 127.0.0.0/8. @param port 0: a free one. */
export async function startSite(host = '127.0.0.1', port = 0): Promise<Site> {
  const asked: string[] = []
  const answers = new Map<string, Answer>()
  const sockets = new Set<Socket>()
  let open = 0
  let openMax = 0
  let latencyMs = 0
  const server = createServer((request, response) => {
    const path = request.url ?? ''
    asked.push(path)
    open += 1
    openMax = Math.max(open, openMax)
    response.once('close', () => {
      open -= 1
    })
    const answer =
      answers.get(path) ?? (path === '/robots.txt' ? status(404) : text(`page ${path}`))
    if (latencyMs === 0) answer(response)
    else setTimeout(() => answer(response), latencyMs)
  })
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  await new Promise<void>((resolve) => server.listen(port, host, resolve))
  const address = server.address()
  const found = typeof address === 'object' && address !== null ? address.port : 0
  return {
    origin: `http://${host}:${found}`,
    asked,
    timesAsked: (path) => asked.filter((one) => one === path).length,
    openMax: () => openMax,
    serve: (path, answer) => void answers.set(path, answer),
    setLatency: (ms) => {
      latencyMs = ms
    },
    close: () => {
      for (const socket of sockets) socket.destroy()
      return new Promise((resolve) => server.close(() => resolve()))
    },
  }
}
