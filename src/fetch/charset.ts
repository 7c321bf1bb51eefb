// From bytes to text: byte order mark, header, declaration in the markup, then UTF-8, then
// windows-1252, which can read anything.

import { TextDecoder } from 'node:util'
import iconv from 'iconv-lite'
import { declaredCharset } from './charset-prescan.js'

export interface DecodedText {
  readonly text: string
  /** WHATWG name of the encoding, in lower case. */
  readonly charset: string
}

/**
 * Encodings that `TextDecoder` lacks and iconv-lite has. A closed list: iconv-lite also answers to
 * names such as 'hex' and 'utf-7', which no page may choose.
 */
const ICONV_LABELS =
  /^(iso-8859-16|cp(437|7\d\d|8\d\d)|ibm(437|7\d\d|8\d\d)|mac(roman|greek|turkish))$/

// Bytes 0x80 to 0x9f of windows-1252. The TextDecoder of Node 20 reads them as Latin-1 (measured on
// 20.20.2), which would turn every euro sign and every typographic quote into a control character.
const WINDOWS_1252 =
  '\u20AC\x81\u201A\u0192\u201E\u2026\u2020\u2021\u02C6\u2030\u0160\u2039\u0152\x8D\u017D\x8F' +
  '\x90\u2018\u2019\u201C\u201D\u2022\u2013\u2014\u02DC\u2122\u0161\u203A\u0153\x9D\u017E\u0178'

/** Reads `body` by the charset its sender declared, else by what its bytes say. Never throws. */
export function decodeText(body: Buffer, headerCharset: string | null): DecodedText {
  const marked = bomCharset(body)
  if (marked !== null) return { text: new TextDecoder(marked).decode(body), charset: marked }
  const named = headerCharset === null ? null : decodeAs(body, headerCharset)
  if (named !== null) return named
  const bare = bareUtf16(body)
  if (bare !== null) return { text: new TextDecoder(bare).decode(body), charset: bare }
  const declared = declaredCharset(body)
  const inMarkup = declared === null ? null : decodeAs(body, whatMarkupMeans(declared))
  return inMarkup ?? decodeUndeclared(body)
}

function decodeUndeclared(body: Buffer): DecodedText {
  try {
    return { text: new TextDecoder('utf-8', { fatal: true }).decode(body), charset: 'utf-8' }
  } catch {
    return { text: decodeWindows1252(body), charset: 'windows-1252' }
  }
}

/** The text by a label somebody wrote down; null when nothing here knows the label. */
function decodeAs(body: Buffer, label: string): DecodedText | null {
  const name = label.trim().toLowerCase()
  const decoder = decoderFor(name)
  if (decoder === null) {
    return ICONV_LABELS.test(name) ? { text: iconv.decode(body, name), charset: name } : null
  }
  if (decoder.encoding === 'windows-1252') {
    return { text: decodeWindows1252(body), charset: 'windows-1252' }
  }
  return { text: decoder.decode(body), charset: decoder.encoding }
}

function decoderFor(label: string): TextDecoder | null {
  try {
    return new TextDecoder(label)
  } catch {
    return null
  }
}

/** Markup that can be read as bytes of ASCII is not UTF-16, whatever it says (WHATWG, prescan). */
function whatMarkupMeans(label: string): string {
  const name = label.trim().toLowerCase()
  if (name.startsWith('utf-16') || name === 'ucs-2' || name === 'unicode') return 'utf-8'
  return name === 'x-user-defined' ? 'windows-1252' : name
}

function bomCharset(body: Buffer): string | null {
  if (body[0] === 0xef && body[1] === 0xbb && body[2] === 0xbf) return 'utf-8'
  if (body[0] === 0xff && body[1] === 0xfe) return 'utf-16le'
  if (body[0] === 0xfe && body[1] === 0xff) return 'utf-16be'
  return null
}

/** UTF-16 without a mark shows itself by the zero beside the first `<`. */
function bareUtf16(body: Buffer): string | null {
  if (body[0] === 0x3c && body[1] === 0 && body[2] !== 0 && body[3] === 0) return 'utf-16le'
  if (body[0] === 0 && body[1] === 0x3c && body[2] === 0 && body[3] !== 0) return 'utf-16be'
  return null
}

// By table: a replacement by pattern takes seconds for a page that is made to match everywhere.
const UTF16_OF_WINDOWS_1252 = Uint16Array.from({ length: 256 }, (_, byte) => {
  return byte >= 0x80 && byte <= 0x9f ? WINDOWS_1252.charCodeAt(byte - 0x80) : byte
})

function decodeWindows1252(body: Buffer): string {
  if (!body.some((byte) => byte >= 0x80 && byte <= 0x9f)) return body.toString('latin1')
  const utf16 = Buffer.allocUnsafe(body.length * 2)
  for (let at = 0; at < body.length; at += 1) {
    const unit = UTF16_OF_WINDOWS_1252[body[at] ?? 0] ?? 0
    utf16[at * 2] = unit & 0xff
    utf16[at * 2 + 1] = unit >> 8
  }
  return utf16.toString('utf16le')
}
