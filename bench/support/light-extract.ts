// E-mail addresses and telephone numbers by two patterns, no more: what every contender of
// `bench:fetch -- --peers` does with a page, in whichever language it is written. The patterns are
// one file for all of them.

import { readFileSync } from 'node:fs'

/** Where the peers' package and scripts are, as seen from the built output. */
export const PEERS_DIRECTORY = new URL('../../../bench/peers-fetch/', import.meta.url)

export interface LightContacts {
  /** Each once, in the order of the page, parted by blanks. */
  readonly emails: string
  readonly phones: string
}

function readPatterns(): { readonly emails: RegExp; readonly phones: RegExp } {
  const read: unknown = JSON.parse(readFileSync(new URL('patterns.json', PEERS_DIRECTORY), 'utf8'))
  const pattern = (name: string): RegExp => {
    const source: unknown =
      typeof read === 'object' && read !== null
        ? Object.getOwnPropertyDescriptor(read, name)?.value
        : null
    if (typeof source === 'string') return new RegExp(source, 'g')
    throw new Error(`Expected a pattern named ${name}.`)
  }
  return { emails: pattern('email'), phones: pattern('phone') }
}

const PATTERNS = readPatterns()

function findAll(pattern: RegExp, html: string): string {
  return [...new Set(html.match(pattern) ?? [])].join(' ')
}

export function extractLight(html: string): LightContacts {
  return { emails: findAll(PATTERNS.emails, html), phones: findAll(PATTERNS.phones, html) }
}
