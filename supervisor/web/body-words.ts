// What bodies of orders and of questions have in common: how they are parsed, what a name for the
// record may be, and how a wrong value is shown.

/** @returns undefined for what is no JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** A name for the record: one line that cannot be taken for another one. */
const NAME = /^[\p{L}\p{N}][\p{L}\p{N} ._@+-]{0,79}$/u
const NAME_RULE = '1 to 80 letters, digits, spaces and . _ @ + -, a letter or digit first'
/** Who gives no name. */
export const SOMEBODY = 'an operator'

/** @returns what is wrong with a name for the record; null when nothing is. */
export function wrongName(by: unknown): string | null {
  if (typeof by === 'string' && NAME.test(by)) return null
  return `Expected \`by\` to be ${NAME_RULE}; got ${shown(by)}.`
}

/** A value in a message: enough of it to be recognised. */
export function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing'
  return text.length > 80 ? `${text.slice(0, 80)}…` : text
}
