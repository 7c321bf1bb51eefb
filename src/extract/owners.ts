// Whose contact an address or a number is: the person named on its line, just above it, or in the
// link.

import type { Page } from './page.js'
import type { PersonSighting } from './people.js'

export interface Owner {
  readonly name: string | null
  readonly role: string | null
}

const NOBODY: Owner = { name: null, role: null }
/** Characters and lines between a person and the contacts listed below the name. */
const REACH_CHARS = 240
const REACH_LINES = 5

interface Place {
  readonly value: string
  readonly offset: number | null
}

export interface Owners {
  readonly ofEmail: (email: Place) => Owner
  readonly ofNumber: (number: Place) => Owner
}

const fold = (text: string): string => text.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase()

/** Whether the local part of an address is made of a name: ann.green, agreen, anng, green. */
function isMadeOfName(local: string, name: string): boolean {
  const tokens = fold(name)
    .split(/[^a-z]+/)
    .filter((token) => token.length > 1)
  const [first = '', last = ''] = [tokens[0], tokens.at(-1)]
  const letters = fold(local).replace(/[^a-z]/g, '')
  if (letters.length < 3 || tokens.length < 2) return false
  return [
    first + last,
    last + first,
    `${first[0]}${last}`,
    `${last}${first[0]}`,
    `${first}${last[0]}`,
    first,
    last,
  ].includes(letters)
}

/** The nearest person in front of an offset, when no other block lies between. */
function nearest(page: Page, people: readonly PersonSighting[], offset: number): Owner {
  let best: PersonSighting | null = null
  for (const person of people) {
    if (person.offset > offset || offset - person.offset > REACH_CHARS) continue
    if (best === null || person.offset > best.offset) best = person
  }
  if (best === null) return NOBODY
  const between = page.text.slice(best.offset, offset)
  const lines = between.split('\n').length - 1
  // In prose the sentence ends what is said of a person.
  const isFar =
    lines > REACH_LINES || (lines === 0 && /[.!?]\s+\p{Lu}/u.test(between.slice(best.name.length)))
  return isFar ? NOBODY : { name: best.name, role: best.role }
}

/** Finds owners among the people of a page. */
export function ownersOf(page: Page, people: readonly PersonSighting[]): Owners {
  const sorted = [...people].sort((a, b) => a.offset - b.offset)
  const around = (offset: number): PersonSighting[] => window(sorted, offset)
  return {
    ofEmail: ({ value, offset }) => {
      const local = value.slice(0, value.lastIndexOf('@'))
      const named = people.find(({ name }) => isMadeOfName(local, name))
      if (named !== undefined) return { name: named.name, role: named.role }
      // A shared mailbox belongs to nobody, whoever is named above it.
      if (offset === null || SHARED.test(local)) return NOBODY
      return nearest(page, around(offset), offset)
    },
    ofNumber: ({ offset }) => (offset === null ? NOBODY : nearest(page, around(offset), offset)),
  }
}

const SHARED = new RegExp(
  [
    '^(?:info|contact|sales|office|support|hello|mail|admin|enquiries|inquiries|',
    'service|help|jobs|careers|press|media|webmaster|orders?|bookings?|reservations?|',
    'customer.*|kontakt|post|team|hr|billing|accounts?|privacy|marketing)$',
  ].join(''),
)

/** The few people in front of an offset that may own what stands there. */
function window(sorted: readonly PersonSighting[], offset: number): PersonSighting[] {
  let low = 0
  let high = sorted.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((sorted[middle]?.offset ?? 0) <= offset) low = middle + 1
    else high = middle
  }
  return sorted.slice(Math.max(0, low - 4), low)
}
