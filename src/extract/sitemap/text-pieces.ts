import { TextDecoder } from 'node:util'

const XML_DECLARATION = /^\s*<\?xml[^>]{0,200}?encoding\s*=\s*["']([\w.:-]{1,40})["']/
/** Bytes among which a declaration stands. */
const HEAD_BYTES = 256

/**
 * Bytes as text, piece by piece: by byte order mark, by what the server names, by what the file
 * declares, else as UTF-8. Bytes that are no character of it become U+FFFD.
 */
export async function* textPieces(
  source: AsyncIterable<Buffer>,
  charset: string | null,
): AsyncGenerator<string, void, undefined> {
  let decoder: TextDecoder | null = null
  let head = Buffer.alloc(0)
  try {
    for await (const piece of source) {
      if (decoder !== null) {
        yield decoder.decode(piece, { stream: true })
        continue
      }
      head = Buffer.concat([head, piece])
      if (head.length < HEAD_BYTES) continue
      decoder = decoderFor(head, charset)
      yield decoder.decode(head, { stream: true })
    }
  } catch (error) {
    // What came before the source failed is text all the same.
    if (decoder === null) yield decoderFor(head, charset).decode(head)
    throw error
  }
  // A file may be shorter than any declaration.
  yield decoder === null ? decoderFor(head, charset).decode(head) : decoder.decode()
}

function decoderFor(head: Buffer, charset: string | null): TextDecoder {
  const wide = wideCharset(head)
  if (wide !== null) return new TextDecoder(wide)
  const declared = XML_DECLARATION.exec(head.toString('latin1', 0, HEAD_BYTES))?.[1]
  return named(charset) ?? narrow(named(declared ?? null)) ?? new TextDecoder('utf-8')
}

/** UTF-16 shows itself, with a mark or by the zero beside the first character. */
function wideCharset([first, second, third, fourth]: Buffer): string | null {
  if (first === 0xff && second === 0xfe) return 'utf-16le'
  if (first === 0xfe && second === 0xff) return 'utf-16be'
  if (first === 0xef && second === 0xbb && third === 0xbf) return 'utf-8'
  if (first === 0x3c && second === 0 && fourth === 0) return 'utf-16le'
  return first === 0 && second === 0x3c && third === 0 ? 'utf-16be' : null
}

/** A declaration that could be read as bytes of ASCII is not UTF-16, whatever it says. */
function narrow(decoder: TextDecoder | null): TextDecoder | null {
  return decoder?.encoding.startsWith('utf-16') === true ? null : decoder
}

function named(label: string | null): TextDecoder | null {
  try {
    return label === null ? null : new TextDecoder(label)
  } catch {
    return null
  }
}
