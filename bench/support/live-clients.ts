// Many clients of the live channel at once, some of which never read what they are sent.

import { WebSocket } from 'ws'
import { LIVE_TOPICS } from '../../src/telemetry/live-topics.js'
import { SUBPROTOCOL } from '../../supervisor/web/frames.js'

export interface LiveClients {
  /** Frames and bytes that those who read have got, and the frames of the one who got fewest. */
  readonly got: () => { readonly frames: number; readonly bytes: number; readonly fewest: number }
  /** Those that the supervisor has cut off. */
  readonly cutOff: () => number
  readonly close: () => Promise<void>
}

interface Client {
  readonly socket: WebSocket
  readonly isReading: boolean
  frames: number
  bytes: number
}

/** Connects and subscribes them all to every topic, once a second. */
export async function connectClients(of: {
  readonly port: number
  readonly token: string
  readonly clients: number
  /** How many of them do not read. */
  readonly stuck: number
}): Promise<LiveClients> {
  const { port, token, clients, stuck } = of
  let isClosing = false
  let cutOff = 0
  const all = await Promise.all(
    Array.from({ length: clients }, async (_, index): Promise<Client> => {
      const client = { socket: open(port, token), isReading: index >= stuck, frames: 0, bytes: 0 }
      const { socket } = client
      socket.on('message', (data: Buffer) => {
        client.frames += 1
        client.bytes += data.byteLength
      })
      socket.on('close', () => {
        if (!isClosing) cutOff += 1
      })
      await new Promise((resolve, reject) => {
        socket.once('open', resolve)
        socket.once('error', reject)
      })
      socket.on('error', () => {})
      socket.send(JSON.stringify({ t: 'sub', topics: LIVE_TOPICS, hz: 1 }))
      if (!client.isReading) socket.pause()
      return client
    }),
  )
  const readers = all.filter(({ isReading }) => isReading)
  return {
    got: () => ({
      frames: readers.reduce((sum, { frames }) => sum + frames, 0),
      bytes: readers.reduce((sum, { bytes }) => sum + bytes, 0),
      fewest: Math.min(...readers.map(({ frames }) => frames)),
    }),
    cutOff: () => cutOff,
    close: async () => {
      isClosing = true
      await Promise.all(all.map(({ socket }) => ended(socket)))
    },
  }
}

function open(port: number, token: string): WebSocket {
  return new WebSocket(`ws://127.0.0.1:${port}/live`, [SUBPROTOCOL], {
    headers: { authorization: `Bearer ${token}` },
    perMessageDeflate: false,
  })
}

function ended(socket: WebSocket): Promise<void> {
  if (socket.readyState === WebSocket.CLOSED) return Promise.resolve()
  return new Promise((resolve) => {
    socket.once('close', () => resolve())
    socket.terminate()
  })
}
