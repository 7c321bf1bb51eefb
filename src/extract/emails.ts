import type { FoundIn } from './contact.js'
import { type EmailRules, normalizeEmail } from './email-address.js'
import { cfCodeOf, readCfEmail, readMailto, readSplitEmail } from './email-links.js'
import { findScriptEmails } from './email-scripts.js'
import { findEmails } from './email-text.js'
import { closest, elementAt, type Page, type PageElement, textOf } from './page.js'

/** A contact at a place of the page; `offset` is null where it stands outside the visible text. */
export interface Sighting {
  readonly value: string
  readonly shown: string
  readonly foundIn: FoundIn
  readonly offset: number | null
}

const ADDRESS = new Set(['address'])
const MAIL_ATTRIBUTES = ['data-email', 'data-mail', 'data-mailto', 'data-email-address']

function fromAttributes(element: PageElement, rules: EmailRules): [FoundIn, string[]] | null {
  const { attributes } = element
  const href = attributes.href
  if (href !== undefined) {
    if (/^\s*mailto:/i.test(href)) return ['mailto', readMailto(href, rules)]
    const code = cfCodeOf(href)
    if (code !== null) return ['cfemail', one(readCfEmail(code, rules))]
  }
  const code = attributes['data-cfemail']
  if (code !== undefined) return ['cfemail', one(readCfEmail(code, rules))]
  const split = readSplitEmail(attributes, rules)
  if (split !== null) return ['attribute', [split]]
  for (const name of MAIL_ATTRIBUTES) {
    const value = normalizeEmail(attributes[name]?.trim() ?? '', rules)
    if (value !== null) return ['attribute', [value]]
  }
  const action = attributes.onclick ?? (href?.includes('mailto:') === true ? href : undefined)
  const hidden = action === undefined ? null : /mailto:([^'"\s)]{3,300})/i.exec(action)
  return hidden === null ? null : ['attribute', readMailto(hidden[1] ?? '', rules)]
}

const one = (value: string | null): string[] => (value === null ? [] : [value])

/** All e-mail addresses of a page, in the order of the page; one address may be seen many times. */
export function findPageEmails(page: Page, rules: EmailRules): Sighting[] {
  const found: Sighting[] = []
  for (const element of page.elements) {
    const read = fromAttributes(element, rules)
    if (read === null) continue
    const [foundIn, values] = read
    const text = textOf(page, element)
    for (const value of values) {
      const shown = text.toLowerCase() === value ? text : value
      found.push({ value, shown, foundIn, offset: element.start })
    }
  }
  for (const email of findEmails(page.text, rules)) {
    const { value, shown, offset } = email
    found.push({ value, shown, foundIn: placeOf(page, email), offset })
  }
  for (const script of page.scripts) {
    for (const value of findScriptEmails(script, rules)) {
      found.push({ value, shown: value, foundIn: 'script', offset: null })
    }
  }
  return found
}

function placeOf(page: Page, email: { offset: number; isObfuscated: boolean }): FoundIn {
  if (email.isObfuscated) return 'obfuscated'
  return closest(elementAt(page, email.offset), ADDRESS) === null ? 'text' : 'address'
}
