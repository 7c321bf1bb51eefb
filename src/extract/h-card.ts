// Microformats: h-card and its older form hCard, as properties of schema.org.

import { EXTRACT_BOUNDS } from './bounds.js'
import { classesOf, type Page, type PageElement, textOf } from './page.js'
import { type Thing, ThingBuilder } from './things.js'

const PROPERTY_OF: Readonly<Record<string, string>> = {
  'p-name': 'name',
  fn: 'name',
  'p-org': 'organization',
  org: 'organization',
  'organization-name': 'organization',
  'p-job-title': 'jobTitle',
  'p-role': 'jobTitle',
  title: 'jobTitle',
  role: 'jobTitle',
  'u-email': 'email',
  email: 'email',
  'p-tel': 'telephone',
  'u-tel': 'telephone',
  tel: 'telephone',
  'p-tel-fax': 'faxNumber',
  'p-fax': 'faxNumber',
  'p-country-name': 'addressCountry',
  'country-name': 'addressCountry',
}
const ROOTS = new Set(['h-card', 'vcard'])

function readProperty(page: Page, element: PageElement, property: string) {
  const { attributes } = element
  const text = textOf(page, element)
  const inside = descendants(page, element)
  const value = inside.find((one) => classesOf(one).includes('value'))
  const written = value === undefined ? text : textOf(page, value)
  const link = [element, ...inside].map((one) => one.attributes.href ?? '')
  if (property === 'email') {
    const mailto = link.find((href) => /^mailto:/i.test(href))
    return { property, value: mailto ?? written }
  }
  if (property !== 'telephone') return { property, value: written.split('\n')[0]?.trim() ?? '' }
  const types = inside.filter((one) => classesOf(one).includes('type'))
  const type = types.map((one) => `${one.attributes.title ?? ''} ${textOf(page, one)}`).join(' ')
  const isFax = /\bfax\b/i.test(type) || /^\s*(?:fax|f)\b[:.]?/i.test(text)
  const number = link.find((href) => /^tel:/i.test(href))?.slice(4) ?? attributes.value ?? written
  return { property: isFax ? 'faxNumber' : property, value: number.replace(/^[^\d+(]+/, '') }
}

/** The first descendants of a property: none needs more. */
function descendants(page: Page, element: PageElement): readonly PageElement[] {
  const end = Math.min(element.last, element.index + EXTRACT_BOUNDS.propertyElementsMax)
  return page.elements.slice(element.index + 1, end + 1)
}

function readCard(page: Page, root: PageElement): Thing {
  const fields = new Map<string, string[]>()
  for (const element of page.elements.slice(root.index, root.last + 1)) {
    if (element.end - element.start > EXTRACT_BOUNDS.cardCharsMax) continue
    for (const token of classesOf(element)) {
      const name = PROPERTY_OF[token]
      if (name === undefined || !Object.hasOwn(PROPERTY_OF, token)) continue
      const { property, value } = readProperty(page, element, name)
      fields.set(property, [...(fields.get(property) ?? []), value])
    }
  }
  return toThing(fields)
}

function toThing(fields: ReadonlyMap<string, readonly string[]>): Thing {
  const name = fields.get('name')?.[0] ?? ''
  const organization = fields.get('organization')?.[0] ?? ''
  // A card whose name is its organisation is the card of the organisation.
  const isOrganization = organization !== '' && (name === '' || name === organization)
  const type = isOrganization ? 'Organization' : organization === '' ? 'Card' : 'Person'
  const thing = new ThingBuilder([type], 'h-card')
  for (const [property, values] of fields) {
    if (property !== 'organization') for (const value of values) thing.add(property, value)
  }
  if (isOrganization && name === '') thing.add('name', organization)
  if (type === 'Person') {
    const employer = new ThingBuilder(['Organization'], 'h-card')
    employer.add('name', organization)
    thing.add('worksFor', employer)
  }
  return thing
}

/** Cards that a page marks with the classes of h-card or hCard. */
export function readCards(page: Page): Thing[] {
  const cards: Thing[] = []
  let end = -1
  for (const element of page.elements) {
    if (element.index <= end || element.attributes.class === undefined) continue
    if (!classesOf(element).some((token) => ROOTS.has(token))) continue
    cards.push(readCard(page, element))
    end = element.last
  }
  return cards
}
