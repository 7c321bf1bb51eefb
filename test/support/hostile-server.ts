// A server that misbehaves on purpose, byte by byte: one path, one misdeed. It speaks over bare
// sockets, since an honest HTTP library refuses to send most of this.

import { createServer, type Server, type Socket } from 'node:net'
import { BEHAVIOURS, type HostileRequest } from './hostile-behaviours.js'

export interface HostileServer {
  readonly origin: string
  readonly port: number
  /** Requests in the order they came, with the number of their connection. */
  readonly requests: readonly HostileRequest[]
  /** Connections accepted so far, and open now. */
  readonly connections: () => { readonly accepted: number; readonly open: number }
  /** Settles when the n-th request has arrived. */
  readonly requestArrived: (n: number) => Promise<HostileRequest>
  readonly close: () => Promise<void>
}

interface State {
  readonly requests: HostileRequest[]
  readonly sockets: Set<Socket>
  readonly listeners: Set<() => void>
  accepted: number
}

/** Starts the server on a free port of 127.0.0.1. */
export async function startHostileServer(): Promise<HostileServer> {
  const state: State = { requests: [], sockets: new Set(), listeners: new Set(), accepted: 0 }
  const server = createServer((socket) => onConnection(socket, state))
  const port = await listen(server)
  return {
    origin: `http://127.0.0.1:${port}`,
    port,
    requests: state.requests,
    connections: () => ({ accepted: state.accepted, open: state.sockets.size }),
    requestArrived: (n) => requestArrived(state, n),
    close: () => {
      for (const socket of state.sockets) socket.destroy()
      return new Promise((resolve) => server.close(() => resolve()))
    },
  }
}

function listen(server: Server): Promise<number> {
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      resolve(typeof address === 'object' && address !== null ? address.port : 0)
    })
  })
}

function onConnection(socket: Socket, state: State): void {
  state.accepted += 1
  const connection = state.accepted
  state.sockets.add(socket)
  let received = ''
  let answered = 0
  socket.on('error', () => {})
  socket.on('close', () => state.sockets.delete(socket))
  socket.setNoDelay(true)
  socket.on('data', (chunk) => {
    // A TLS handshake begins with 22; real servers answer it in plain words too.
    if (chunk[0] === 22) socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')
    received += chunk.toString('latin1')
    for (;;) {
      const end = received.indexOf('\r\n\r\n')
      if (end < 0) return
      const head = received.slice(0, end)
      received = received.slice(end + 4)
      answered += 1
      answer(socket, readRequest(head, connection, answered), state)
    }
  })
}

function readRequest(head: string, connection: number, onConnectionCount: number): HostileRequest {
  const path = head.split(' ')[1] ?? '/'
  return { path, head, connection, onConnectionCount }
}

function answer(socket: Socket, request: HostileRequest, state: State): void {
  state.requests.push(request)
  for (const listener of state.listeners) listener()
  const name = /^\/([a-z0-9-]*)/.exec(request.path)?.[1] ?? ''
  const behave = BEHAVIOURS[name]
  if (behave === undefined) socket.end('HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n')
  else behave(socket, request)
}

function requestArrived(state: State, n: number): Promise<HostileRequest> {
  return new Promise((resolve) => {
    const look = () => {
      const request = state.requests[n - 1]
      if (request === undefined) return
      state.listeners.delete(look)
      resolve(request)
    }
    state.listeners.add(look)
    look()
  })
}
