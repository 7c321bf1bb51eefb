// People in the visible text: names on lines of their own, in lists with a role, and in prose.

import { EXTRACT_BOUNDS } from './bounds.js'
import type { FoundIn } from './contact.js'
import { DOUBTFUL_NAMES, GIVEN_NAMES } from './given-names.js'
import { ROLE_WORDS } from './name-words.js'
import { linesOf, type Page, type PageLine } from './page.js'
import { isRole, readPersonName } from './person-name.js'

export interface PersonSighting {
  readonly name: string
  readonly role: string | null
  readonly foundIn: FoundIn
  readonly trust: number
  readonly offset: number
}

const TRUST = { withRole: 1, alone: 0.8, inText: 0.6 } as const
/** Between a name and a role on one line: `Ann Green, Director`, `Ann Green - Director`. */
const SPLIT = /\s*(?:,|–|—|\||\s-\s|\(|:)\s*/
const CAPITALIZED = /(?<![\p{L}\d@'’-])\p{Lu}\p{Ll}+(?:-\p{Lu}\p{Ll}+)?(?= )/gu
/** The words behind a given name that may belong to it. */
const REST = new RegExp(
  [
    String.raw`(?: (?:\p{Lu}\.|van|von|de|der|du|la|(?:Mc|Mac|De|Di|Du|La|Le|`,
    String.raw`O['’])?\p{Lu}\p{Ll}+(?:[-'’]\p{Lu}\p{Ll}+)?)(?![\p{L}\d@])){1,3}`,
  ].join(''),
  'uy',
)
/** Words in front of a name that are no part of one with it. */
const LEADS = new RegExp(
  [
    String.raw`(?:^|[\s("])(?:Mr|Mrs|Ms|Miss|Dr|Prof|By|Contact|Call|Dear|Meet|With|And|Hi|`,
    'Email|Ask|For|To|From|Thanks|Thank|Author|Owners?|President|Director|Manager|',
    String.raw`Founder|CEO|Chef|Principal|Attorney|Mayor)\.? $`,
  ].join(''),
  'u',
)

/** A whole line that is a name, perhaps with its role, before or after it. */
function readLine(line: PageLine, next: PageLine | undefined): PersonSighting | null {
  const { text, start: offset } = line
  if (text.length > 2 * EXTRACT_BOUNDS.nameCharsMax) return null
  const whole = readPersonName(text)
  if (whole !== null && whole.sign !== 'shape') {
    const role = next !== undefined && isRole(next.text) ? next.text : null
    if (whole.sign === 'doubtful' && role === null) return null
    const trust = role === null ? TRUST.alone : TRUST.withRole
    return { name: whole.name, role, foundIn: 'list', trust, offset }
  }
  return readPair(line)
}

function readPair(line: PageLine): PersonSighting | null {
  const match = SPLIT.exec(line.text)
  if (match === null) return null
  const left = line.text.slice(0, match.index)
  const right = line.text.slice(match.index + match[0].length).replace(/\)$/, '')
  for (const [name, role] of [
    [left, right],
    [right, left],
  ] as const) {
    const read = readPersonName(name)
    if (read === null || read.sign === 'shape' || !isRole(role)) continue
    const trust = TRUST.withRole
    return { name: read.name, role, foundIn: 'list', trust, offset: line.start }
  }
  return null
}

/** The name that begins with a word of prose; null when the word begins none. */
function readRun(text: string, match: RegExpExecArray): string | null {
  const given = match[0]
  const lower = given.toLowerCase().split('-')[0] ?? ''
  if (!GIVEN_NAMES.has(lower) || DOUBTFUL_NAMES.has(lower)) return null
  const before = text.slice(Math.max(0, match.index - 24), match.index)
  // In the middle of other capitalised words: a street, a school, somebody's second given name.
  if (/\p{Lu}[\p{L}.'’&-]* $/u.test(before) && !LEADS.test(before)) return null
  REST.lastIndex = match.index + given.length
  const tokens = (REST.exec(text)?.[0] ?? '').trim().split(' ')
  // The longest run that is a name: "Ann Green Director" ends before the role.
  for (let count = tokens.length; count >= 1; count -= 1) {
    const read = readPersonName([given, ...tokens.slice(0, count)].join(' '))
    if (read?.sign === 'given')
      return count === tokens.length || isEnd(tokens[count]) ? read.name : null
  }
  return null
}

/**
 * Whether a name may end before a word: a word of business behind it makes it the name of a firm.
 */
function isEnd(word: string | undefined): boolean {
  return word !== undefined && ROLE_WORDS.has(word.toLowerCase())
}

function readProse(page: Page): PersonSighting[] {
  const { text } = page
  const found: PersonSighting[] = []
  let end = 0
  for (const match of text.matchAll(CAPITALIZED)) {
    const name = match.index < end ? null : readRun(text, match)
    if (name === null) continue
    end = match.index + name.length
    const behind = /^(?:, ?| ?\(| [-–—] )([^\n\t.;:()@,]{3,60})/
      .exec(text.slice(end, end + 70))?.[1]
      ?.trim()
    const role = behind !== undefined && isRole(behind) ? behind : null
    const trust = role === null ? TRUST.inText : TRUST.alone
    found.push({ name, role, foundIn: 'text', trust, offset: match.index })
  }
  return found
}

/** People that a page names, in the order of the page within each way of finding them. */
export function findPeople(page: Page): PersonSighting[] {
  const lines = linesOf(page.text)
  const listed = lines
    .map((line, index) => readLine(line, lines[index + 1]))
    .filter((person) => person !== null)
  return [...listed, ...readProse(page)]
}
