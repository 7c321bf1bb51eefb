import { expect } from 'chai'
import { type ClientOptions, WebSocket } from 'ws'
import { SUBPROTOCOL } from '../../../supervisor/web/frames.js'
import { TOKEN } from './yard.js'

/** A frame as a test looks at it. */
export type Frame = { readonly t: string; readonly topic?: string; readonly seq?: number } & {
  readonly [field: string]: unknown
}

/** A client that hands out frames one by one, in order. */
export interface LiveSocket {
  readonly socket: WebSocket
  /** The next frame; waits for it. */
  readonly next: () => Promise<Frame>
  readonly say: (message: unknown) => void
  /** Code and reason of the close. */
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>
}

export async function openSocket(
  port: number,
  options: ClientOptions = {},
  path = '/live',
): Promise<LiveSocket> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`, [SUBPROTOCOL], {
    headers: { authorization: `Bearer ${TOKEN}` },
    ...options,
  })
  const frames: Frame[] = []
  const waiting: ((frame: Frame) => void)[] = []
  socket.on('message', (data) => {
    const frame: Frame = JSON.parse(String(data))
    const take = waiting.shift()
    if (take === undefined) frames.push(frame)
    else take(frame)
  })
  const closed = new Promise<{ code: number; reason: string }>((resolve) => {
    socket.on('close', (code, reason) => resolve({ code, reason: String(reason) }))
  })
  await new Promise<void>((resolve, reject) => {
    socket.once('open', resolve)
    socket.once('error', reject)
  })
  socket.on('error', () => {})
  return {
    socket,
    closed,
    say: (message) => socket.send(typeof message === 'string' ? message : JSON.stringify(message)),
    next: () => {
      const frame = frames.shift()
      return frame === undefined
        ? new Promise((resolve) => waiting.push(resolve))
        : Promise.resolve(frame)
    },
  }
}

/** Opens a client, passes its greeting and subscribes. */
export async function subscribe(
  port: number,
  topics: readonly string[],
  hz?: number,
): Promise<LiveSocket> {
  const client = await openSocket(port)
  expect((await client.next()).t).to.equal('hello')
  client.say({ t: 'sub', topics, ...(hz === undefined ? {} : { hz }) })
  return client
}

/** Status with which an upgrade was refused, or 101. */
export function upgradeStatus(
  port: number,
  given: { readonly path?: string; readonly protocols?: string[]; readonly headers?: object },
): Promise<number> {
  const { path = '/live', protocols = [SUBPROTOCOL], headers = {} } = given
  const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`, protocols, {
    headers: { ...headers },
  })
  return new Promise((resolve) => {
    socket.on('error', () => {})
    socket.on('open', () => {
      resolve(101)
      socket.terminate()
    })
    socket.on('unexpected-response', (request, response) => {
      resolve(response.statusCode ?? 0)
      request.destroy()
    })
  })
}
