// Kinds of option that hold a list of something.

import { parseUrl } from '../src/core/parse-url.js'
import { makeOption, type Option, type OptionWords } from './option.js'

function isHttpUrl(text: string): boolean {
  const url = parseUrl(text)
  if (url === null) return false
  const { protocol, username, password, search } = url
  const isBare = username === '' && password === '' && search === ''
  return (protocol === 'http:' || protocol === 'https:') && isBare
}

/** URLs: a list in a file; separated by commas, or given again, elsewhere. */
export function urls(
  words: OptionWords<readonly string[]> & { readonly max: number },
): Option<readonly string[]> {
  return makeOption(words, {
    type: 'list',
    rule: `1 to ${words.max} http or https URLs without user, password and query`,
    parse: (raw) => {
      const given: readonly unknown[] = Array.isArray(raw) ? raw : [raw]
      if (!given.every((entry) => typeof entry === 'string')) return undefined
      const parts = given.flatMap((entry) => entry.split(',')).map((part) => part.trim())
      const found = parts.filter((part) => part !== '')
      const isFit = found.length >= 1 && found.length <= words.max && found.every(isHttpUrl)
      return isFit ? found : undefined
    },
    show: (value) => value.join(', '),
  })
}

/** Words, of a list when there is one: a list in a file, separated by commas elsewhere. */
export function words<Word extends string>(
  of: OptionWords<readonly Word[]> & { readonly words: readonly Word[] | null },
): Option<readonly Word[]> {
  const known = of.words
  const isWord = (part: string): part is Word =>
    known === null ? part.length <= WORD_CHARACTERS_MAX : known.some((word) => word === part)
  return makeOption(of, {
    type: 'list',
    rule: known === null ? `at most ${WORDS_MAX} words` : `none, or some of ${known.join(', ')}`,
    parse: (raw) => {
      const given: readonly unknown[] = Array.isArray(raw) ? raw : [raw]
      if (!given.every((entry) => typeof entry === 'string')) return undefined
      const parts = given.flatMap((entry) => entry.split(',')).map((part) => part.trim())
      if (parts.join() === 'none') return []
      const found = parts.filter((part) => part !== '')
      return found.length <= WORDS_MAX && found.every(isWord) ? found : undefined
    },
    show: (value) => (value.length === 0 ? 'none' : value.join(', ')),
  })
}

const WORDS_MAX = 100
const WORD_CHARACTERS_MAX = 500

/** Some words of an ordered list, in its order: a list in a file, separated by commas elsewhere. */
export function steps<Word extends string>(
  words: OptionWords<readonly Word[]> & { readonly steps: readonly Word[] },
): Option<readonly Word[]> {
  return makeOption(words, {
    type: 'list',
    rule: `some of ${words.steps.join(', ')}, in this order`,
    parse: (raw) => {
      const given: readonly unknown[] = Array.isArray(raw) ? raw : [raw]
      const parts = given.flatMap((entry) => String(entry).split(',')).map((part) => part.trim())
      const found = words.steps.filter((step) => parts.includes(step))
      return found.length > 0 && found.join() === parts.join() ? found : undefined
    },
    show: (value) => (value.length === 0 ? 'none' : value.join(', ')),
  })
}

/** Names that match a pattern: a list in a file, separated by commas elsewhere. */
export function names(
  words: OptionWords<readonly string[]> & {
    readonly pattern: RegExp
    readonly max: number
    /** What the pattern says, in words. */
    readonly rule?: string
  },
): Option<readonly string[]> {
  return makeOption(words, {
    type: 'list',
    rule: words.rule ?? `1 to ${words.max} names of letters, digits and dots, or *`,
    parse: (raw) => {
      const given: readonly unknown[] = Array.isArray(raw) ? raw : [raw]
      const parts = given.flatMap((entry) => String(entry).split(',')).map((part) => part.trim())
      const isFit = parts.length <= words.max && parts.every((part) => words.pattern.test(part))
      return isFit ? parts : undefined
    },
    show: (value) => (value.length === 0 ? 'none' : value.join(', ')),
  })
}
