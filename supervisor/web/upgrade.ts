import { type IncomingMessage, STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import { accessOfUpgrade, type GateOptions, type Refusal, refuseUpgrade } from './gate.js'
import type { LiveChannel } from './live-channel.js'
import { pathOf } from './requests.js'
import type { Tickets } from './tickets.js'

/** Hands a connection to the live channel, or answers why not before anything is upgraded. */
export function upgrade(call: {
  readonly request: IncomingMessage
  readonly socket: Duplex
  readonly head: Buffer
  readonly channel: LiveChannel
  readonly tickets: Tickets
  readonly gate: GateOptions
  readonly clientsMax: number
}): void {
  const { request, socket, head, channel, gate, clientsMax } = call
  const { headers, url } = request
  const name = ticketOf(url)
  const ticket = name === null ? undefined : call.tickets.take(name)
  const { clients, isClosing } = channel
  const now = { clients, clientsMax, isClosing, ...(ticket === undefined ? {} : { ticket }) }
  const refusal = refuseUpgrade(headers, gate, now)
  if (refusal !== null) refuse(socket, refusal)
  else if (pathOf(url) === '/live') {
    channel.accept(request, socket, head, ticket ?? accessOfUpgrade(headers, gate))
  } else refuse(socket, { status: 404, reason: 'The live channel is at /live' })
}

/** The ticket in the query of an address; null when there is none. */
function ticketOf(url = ''): string | null {
  const [, query = ''] = url.split('?', 2)
  return new URLSearchParams(query).get('ticket')
}

/** Answers an upgrade in plain HTTP. The socket may break meanwhile, and nobody minds. */
function refuse(
  socket: Duplex,
  refusal: { readonly status: Refusal['status'] | 404; readonly reason: string },
): void {
  const { status, reason } = refusal
  const extra =
    status === 401 ? ['WWW-Authenticate: Bearer'] : status === 429 ? ['Retry-After: 10'] : []
  socket.on('error', () => socket.destroy())
  socket.once('finish', () => socket.destroy())
  socket.end(
    [
      `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
      'Connection: close',
      'Content-Type: text/plain; charset=utf-8',
      `Content-Length: ${Buffer.byteLength(reason) + 1}`,
      ...extra,
      '',
      `${reason}\n`,
    ].join('\r\n'),
  )
}
