// Frames as they go over the wire: text frames of a server (RFC 6455, 5.2), made once and written
// to the connection of every client that gets the same. The library would frame them for each.

import type { ServerFrame } from './frames.js'

/** One frame or several, with their headers. */
export type WireFrame = Buffer

const FINAL_TEXT = 0x81
const LENGTH_16 = 126
const LENGTH_64 = 127

export function serialise(frame: ServerFrame): WireFrame {
  return textFrame(Buffer.from(JSON.stringify(frame)))
}

export function textFrame(payload: Buffer): WireFrame {
  return Buffer.concat([headerOf(payload.length), payload])
}

function headerOf(length: number): Buffer {
  if (length < LENGTH_16) return Buffer.from([FINAL_TEXT, length])
  if (length < 2 ** 16) {
    const header = Buffer.from([FINAL_TEXT, LENGTH_16, 0, 0])
    header.writeUInt16BE(length, 2)
    return header
  }
  const header = Buffer.alloc(10)
  header[0] = FINAL_TEXT
  header[1] = LENGTH_64
  header.writeBigUInt64BE(BigInt(length), 2)
  return header
}
