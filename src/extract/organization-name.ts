import { EXTRACT_BOUNDS } from './bounds.js'
import { NOT_IN_PERSON, ROLE_WORDS } from './name-words.js'
import { foldName } from './text.js'

/** What templates and programs call themselves, and what pages are called. */
const NO_NAME = new RegExp(
  [
    '^(?:home|home ?page|contact|contacts|contact us|about|about us|welcome|index|',
    'untitled(?: document)?|site|website|web ?site|my (?:site|blog|website)|',
    'wordpress|joomla|drupal|blog|company|company name|your company(?: name)?|',
    'all rights reserved|privacy(?: policy)?|terms.*|the site|page|news|login|error|',
    String.raw`not found|default|copyright.*|\d+|.*powered by.*|.*rights reserved.*)$`,
  ].join(''),
  'i',
)

/** Legal forms that follow an organisation's name. Longer ones first. */
export const LEGAL_FORM =
  '(?:(?:GmbH & Co\\.? KG|Pty\\.? Ltd|Pte\\.? Ltd|Pvt\\.? Ltd|S\\.? ?p\\.? ?A|S\\.?r\\.?l|' +
  'S\\.?L\\.?U|Sp\\. z o\\.o|e\\.? ?V|Ltda|Lda)\\.?|(?:Incorporated|Inc|L\\.L\\.C|LLC|' +
  'L\\.L\\.P|LLP|Limited|Ltd|Corporation|Corp|Company|Co|P\\.L\\.C|PLC|plc|GmbH|mbH|AG|KG|' +
  'OHG|SARL|SAS|SA|B\\.V|BV|N\\.V|NV|AB|ApS|A/S|AS|Oy|PLLC|P\\.C|P\\.A|LP|' +
  'N\\.A)(?![\\p{L}\\d])\\.?)'

/** Whether a text that is said to be an organisation's name can be one. */
export function isOrganizationName(text: string): boolean {
  const name = text.trim()
  if (name.length < 2 || name.length > EXTRACT_BOUNDS.nameCharsMax) return false
  if (!/\p{L}{2}|\p{Lo}/u.test(name) || /[@{}<>=]|https?:|\n/.test(name)) return false
  return !NO_NAME.test(name) && foldName(name).length >= 2
}

/** Name without its legal form: `Acme Ltd.` and `Acme` are one. */
export function withoutLegalForm(name: string): string {
  return name.replace(new RegExp(`[\\s,]+${LEGAL_FORM}$`, 'u'), '').trim()
}

/**
 * Whether every word is one of those that pages are headed with: `Quick Quote`, `Customer Care`.
 */
export function isGenericPhrase(text: string): boolean {
  const tokens = foldName(text).split(' ')
  return tokens.every(
    (token) => NOT_IN_PERSON.has(token) || ROLE_WORDS.has(token) || /^\d+$/.test(token),
  )
}
