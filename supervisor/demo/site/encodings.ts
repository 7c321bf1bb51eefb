import { brotliCompressSync, constants, deflateSync, gzipSync } from 'node:zlib'
import iconv from 'iconv-lite'

export type ContentCoding = 'identity' | 'gzip' | 'br' | 'deflate'

/** How a page's text becomes bytes, and how a client may learn of it. */
export interface PageEncoding {
  readonly charset: 'utf-8' | 'windows-1252' | 'utf-16le' | 'utf-16be'
  /**
   * Name under which the charset is announced: `iso-8859-1` means windows-1252 to every browser,
   * and sites that announce it do use the characters between 0x80 and 0x9f.
   */
  readonly label: string
  readonly declaredBy: 'header' | 'meta' | 'bom'
  readonly coding: ContentCoding
}

const UTF_8 = { charset: 'utf-8', label: 'utf-8' } as const
const WESTERN = { charset: 'windows-1252', label: 'windows-1252' } as const
const LATIN_1 = { charset: 'windows-1252', label: 'iso-8859-1' } as const

/** Dealt evenly over the pages; a line that stands twice is twice as frequent. */
export const ENCODINGS: readonly PageEncoding[] = [
  { ...UTF_8, declaredBy: 'header', coding: 'identity' },
  { ...UTF_8, declaredBy: 'header', coding: 'gzip' },
  { ...UTF_8, declaredBy: 'header', coding: 'gzip' },
  { ...UTF_8, declaredBy: 'header', coding: 'br' },
  { ...UTF_8, declaredBy: 'header', coding: 'br' },
  { ...UTF_8, declaredBy: 'meta', coding: 'gzip' },
  { ...UTF_8, declaredBy: 'meta', coding: 'identity' },
  { ...UTF_8, declaredBy: 'bom', coding: 'br' },
  { ...WESTERN, declaredBy: 'header', coding: 'gzip' },
  { ...WESTERN, declaredBy: 'meta', coding: 'identity' },
  { ...LATIN_1, declaredBy: 'header', coding: 'identity' },
  { ...LATIN_1, declaredBy: 'meta', coding: 'gzip' },
  { charset: 'utf-16le', label: 'utf-16le', declaredBy: 'bom', coding: 'gzip' },
  { charset: 'utf-16be', label: 'utf-16be', declaredBy: 'bom', coding: 'identity' },
  { ...UTF_8, declaredBy: 'header', coding: 'deflate' },
]

export function contentTypeOf(encoding: PageEncoding): string {
  return encoding.declaredBy === 'header' ? `text/html; charset=${encoding.label}` : 'text/html'
}

/** The coding a client gets: the page's own when the client accepts it, none otherwise. */
export function negotiateCoding(wished: ContentCoding, acceptEncoding: string): ContentCoding {
  const accepted = acceptEncoding.split(',').map((part) => part.split(';')[0]?.trim())
  return accepted.includes(wished) ? wished : 'identity'
}

export function encodeText(html: string, encoding: PageEncoding): Buffer {
  return iconv.encode(html, encoding.charset, { addBOM: encoding.declaredBy === 'bom' })
}

export function applyCoding(body: Buffer, coding: ContentCoding): Buffer {
  switch (coding) {
    case 'identity':
      return body
    case 'gzip':
      return gzipSync(body)
    case 'deflate':
      return deflateSync(body)
    case 'br':
      // The default quality takes far longer, in a process that shares its machine with workers.
      return brotliCompressSync(body, { params: { [constants.BROTLI_PARAM_QUALITY]: 4 } })
  }
}
