// What passes between a client and Postgres, read without being changed: which statement is
// executed, and when the server has answered it. Only the heads of messages are kept, so that a
// message of any size passes through bounded memory.
//
// Not followed: COPY FROM STDIN by the extended protocol, whose Sync the server ignores.

/** Bytes of a message's body that are looked at: a statement's text stands at its beginning. */
const HEAD_BYTES_MAX = 16 * 1_024
/** Postgres itself takes no longer first packet. */
const STARTUP_BYTES_MAX = 10_000
/** Named statements and portals remembered on a connection; the oldest goes first. */
const NAMES_MAX = 1_000
const TYPE_AND_LENGTH_BYTES = 5

/** Codes of first packets that ask for encryption, which the proxy declines. */
const SSL_REQUEST = 80_877_103
const GSS_REQUEST = 80_877_104

/** A piece of a chunk that belongs to one message. */
export interface WirePiece {
  /** Letter of the message. */
  readonly type: string
  readonly bytes: Buffer
  /** Beginning of the message's body, when the message ends with this piece. */
  readonly head: Buffer | null
}

/** Cuts chunks, however the network cut them, into the messages they are made of. */
export class MessageReader {
  #header = Buffer.alloc(0)
  #head: Buffer[] = []
  #headBytes = 0
  /** Bytes of the body to come; null while the header is not complete. */
  #left: number | null = null

  /** Reads on in the message that is under way. @returns how many bytes belong to it. */
  #take(bytes: Buffer): number {
    if (this.#left === null) {
      const missing = TYPE_AND_LENGTH_BYTES - this.#header.length
      const part = bytes.subarray(0, missing)
      this.#header = Buffer.concat([this.#header, part])
      if (part.length < missing) return part.length
      // The length counts itself.
      this.#left = Math.max(0, this.#header.readUInt32BE(1) - 4)
      return part.length
    }
    const part = bytes.subarray(0, this.#left)
    this.#left -= part.length
    const kept = part.subarray(0, HEAD_BYTES_MAX - this.#headBytes)
    if (kept.length > 0) this.#head.push(kept)
    this.#headBytes += kept.length
    return part.length
  }

  *split(chunk: Buffer): Generator<WirePiece> {
    let rest = chunk
    while (rest.length > 0) {
      const bytes = rest.subarray(0, this.#take(rest))
      rest = rest.subarray(bytes.length)
      const type = String.fromCharCode(this.#header[0] ?? 0)
      yield { type, bytes, head: this.#left === 0 ? this.#finish() : null }
    }
  }

  #finish(): Buffer {
    const head = Buffer.concat(this.#head)
    this.#header = Buffer.alloc(0)
    this.#head = []
    this.#headBytes = 0
    this.#left = null
    return head
  }
}

/** What became of the bytes that a client sent. */
export interface FromClient {
  /** To be sent on to the server. */
  readonly pass: Buffer
  /** To be said to the client at once. */
  readonly reply: Buffer
}

export interface ClientEvents {
  /** A statement is about to be executed; answers come in the order of the turns. */
  readonly onExecute: (text: string) => void
  /** The client ended a turn: the server will say once that it is ready again. */
  readonly onTurnEnd: () => void
}

const NOTHING = Buffer.alloc(0)

/** Follows what a client says: its first packet, then the statements it executes. */
export class ClientReader {
  readonly #events: ClientEvents
  readonly #messages = new MessageReader()
  readonly #statements = new BoundedNames()
  readonly #portals = new BoundedNames()
  #opening: Buffer | null = NOTHING

  constructor(events: ClientEvents) {
    this.#events = events
  }

  /** @throws {Error} when this cannot be a client of Postgres. */
  read(chunk: Buffer): FromClient {
    if (this.#opening !== null) return this.#readOpening(Buffer.concat([this.#opening, chunk]))
    for (const { type, head } of this.#messages.split(chunk)) {
      if (head !== null) this.#onMessage(type, head)
    }
    return { pass: chunk, reply: NOTHING }
  }

  /** The first packets have no letter. Encryption is declined, and then comes the real one. */
  #readOpening(bytes: Buffer): FromClient {
    this.#opening = bytes
    if (bytes.length < 8) return { pass: NOTHING, reply: NOTHING }
    const length = bytes.readUInt32BE(0)
    if (length < 8 || length > STARTUP_BYTES_MAX) throw new Error('not a client of Postgres')
    if (bytes.length < length) return { pass: NOTHING, reply: NOTHING }
    const code = bytes.readUInt32BE(4)
    const rest = bytes.subarray(length)
    if (code === SSL_REQUEST || code === GSS_REQUEST) {
      const next = this.#readOpening(rest)
      return { pass: next.pass, reply: Buffer.concat([Buffer.from('N'), next.reply]) }
    }
    this.#opening = null
    return {
      pass: Buffer.concat([bytes.subarray(0, length), this.read(rest).pass]),
      reply: NOTHING,
    }
  }

  #onMessage(type: string, head: Buffer): void {
    const [first = '', second = ''] = textsOf(head)
    if (type === 'P') this.#statements.set(first, second)
    else if (type === 'B') this.#portals.set(first, this.#statements.get(second))
    else if (type === 'E') this.#events.onExecute(this.#portals.get(first))
    else if (type === 'C' && first.startsWith('S')) this.#statements.delete(first.slice(1))
    else if (type === 'Q') this.#events.onExecute(first)
    // A function call is a turn of its own, too.
    if (type === 'Q' || type === 'S' || type === 'F') this.#events.onTurnEnd()
  }
}

/** The first two texts of a message's body, each ended by a zero. */
function textsOf(head: Buffer): readonly string[] {
  const end = head.indexOf(0)
  if (end === -1) return [head.toString('utf8')]
  const rest = head.subarray(end + 1)
  const second = rest.indexOf(0)
  return [
    head.toString('utf8', 0, end),
    rest.toString('utf8', 0, second === -1 ? rest.length : second),
  ]
}

class BoundedNames {
  readonly #texts = new Map<string, string>()

  get(name: string): string {
    return this.#texts.get(name) ?? ''
  }

  set(name: string, text: string): void {
    this.#texts.delete(name)
    this.#texts.set(name, text)
    const [oldest] = this.#texts.keys()
    if (this.#texts.size > NAMES_MAX && oldest !== undefined) this.#texts.delete(oldest)
  }

  delete(name: string): void {
    this.#texts.delete(name)
  }
}
