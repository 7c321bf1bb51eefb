/** Words in the place of a secret. */
const HIDDEN = '[key]'
/** What is left of a secret where a text was cut is hidden from so many characters on. */
const PIECE_MIN = 8

/** Ways in which others write a text into URLs, forms, pages and JSON. */
const SPELLINGS: readonly ((text: string) => string)[] = [
  (text) => text,
  encodeURIComponent,
  encodeURI,
  (text) => new URLSearchParams([['', text]]).toString().slice(1),
  (text) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;'),
  (text) => JSON.stringify(text).slice(1, -1),
  (text) => text.replaceAll('/', '\\/'),
]

/** Percent-encoded bytes in small letters. */
const inSmall = (text: string) => text.replaceAll(/%[0-9A-F]{2}/g, (byte) => byte.toLowerCase())

function spellingsOf(secret: string): readonly string[] {
  const all = SPELLINGS.map((spell) => spell(secret))
  // The longest first: a shorter spelling may be part of it.
  return [...new Set([...all, ...all.map(inSmall)])].sort((a, b) => b.length - a.length)
}

/**
 * Takes a secret out of texts, in whatever spelling it stands there, and its beginning where the
 * text was cut in the middle of it. Whatever an upstream says goes through here before it becomes
 * part of a message.
 */
export function createScrubber(secret: string): (text: string) => string {
  const spellings = spellingsOf(secret)
  const heads = spellings.map((spelling) => spelling.slice(0, PIECE_MIN))
  return (text) => {
    if (!heads.some((head) => text.includes(head))) return text
    const whole = spellings.reduce((left, spelling) => left.replaceAll(spelling, HIDDEN), text)
    return spellings.reduce(withoutPieces, whole)
  }
}

function withoutPieces(text: string, spelling: string): string {
  let left = text
  for (let length = spelling.length - 1; length >= PIECE_MIN; length -= 1) {
    left = left.replaceAll(spelling.slice(0, length), HIDDEN)
  }
  return left
}
