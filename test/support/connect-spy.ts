// Stands where a socket is told to connect, below undici and TLS, and sees every address that this
// process is about to reach. Nothing leaves the machine: an address is dialled on a local server
// instead, or its connection is refused.

import { isIP, Socket } from 'node:net'

export interface ConnectSpy {
  /** What sockets were told to connect to, in order, as `address` or `[address]` with the port. */
  readonly attempts: string[]
  /** Every socket that was told to connect. */
  readonly sockets: Set<Socket>
  readonly restore: () => void
}

type Lookup = (host: string, options: object, answer: (...words: unknown[]) => void) => void

interface Dial {
  readonly host: string
  readonly port: number
  readonly lookup: Lookup | null
  readonly onConnect: unknown
}

function isLookup(value: unknown): value is Lookup {
  return typeof value === 'function'
}

function readDial([first, second]: readonly unknown[]): Dial {
  const [options, onConnect]: readonly unknown[] = Array.isArray(first) ? first : [first, second]
  if (typeof options !== 'object' || options === null) throw new Error('no options to connect by')
  const host = 'host' in options ? String(options.host) : ''
  const port = 'port' in options ? Number(options.port) : 0
  const lookup = 'lookup' in options && isLookup(options.lookup) ? options.lookup : null
  return { host, port, lookup, onConnect }
}

function addressesIn(answer: unknown): readonly string[] {
  if (!Array.isArray(answer)) return [String(answer)]
  return answer.map((one: { readonly address: string }) => one.address)
}

const refused = () => Object.assign(new Error('refused by the test'), { code: 'ECONNREFUSED' })

/**
 * Watches until `restore`. `localPort` names the local server that stands for an address; null
 * refuses the connection.
 */
export function spyOnConnections(
  localPort: (address: string, port: number) => number | null,
): ConnectSpy {
  const real = Socket.prototype.connect
  const attempts: string[] = []
  const sockets = new Set<Socket>()
  const dial = (socket: Socket, addresses: readonly string[], { port, onConnect }: Dial) => {
    for (const address of addresses) {
      attempts.push(isIP(address) === 6 ? `[${address}]:${port}` : `${address}:${port}`)
    }
    const local = localPort(addresses[0] ?? '', port)
    if (local === null) socket.destroy(refused())
    else Reflect.apply(real, socket, [{ host: '127.0.0.1', port: local }, onConnect])
  }
  const connect = function (this: Socket, ...words: readonly unknown[]): Socket {
    sockets.add(this)
    const order = readDial(words)
    if (isIP(order.host) !== 0) dial(this, [order.host], order)
    else if (order.lookup === null) attempts.push(`unguarded ${order.host}`)
    else {
      order.lookup(order.host, { all: true }, (error, answer) => {
        if (error instanceof Error) this.destroy(error)
        else dial(this, addressesIn(answer), order)
      })
    }
    return this
  }
  Object.assign(Socket.prototype, { connect })
  return {
    attempts,
    sockets,
    restore: () => void Object.assign(Socket.prototype, { connect: real }),
  }
}
