import { EXTRACT_BOUNDS } from './bounds.js'

/** Characters that are there but are not seen: soft hyphen, zero-width ones, direction marks. */
const INVISIBLE = new RegExp(
  [
    String.raw`\u00ad|\u034f|\u061c|\u180e|[\u200b-\u200f]|[\u202a-\u202e]|[\u2060-\u2064]|`,
    String.raw`[\u2066-\u2069]|\ufeff`,
  ].join(''),
  'g',
)
const SPACES = /[\s\u0085\u00a0]+/g
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is removed.
const CONTROLS = /[\u0000-\u0008\u000e-\u001f\u007f-\u0084\u0086-\u009f]/g
const LONE_SURROGATE = /\p{Surrogate}/gu

/** Text with every run of white space as one space, and without what a database would refuse. */
export function foldSpaces(text: string): string {
  return text
    .replace(CONTROLS, '')
    .replace(LONE_SURROGATE, '\ufffd')
    .replace(INVISIBLE, '')
    .replace(SPACES, ' ')
}

/** One clean line, cut to the bound of a value. */
export function cleanLine(text: string): string {
  const line = foldSpaces(text.slice(0, 4 * EXTRACT_BOUNDS.valueCharsMax)).trim()
  if (line.length <= EXTRACT_BOUNDS.valueCharsMax) return line
  return line.slice(0, EXTRACT_BOUNDS.valueCharsMax).replace(LONE_SURROGATE, '').trim()
}

/** Key under which two spellings of a name are one: case, punctuation and spacing do not count. */
export function foldName(name: string): string {
  return name
    .normalize('NFKC')
    .toLowerCase()
    .replace(/&/g, ' and ')
    .replace(/[^\p{L}\p{N}]+/gu, ' ')
    .trim()
}

/** Decodes %XX; what is no UTF-8 stays as it is written. */
export function decodePercent(text: string): string {
  if (!text.includes('%')) return text
  try {
    return decodeURIComponent(text)
  } catch {
    return text.replace(/%([2-7][0-9a-f])/gi, (_, hex: string) =>
      String.fromCharCode(Number.parseInt(hex, 16)),
    )
  }
}
