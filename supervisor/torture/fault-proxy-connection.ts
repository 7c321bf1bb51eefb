// One connection through the proxy: a client, the database's end of it once the client has said
// its first word, and the faults in between.

import type { Socket } from 'node:net'
import type { DropOrders } from './fault-proxy-answers.js'
import { AnswerWatch } from './fault-proxy-answers.js'
import type { Brake } from './fault-proxy-lane.js'
import { runLane, writeAll } from './fault-proxy-lane.js'
import type { Upstream } from './fault-proxy-upstream.js'
import { openUpstream } from './fault-proxy-upstream.js'
import { ClientReader } from './pg-wire.js'

/** How a connection is cut: `reset` as by a firewall, `end` as by a server process that went. */
export type CutWay = 'reset' | 'end'

export interface ConnectionDeps {
  readonly client: Socket
  readonly upstream: Upstream
  readonly brake: Brake
  readonly orders: DropOrders
  /** Bytes from the server until it is cut; null for never. */
  readonly bytesLeft: number | null
  readonly onBytes: (count: number) => void
  readonly onAnswerDropped: () => void
  readonly onCut: () => void
  /** Both ends are gone. */
  readonly onGone: () => void
}

export class FaultyConnection {
  readonly #deps: ConnectionDeps
  readonly #answers: AnswerWatch
  readonly #reader: ClientReader
  readonly #abort = new AbortController()
  #server: Socket | null = null
  #bytesLeft: number | null
  #isGone = false

  constructor(deps: ConnectionDeps) {
    this.#deps = deps
    this.#bytesLeft = deps.bytesLeft
    this.#answers = new AnswerWatch(deps.orders)
    this.#reader = new ClientReader(this.#answers)
    const { client, brake } = deps
    client.setNoDelay(true)
    client.on('error', () => {})
    client.on('close', () => this.#noteGone())
    runLane({
      source: client,
      brake,
      abortSignal: this.#abort.signal,
      onBytes: (bytes) => this.#fromClient(bytes),
      onEnd: () => this.#server?.end(),
      onClose: () => this.#leave(),
    })
  }

  cutAfter(bytes: number | null): void {
    this.#bytesLeft = bytes
  }

  /** Cuts both ends now. @returns false when there was nothing left to cut. */
  cut(way: CutWay): boolean {
    if (this.#abort.signal.aborted) return false
    this.#abort.abort()
    this.#deps.onCut()
    // An end lets the bytes that were passed on arrive; a reset may overtake them.
    if (way === 'end') this.#deps.client.destroySoon()
    else this.#deps.client.resetAndDestroy()
    this.#close()
    return true
  }

  /** Ends without a fault: the proxy closes. */
  destroy(): void {
    this.#abort.abort()
    this.#deps.client.destroy()
    this.#close()
  }

  async #fromClient(bytes: Buffer): Promise<void> {
    const { client, onBytes } = this.#deps
    try {
      const { pass, reply } = this.#reader.read(bytes)
      await writeAll(client, reply)
      if (pass.length === 0) return
      const server = this.#server ?? (await this.#reach())
      onBytes(pass.length)
      await writeAll(server, pass)
    } catch {
      // The database is away or the client is none of Postgres: it sees a reset, as from a server
      // that is down, and that is no fault of ours.
      this.#leave()
    }
  }

  async #reach(): Promise<Socket> {
    const server = await openUpstream(this.#deps.upstream)
    this.#server = server
    if (this.#abort.signal.aborted) {
      server.destroy()
      throw new Error('cut while it was made')
    }
    server.on('close', () => this.#noteGone())
    runLane({
      source: server,
      brake: this.#deps.brake,
      abortSignal: this.#abort.signal,
      onBytes: (bytes) => this.#fromServer(bytes),
      onEnd: () => this.#deps.client.end(),
      onClose: () => this.#leave(),
    })
    server.resume()
    return server
  }

  async #fromServer(bytes: Buffer): Promise<void> {
    const { pass, isLost } = this.#answers.read(bytes)
    const allowed = pass.subarray(0, this.#bytesLeft ?? pass.length)
    if (this.#bytesLeft !== null) this.#bytesLeft -= allowed.length
    this.#deps.onBytes(allowed.length)
    await writeAll(this.#deps.client, allowed)
    if (isLost) this.#deps.onAnswerDropped()
    if (isLost || this.#bytesLeft === 0) this.cut('end')
  }

  /** One end is gone: the other follows. */
  #leave(): void {
    this.#abort.abort()
    const { client } = this.#deps
    if (this.#server === null) client.resetAndDestroy()
    else client.destroySoon()
    this.#close()
  }

  #close(): void {
    this.#answers.end()
    this.#server?.destroy()
    this.#noteGone()
  }

  #noteGone(): void {
    const isServerGone = this.#server === null || this.#server.destroyed
    if (this.#isGone || !this.#deps.client.destroyed || !isServerGone) return
    this.#isGone = true
    this.#deps.onGone()
  }
}
