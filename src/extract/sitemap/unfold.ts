import { Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'

/** Layers of gzip in each other: some servers pack what is packed already. */
const LAYERS_MAX = 3
const CHUNK = { chunkSize: 64 * 1_024 }

/**
 * Bytes, unfolded when they are gzip. Told by the first of them: what a server says about a file,
 * and how the file is called, is wrong too often.
 */
export async function* unfold(
  source: AsyncIterable<Buffer>,
  layer = 0,
): AsyncGenerator<Buffer, void, undefined> {
  const pieces = source[Symbol.asyncIterator]()
  try {
    let head = Buffer.alloc(0)
    while (head.length < 2) {
      const next = await pieces.next()
      if (next.done === true) {
        if (head.length > 0) yield head
        return
      }
      head = Buffer.concat([head, next.value])
    }
    const whole = withHead(head, pieces)
    const isGzip = head[0] === 0x1f && head[1] === 0x8b
    if (isGzip && layer < LAYERS_MAX) yield* unfold(gunzip(whole), layer + 1)
    else yield* whole
  } finally {
    await pieces.return?.()
  }
}

async function* withHead(head: Buffer, rest: AsyncIterator<Buffer>) {
  yield head
  for (let next = await rest.next(); next.done !== true; next = await rest.next()) yield next.value
}

async function* gunzip(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void, undefined> {
  const packed = Readable.from(source, { objectMode: false })
  const plain = createGunzip(CHUNK)
  // A pipe alone tells nothing of what goes wrong in front of it.
  packed.on('error', (error) => plain.destroy(error))
  packed.pipe(plain)
  try {
    for await (const piece of plain) yield piece
  } finally {
    packed.destroy()
    plain.destroy()
  }
}
