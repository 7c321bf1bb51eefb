// What a document's file is called. A reference is somebody else's text: it may hold a path, a name
// that a system keeps for itself, or characters that no file system takes.

import { createHash } from 'node:crypto'

const EXTENSION = '.pdf'

/** Bytes of a name, extension included: every file system in use takes 255, and we add a few. */
const NAME_BYTES_MAX = 200
/** Hexadecimal digits that tell apart two references whose names would be the same. */
const DIGEST_DIGITS = 16

/** Not in a name: separators, what shells and Windows read otherwise, and what nobody can see. */
const FORBIDDEN = /[<>:"/\\|?*~%$`\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}]/gu
/** Names of devices on Windows, whatever follows their first dot. */
const RESERVED = /^(?:con|prn|aux|nul|conin|conout|com[0-9¹²³]|lpt[0-9¹²³])(?:\.|$)/i

export interface FileName {
  readonly name: string
  /** Whether the name is the reference itself, so that another reference may want the same. */
  readonly isPlain: boolean
}

/**
 * `<reference>.pdf`, where that is a safe name on every system; otherwise what is left of it, with
 * a digest that belongs to this reference alone.
 */
export function fileNameOf(reference: string): FileName {
  const safe = safeText(reference)
  return safe === reference
    ? { name: `${reference}${EXTENSION}`, isPlain: true }
    : { name: digestName(reference), isPlain: false }
}

/** The name for a reference whose plain one is taken. */
export function digestName(reference: string): string {
  const digest = digestOf(reference).slice(0, DIGEST_DIGITS)
  const room = NAME_BYTES_MAX - EXTENSION.length - digest.length - 1
  return `${cut(safeText(reference), room)}~${digest}${EXTENSION}`
}

/** How the names of what is kept of a document's failures begin. */
export function failureStemOf(reference: string): string {
  return fileNameOf(reference).name.slice(0, -EXTENSION.length)
}

/** Stands for a reference in names of our own: parts of files, pages of failures. */
export function digestOf(reference: string): string {
  return createHash('sha256').update(reference).digest('hex').slice(0, 32)
}

/** Names that are the same to a file system that tells neither case nor ways of writing apart. */
export function foldName(name: string): string {
  return name.normalize('NFKC').toUpperCase().toLowerCase().normalize('NFKC')
}

function safeText(reference: string): string {
  const text = reference.normalize('NFC').replace(FORBIDDEN, '_')
  // A dot first hides the file or climbs out; a dot or space last is dropped by Windows.
  const ended = text
    .trim()
    .replace(/^[.\s-]+/, '_')
    .replace(/[.\s]+$/, '_')
  const named = ended === '' ? '_' : ended
  const free = RESERVED.test(named) ? `_${named}` : named
  return cut(free, NAME_BYTES_MAX - EXTENSION.length)
}

/** The text's first `bytes` bytes of UTF-8, whole characters only. */
function cut(text: string, bytes: number): string {
  if (Buffer.byteLength(text) <= bytes) return text
  let room = bytes
  let end = 0
  for (const character of text) {
    room -= Buffer.byteLength(character)
    if (room < 0) break
    end += character.length
  }
  return text.slice(0, end).replace(/[.\s]+$/, '_')
}
