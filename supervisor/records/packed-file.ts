// A file's bytes, plain or packed by gzip, from any offset on. Offsets count unpacked bytes, so
// that reading can go on from one.

import { createReadStream } from 'node:fs'
import { open } from 'node:fs/promises'
import { pipeline } from 'node:stream'
import { createGunzip } from 'node:zlib'

const CHUNK_BYTES = 256 * 1_024

/** By its first two bytes: names of files say it or not. */
export function isGzip(head: Uint8Array): boolean {
  return head[0] === 0x1f && head[1] === 0x8b
}

export async function isPackedFile(path: string): Promise<boolean> {
  const file = await open(path)
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(2), 0, 2, 0)
    return isGzip(buffer.subarray(0, bytesRead))
  } finally {
    await file.close()
  }
}

/**
 * Bytes of a file as they are read, unpacked, from this offset on. What is packed is unpacked from
 * its beginning again, piece by piece, and what stands before the offset is dropped.
 */
export async function* unpacked(
  path: string,
  isPacked: boolean,
  from: number,
): AsyncGenerator<Buffer> {
  const options = { highWaterMark: CHUNK_BYTES, start: isPacked ? 0 : from }
  const file = createReadStream(path, options)
  // What goes wrong in either stream ends the last one, and is thrown where it is read.
  const stream = isPacked
    ? pipeline(file, createGunzip({ chunkSize: CHUNK_BYTES }), () => {})
    : file
  let left = isPacked ? from : 0
  for await (const chunk of stream) {
    const bytes: Buffer = Buffer.isBuffer(chunk) ? chunk : Buffer.from(String(chunk))
    if (left < bytes.length) yield bytes.subarray(left)
    left = Math.max(0, left - bytes.length)
  }
}
