// The organisation behind a page: by its metadata, its copyright line, its title, its postal
// address, and legal forms in the text.

import { getDomainWithoutSuffix } from 'tldts'
import { EXTRACT_BOUNDS } from './bounds.js'
import type { FoundIn } from './contact.js'
import {
  isGenericPhrase,
  isOrganizationName,
  LEGAL_FORM,
  withoutLegalForm,
} from './organization-name.js'
import { linesOf, type Page, type PageLine } from './page.js'
import { isRole, looksLikePerson } from './person-name.js'
import { foldName } from './text.js'

export interface OrganizationSighting {
  readonly name: string
  readonly foundIn: FoundIn
  readonly trust: number
}

/** An author is left out: it may be the agency that made the page. */
const SITE_NAME = new Set([
  'og:site_name',
  'application-name',
  'twitter:app:name:iphone',
  'dc.publisher',
])

function fromMeta(page: Page): OrganizationSighting[] {
  const found: OrganizationSighting[] = []
  for (const { name, attributes } of page.elements) {
    if (name !== 'meta') continue
    const key = (attributes.property ?? attributes.name ?? '').toLowerCase()
    const content = (attributes.content ?? '').trim()
    if (!SITE_NAME.has(key) || !isOrganizationName(content) || looksLikePerson(content)) continue
    found.push({ name: content, foundIn: 'meta', trust: 1 })
  }
  return found
}

const COPYRIGHT = new RegExp(
  [
    String.raw`(?:©|\(c\)|\bcopyright\b)(?:[ ©,:]|\(c\)|\bcopyright\b|\d{4}|[-–—]|\bby\b|`,
    String.raw`present){0,16}([^\n\t©|]{2,90})`,
  ].join(''),
  'giu',
)
const YEARS_BEHIND = /[ ,]*\b(?:19|20)\d{2}\b.*$/u
/** Where the name ends: sentences and links that follow it on the line. */
const TAIL = new RegExp(
  [
    String.raw`(?:[.,;:|•·–—]|\s-)?\s*(?:all rights|all right |rights reserved|alle rechte|`,
    'tous droits|todos los|terms|privacy|sitemap|site map|site by|web ?site|',
    'web design|design(?:ed)? by|powered|developed|hosted|disclaimer|legal|contact|',
    String.raw`home\b|use of|registered|no part|is a |are |cookies|website|login|reproduction|`,
    'trademark|this ).*$',
  ].join(''),
  'iu',
)

/** The holder in a copyright line. */
export function readCopyrightHolder(line: string): string | null {
  const name = line
    .replace(TAIL, '')
    .replace(YEARS_BEHIND, '')
    .replace(/\.\s+\p{Lu}.*$/u, (rest) => (/^\.\s+(?:Inc|Ltd|Co|LLC|&)\b/.test(rest) ? rest : ''))
    .replace(/^[\s,.:–-]+|[\s,;:|–-]+$/gu, '')
    .replace(/(?<!\b(?:Inc|Ltd|Co|Corp|L\.L\.C|LLC|S\.A|N\.A|Bros|Assoc))\.$/u, '')
  const words = name.split(/\s+/).length
  if (words > 9 || !/^[\p{Lu}\p{Lo}\d]|^[a-z]+[A-Z.]/u.test(name)) return null
  return isOrganizationName(name) && !looksLikePerson(name) ? name : null
}

function fromCopyright(page: Page): OrganizationSighting[] {
  const found: OrganizationSighting[] = []
  for (const match of page.text.matchAll(COPYRIGHT)) {
    // The notice of an embedded map names the map's maker.
    if (/(?:map ?data|imagery|kartendaten|données)\s*$/i.test(lead(page, match.index))) continue
    const name = readCopyrightHolder(match[1] ?? '')
    if (name !== null) found.push({ name, foundIn: 'copyright', trust: 1 })
  }
  return found
}

const WORD = "(?:[\\p{Lu}\\d](?:[\\p{L}.]{0,3}\\.|[\\p{L}\\d'’&-]*))"
const JOIN = '(?: (?:and|of|the|de|du|der|und|et|y|&|\\+))?'
const LEGAL_NAME = new RegExp(
  `(?<![\\p{L}\\d])(${WORD}(?:,?${JOIN} ${WORD}){0,5}?)((?:,? ${LEGAL_FORM}){1,2})(?![\\p{L}\\d])`,
  'gu',
)
/** Words before a name that only begin a sentence or a line with it. */
const LEAD = new RegExp(
  [
    '^(?:(?:By|At|From|With|And|For|Of|In|To|Contact|About|Copyright|Welcome|Our|',
    String.raw`Your|Why|Because|Join|Visit|Meet|Call|Home|When|If|As|is) |[\d\s,.–-]+ )+`,
  ].join(''),
)
/** Who made the page, as opposed to whose it is. */
const CREDIT =
  /(?:design|develop|power|host|creat|built|build|site|maintain|market|optimi[sz])\w*\W+by\W*$/i

/** The words in front of an offset. */
const lead = (page: Page, offset: number): string =>
  page.text.slice(Math.max(0, offset - 40), offset)

function fromLegalForms(page: Page): OrganizationSighting[] {
  const found: OrganizationSighting[] = []
  for (const match of page.text.matchAll(LEGAL_NAME)) {
    if (CREDIT.test(lead(page, match.index))) continue
    const core = (match[1] ?? '').replace(LEAD, '')
    // "Company" and "Co" alone end sentences as often as names: two words must stand before them.
    const needsTwo = /^,? (?:Company|Co|AS|SA|AB|AG|LP)\.?$/.test(match[2] ?? '')
    if (core.length < 2 || (needsTwo && !core.includes(' '))) continue
    const name = `${core}${match[2]}`
    if (isOrganizationName(name)) found.push({ name, foundIn: 'text', trust: 0.8 })
  }
  return found
}

const STREET = new RegExp(
  [
    String.raw`^(?:\d{1,6}[-\w]{0,4},? [\p{Lu}\d].{3,60}|P\.? ?O\.? Box \d.*|(?:Suite|Unit|`,
    String.raw`Level|Floor) \d.*)$`,
  ].join(''),
  'iu',
)
const STREET_WORD = new RegExp(
  [
    String.raw`\b(?:street|st|avenue|ave|road|rd|boulevard|blvd|drive|dr|lane|ln|way|court|ct|`,
    'place|pl|plaza|square|sq|highway|hwy|parkway|pkwy|circle|terrace|trail|route|',
    String.raw`box|suite|floor|unit|level|broadway|close|crescent)\b`,
  ].join(''),
  'i',
)

/** The line above a street: the addressee. */
function fromAddresses(lines: readonly PageLine[]): OrganizationSighting[] {
  const found: OrganizationSighting[] = []
  for (const [index, line] of lines.entries()) {
    const above = lines[index - 1]?.text
    if (above === undefined || !STREET.test(line.text) || !STREET_WORD.test(line.text)) continue
    if (!isAddressee(above)) continue
    found.push({ name: above.replace(/[,:]$/, ''), foundIn: 'address', trust: 0.7 })
  }
  return found
}

function isAddressee(line: string): boolean {
  if (line.length > 60 || /[:!?@]|\d{3}/.test(line) || STREET_WORD.test(line)) return false
  if (isRole(line) || looksLikePerson(line) || !isOrganizationName(line)) return false
  const words = line.split(/\s+/).filter((word) => word.length > 3)
  if (isGenericPhrase(line)) return false
  const isTitleCase = words.length > 0 && words.every((word) => /^[\p{Lu}\d(&]/u.test(word))
  return isTitleCase && !PAGE_WORD.test(line) && !PLACE.test(line)
}

const PAGE_WORD = new RegExp(
  [
    String.raw`\b(?:address|location|locations|directions|office|offices|hours|mail|mailing|`,
    'contact|phone|visit|map|find|headquarters|click|menu|search|home|us|service|',
    String.raw`support|department|information)\b`,
  ].join(''),
  'i',
)

/** A town with its state, or a state: the end of another address. */
const PLACE = new RegExp(
  [
    String.raw`, [A-Z]{2}\b|^(?:New (?:York|Jersey|Mexico|Hampshire)|(?:North|South|`,
    String.raw`West) (?:Carolina|Dakota|Virginia)|Rhode Island|[\p{L}]+ \d{4,5})$`,
  ].join(''),
  'u',
)

/**
 * Parts of the title that the page calls itself by: in its host, in its addresses, or in its
 * text.
 */
function fromTitle(page: Page, hosts: readonly string[], known: ReadonlySet<string>) {
  const sites = hosts
    .map((host) => host.replace(/[^a-z\d]/g, ''))
    .filter((site) => site.length >= 4)
  const found: OrganizationSighting[] = []
  for (const written of page.title.split(/\s*(?:[|–—:·•»>]|\s-+\s|::)\s*/)) {
    const part = written.replace(/^(?:About|Contact|Welcome to|Why|Visit|Home of) /i, '')
    const folded = foldName(part).replace(/ /g, '')
    if (!isOrganizationName(part) || folded.length < 4) continue
    const isOfHost = sites.some(
      (site) => site === folded || (site.startsWith(folded) && folded.length >= 6),
    )
    if (!isOfHost && !known.has(foldName(part)) && !isRepeated(page, part)) continue
    found.push({ name: part, foundIn: 'title', trust: isOfHost ? 1.2 : 1 })
  }
  return found
}

/** A name that the text uses again and again as a phrase of its own. */
function isRepeated(page: Page, part: string): boolean {
  const words = part.split(' ')
  if (words.length < 2 || words.length > 6 || PAGE_WORD.test(part) || isGenericPhrase(part))
    return false
  if (!words.every((word) => /^[\p{Lu}\d&]|^(?:and|of|the|for|in)$/u.test(word))) return false
  return page.text.split(part).length - 1 >= 2 && !looksLikePerson(part)
}

/** The host of the page, and those of the addresses and of the canonical link that it gives. */
function hostsOf(page: Page, host: string): string[] {
  const hosts = new Set([host])
  for (const { name, attributes } of page.elements) {
    const href = attributes.href ?? ''
    if (name === 'base' || (name === 'link' && attributes.rel === 'canonical')) {
      hosts.add(/^https?:\/\/([^/?#:]{1,253})/i.exec(href)?.[1] ?? '')
    }
    const mail = name === 'a' ? /^mailto:[^@?]{1,64}@([^?&,;]{3,253})/i.exec(href)?.[1] : undefined
    if (mail !== undefined && hosts.size < 8) hosts.add(mail)
  }
  return [...hosts].map((one) => getDomainWithoutSuffix(one.toLowerCase()) ?? '')
}

/** Organisations that a page names, the likelier sources first. */
export function findOrganizations(page: Page, host: string): OrganizationSighting[] {
  const lines = linesOf(page.text)
  const found = [
    ...fromMeta(page),
    ...fromCopyright(page),
    ...fromLegalForms(page),
    ...fromAddresses(lines),
  ]
  const known = new Set(found.map(({ name }) => foldName(withoutLegalForm(name))))
  const all = [...found, ...fromTitle(page, hostsOf(page, host), known)]
  return all.slice(0, EXTRACT_BOUNDS.contactsMax)
}
