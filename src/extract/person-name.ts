import { EXTRACT_BOUNDS } from './bounds.js'
import { DOUBTFUL_NAMES, GIVEN_NAMES } from './given-names.js'
import { NOT_IN_PERSON, ROLE_WORDS } from './name-words.js'

const HONORIFIC =
  /^(?:mr|mrs|ms|miss|dr|prof|rev|sir|dame|herr|frau|mme|m|sr|sra|dott|ing|dipl)\.?$/i
const CREDENTIAL = new RegExp(
  [
    String.raw`^(?:m\.?d|d\.?d\.?s|d\.?m\.?d|ph\.?d|esq|cpa|j\.?d|r\.?n|m\.?b\.?a|d\.?o|`,
    String.raw`d\.?v\.?m|cfa|cfp|p\.?e|mba|msc|bsc|ma|ba|cmfo|faia|aia|obe|mbe|cbe|jr|sr|ii|`,
    String.raw`iii|iv|dc|dpt|np|lcsw|rdh|facs|faad)\.?$`,
  ].join(''),
  'i',
)
const INITIAL = /^\p{Lu}\.?(?:\p{Lu}\.)?$/u
const PARTICLE =
  /^(?:van|von|de|der|den|del|della|di|da|dos|du|la|le|el|al|bin|ibn|ter|ten|st\.?)$/i
const CAPITALIZED = /^\p{Lu}[\p{L}'’]*(?:-\p{Lu}[\p{L}'’]*)*$/u

export interface PersonName {
  /** The name without honorifics and credentials. */
  readonly name: string
  /**
   * What made it a name: a given name of the list, a doubtful one, or an honorific or credential.
   */
  readonly sign: 'given' | 'doubtful' | 'title' | 'shape'
}

function splitTokens(text: string): string[] {
  return text
    .replace(/\(([\p{L}.'’]+)\)|["“]([\p{L}.'’]+)["”]/gu, ' ')
    .split(/[\s,]+/)
    .filter((token) => token !== '')
}

/** Takes honorifics off the front and credentials off the end. */
function strip(tokens: readonly string[]): { core: string[]; isTitled: boolean } {
  let first = 0
  let last = tokens.length
  while (first < last && HONORIFIC.test(tokens[first] ?? '')) first += 1
  while (last > first + 1 && CREDENTIAL.test(tokens[last - 1] ?? '')) last -= 1
  // Letters behind a name in mixed case are credentials that no list has.
  const isMixed = tokens.slice(first, first + 2).every((token) => /\p{Ll}/u.test(token))
  while (isMixed && last > first + 2 && /^[A-Z]{2,6}$/.test(tokens[last - 1] ?? '')) last -= 1
  // Two bare capitals are a state as often as a degree: they prove nothing.
  const isTitled = first > 0 || tokens.slice(last).some((token) => !/^[A-Z]{2,6}$/.test(token))
  return { core: tokens.slice(first, last), isTitled }
}

function isNameToken(token: string): boolean {
  if (INITIAL.test(token) || PARTICLE.test(token)) return true
  const lower = token.toLowerCase()
  return CAPITALIZED.test(token) && !NOT_IN_PERSON.has(lower) && !ROLE_WORDS.has(lower)
}

function signOf(first: string, isTitled: boolean): PersonName['sign'] {
  const lower = first.toLowerCase().split('-')[0] ?? ''
  if (DOUBTFUL_NAMES.has(lower)) return isTitled ? 'title' : 'doubtful'
  if (GIVEN_NAMES.has(lower)) return 'given'
  return isTitled ? 'title' : 'shape'
}

/** Reads a text as a person's name of two to five words; null when it is none. */
export function readPersonName(text: string): PersonName | null {
  if (text.length > EXTRACT_BOUNDS.nameCharsMax || /[\d@:;/|!?<>{}[\]=+*#%&©®™]/.test(text))
    return null
  const { core, isTitled } = strip(splitTokens(text))
  const [first = '', ...rest] = core
  const last = rest.at(-1) ?? ''
  if (core.length < 2 || core.length > 5 || !core.every(isNameToken)) return null
  if (PARTICLE.test(first) && !GIVEN_NAMES.has(first.toLowerCase())) return null
  if (last.replace(/\./g, '').length < 2 || PARTICLE.test(last)) return null
  const sign = INITIAL.test(first) ? (isTitled ? 'title' : 'shape') : signOf(first, isTitled)
  return { name: core.join(' '), sign }
}

/** Whether a text that is said to be a person's name can be one. */
export function isPersonName(text: string): boolean {
  if (text.length < 2 || text.length > EXTRACT_BOUNDS.nameCharsMax) return false
  return /\p{L}{2}/u.test(text) && !/[\d@:/|<>{}[\]=+*#%©®™]/.test(text)
}

/** Whether a text of unknown kind is a person's name. */
export function looksLikePerson(text: string): boolean {
  const read = readPersonName(text)
  return read !== null && read.sign !== 'shape'
}

/**
 * Whether a text is what somebody does: `Sales Manager`, `Director of Operations`, `President &
 * CEO`.
 */
export function isRole(text: string): boolean {
  if (text.length < 2 || text.length > 60 || /[@:;!?©|]|\d{3}|https?/.test(text)) return false
  if (!/^\p{L}/u.test(text) || text.split(/\s+/).length > 8) return false
  // The first part ends in the role: what follows says of what, or names a second one.
  const [part = ''] = text.toLowerCase().split(/ (?:of|at|for|and|in|to|-|–) |[,/&]| - /)
  return ROLE_WORDS.has(part.trim().split(/\s+/).at(-1) ?? '')
}
