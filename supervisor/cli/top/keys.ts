// What a person typed, as words for what it does. A terminal sends an arrow as several characters,
// and what was typed fast comes together.

export type Key =
  | { readonly does: 'tab'; readonly to: number }
  | { readonly does: 'next' | 'previous' | 'up' | 'down' | 'page-up' | 'page-down' | 'top' }
  | {
      readonly does: 'quit' | 'help' | 'freeze' | 'filter' | 'redraw' | 'enter' | 'erase' | 'escape'
    }
  | { readonly does: 'text'; readonly text: string }
  /** A key that does nothing by itself. */
  | { readonly does: 'other' }

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what a terminal sends
const TOKEN = /\u001b\[[0-9;]*[A-Za-z~]|\u001bO[A-Z]|[\s\S]/gu

const SEQUENCES: ReadonlyMap<string, Key> = new Map<string, Key>([
  ['\u001b[A', { does: 'up' }],
  ['\u001b[B', { does: 'down' }],
  ['\u001b[C', { does: 'next' }],
  ['\u001b[D', { does: 'previous' }],
  ['\u001bOA', { does: 'up' }],
  ['\u001bOB', { does: 'down' }],
  ['\u001bOC', { does: 'next' }],
  ['\u001bOD', { does: 'previous' }],
  ['\u001b[5~', { does: 'page-up' }],
  ['\u001b[6~', { does: 'page-down' }],
  ['\u001b[H', { does: 'top' }],
  ['\u001b[1~', { does: 'top' }],
  ['\u001b[Z', { does: 'previous' }],
  ['\t', { does: 'next' }],
  ['\r', { does: 'enter' }],
  ['\n', { does: 'enter' }],
  ['\u007f', { does: 'erase' }],
  ['\b', { does: 'erase' }],
  ['\u001b', { does: 'escape' }],
  ['\u0003', { does: 'quit' }],
  ['\u0004', { does: 'quit' }],
  ['\f', { does: 'redraw' }],
])

const LETTERS: ReadonlyMap<string, Key> = new Map<string, Key>([
  ['q', { does: 'quit' }],
  ['?', { does: 'help' }],
  ['/', { does: 'filter' }],
  [' ', { does: 'freeze' }],
  ['h', { does: 'previous' }],
  ['l', { does: 'next' }],
  ['j', { does: 'down' }],
  ['k', { does: 'up' }],
  ['g', { does: 'top' }],
])

/** The keys of what came at once. */
export function tokensOf(typed: string): readonly string[] {
  return [...typed.matchAll(TOKEN)].map(([token]) => token)
}

/** @param isTyping whether letters are text, as in a filter that is being typed. */
export function keyOf(token: string, isTyping: boolean): Key {
  const known = SEQUENCES.get(token)
  if (known !== undefined) return known
  if (token < ' ') return { does: 'other' }
  if (isTyping) return { does: 'text', text: token }
  const letter = LETTERS.get(token)
  if (letter !== undefined) return letter
  return /^[1-9]$/.test(token) ? { does: 'tab', to: Number(token) - 1 } : { does: 'other' }
}
