// Signs of markup in bytes. Every encoding that is split has them as single bytes of ASCII.

const QUOTE = 0x22
const APOSTROPHE = 0x27
const GREATER = 0x3e
const QUESTION = 0x3f

export const BANG = 0x21

export const LESS = 0x3c

/** Where a tag that begins at `from` ends, after its `>`; -1 when it goes on beyond the bytes. */
export function tagEnd(bytes: Buffer, from: number): number {
  let quote = 0
  for (let at = from + 1; at < bytes.length; at += 1) {
    const byte = bytes[at]
    if (quote !== 0) {
      if (byte === quote) quote = 0
    } else if (byte === QUOTE || byte === APOSTROPHE) quote = byte
    else if (byte === GREATER) return at + 1
  }
  return -1
}

/** Whether a name that begins at `from` is this one, and ends there. */
export function isNameAt(bytes: Buffer, from: number, name: Buffer): boolean {
  const end = from + name.length
  if (bytes.compare(name, 0, name.length, from, Math.min(end, bytes.length)) !== 0) return false
  const next = bytes[end]
  // Blanks, `/` and `>` end a name.
  return next === undefined || next <= 0x20 || next === 0x2f || next === GREATER
}

/** Markup that is skipped whole, whatever stands in it: how it begins and ends. */
const OPAQUE: readonly (readonly [begin: Buffer, end: Buffer])[] = [
  [Buffer.from('<!--'), Buffer.from('-->')],
  [Buffer.from('<![CDATA['), Buffer.from(']]>')],
  [Buffer.from('<?'), Buffer.from('?>')],
]

/** Bytes from a `<` by which it can be told what it begins. */
export const TELLING_BYTES = 9

/** The end that markup from here has to be skipped to; null when it is a tag. */
export function opaqueEnd(
  bytes: Buffer,
  from: number,
): { readonly from: number; readonly end: Buffer } | null {
  const next = bytes[from + 1]
  if (next !== BANG && next !== QUESTION) return null
  for (const [begin, end] of OPAQUE) {
    const after = from + begin.length
    if (after > bytes.length) continue
    if (bytes.compare(begin, 0, begin.length, from, after) === 0) return { from: after, end }
  }
  return null
}
