// Which encoding a document is in, from its first bytes. Those are known in which the signs of
// markup are single bytes of ASCII, so that a file can be split without decoding it, and UTF-16.

export interface Encoding {
  /** As `TextDecoder` calls it. */
  readonly label: string
  /** Bytes before the first sign. */
  readonly markBytes: number
  /** Two bytes a sign: to be made UTF-8 before it can be split. */
  readonly isWide: boolean
}

/** Bytes from the start that hold the XML declaration, where there is one. */
export const HEAD_BYTES = 1_024

const SINGLE = /^(?:utf-8|us-ascii|iso-8859-(?:[1-9]|1[0134-6])|windows-125\d)$/
const DECLARED = /^\s*<\?xml\s[^>]*?\bencoding\s*=\s*["']([A-Za-z][\w.-]*)["']/

function startsWith(head: Buffer, ...bytes: readonly number[]): boolean {
  return bytes.every((byte, index) => head[index] === byte)
}

const UTF_16_LE = { label: 'utf-16le', isWide: true }
const UTF_16_BE = { label: 'utf-16be', isWide: true }

function wideOf(head: Buffer): Encoding | { readonly problem: string } | null {
  if (startsWith(head, 0xff, 0xfe, 0, 0) || startsWith(head, 0, 0, 0xfe, 0xff)) {
    return { problem: 'the encoding UTF-32 is not known; convert the file to UTF-8' }
  }
  if (startsWith(head, 0xff, 0xfe)) return { ...UTF_16_LE, markBytes: 2 }
  if (startsWith(head, 0xfe, 0xff)) return { ...UTF_16_BE, markBytes: 2 }
  if (startsWith(head, 0x3c, 0, 0x3f, 0)) return { ...UTF_16_LE, markBytes: 0 }
  if (startsWith(head, 0, 0x3c, 0, 0x3f)) return { ...UTF_16_BE, markBytes: 0 }
  return null
}

/** The encoding that a document begins with, or why it cannot be read. */
export function readEncoding(head: Buffer): Encoding | { readonly problem: string } {
  const wide = wideOf(head)
  if (wide !== null) return wide
  const markBytes = startsWith(head, 0xef, 0xbb, 0xbf) ? 3 : 0
  const text = head.subarray(markBytes, HEAD_BYTES).toString('latin1')
  const declared = DECLARED.exec(text)?.[1]?.toLowerCase() ?? 'utf-8'
  const label = declared === 'utf8' ? 'utf-8' : declared === 'ascii' ? 'us-ascii' : declared
  if (label.startsWith('utf-16')) {
    return { problem: `it declares the encoding ${declared} and is not in it` }
  }
  if (markBytes === 3 && label !== 'utf-8') {
    return { problem: `it begins as UTF-8 and declares the encoding ${declared}` }
  }
  if (SINGLE.test(label)) return { label, markBytes, isWide: false }
  return { problem: `the encoding ${declared} is not known; convert the file to UTF-8` }
}

/** The text of some bytes, or why they are none in this encoding. */
export function decodeBytes(
  bytes: Buffer,
  label: string,
): { readonly text: string } | { readonly problem: string } {
  if (label === 'us-ascii') {
    if (bytes.every((byte) => byte < 0x80)) return { text: bytes.toString('latin1') }
    return { problem: 'it is not in us-ascii, which the document declares' }
  }
  try {
    return { text: new TextDecoder(label, { fatal: true, ignoreBOM: true }).decode(bytes) }
  } catch {
    return { problem: `it is not in ${label}, the encoding of the document` }
  }
}
