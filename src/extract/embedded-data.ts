// Microdata and RDFa: things that attributes mark in the visible page.

import { EXTRACT_BOUNDS } from './bounds.js'
import { type Page, type PageElement, textOf } from './page.js'
import { type Thing, ThingBuilder } from './things.js'

interface Scope {
  readonly thing: ThingBuilder
  /** Index of the last element inside. */
  readonly last: number
}

interface Dialect {
  /** Types of the thing an element begins; null when it begins none. */
  readonly typesOf: (element: PageElement) => readonly string[] | null
  /** Properties of the thing around it that an element gives. */
  readonly propertiesOf: (element: PageElement) => readonly string[]
  readonly foundIn: 'microdata' | 'rdfa'
}

const tokens = (list: string | undefined): readonly string[] =>
  (list ?? '').split(/\s+/).filter((token) => token !== '')

const MICRODATA: Dialect = {
  typesOf: ({ attributes }) =>
    'itemscope' in attributes || attributes.itemtype !== undefined
      ? tokens(attributes.itemtype)
      : null,
  propertiesOf: ({ attributes }) => tokens(attributes.itemprop),
  foundIn: 'microdata',
}

const RDFA: Dialect = {
  typesOf: ({ attributes }) => (attributes.typeof === undefined ? null : tokens(attributes.typeof)),
  propertiesOf: ({ name, attributes }) =>
    name === 'meta' && attributes.property?.includes(':') === true
      ? []
      : tokens(attributes.property),
  foundIn: 'rdfa',
}

/** The value an element gives: what its attributes say for machines, else its text. */
function readValue(page: Page, element: PageElement): string {
  const { attributes, name } = element
  const given = attributes.content
  if (given !== undefined) return given
  const href = name === 'a' || name === 'link' ? attributes.href : undefined
  const text = textOf(page, element).slice(0, EXTRACT_BOUNDS.propertyCharsMax)
  if (href === undefined) return attributes.datetime ?? text
  // A link's text is what people read; only without one does its target count.
  return text === '' || /^(?:mailto|tel):/i.test(href) ? href : text
}

function readDialect(page: Page, dialect: Dialect): Thing[] {
  const roots: Thing[] = []
  const open: Scope[] = []
  for (const element of page.elements) {
    const properties = dialect.propertiesOf(element)
    const types = dialect.typesOf(element)
    if (properties.length === 0 && types === null) continue
    while ((open.at(-1)?.last ?? element.index) < element.index) open.pop()
    const around = open.at(-1)?.thing
    const thing = types === null ? null : new ThingBuilder(types, dialect.foundIn)
    if (around !== undefined) addProperties(around, properties, thing ?? readValue(page, element))
    if (around !== undefined && properties.includes('sameAs')) {
      around.add('sameAs', element.attributes.href ?? '')
    }
    if (thing === null) continue
    if (around === undefined || properties.length === 0) roots.push(thing)
    open.push({ thing, last: element.last })
  }
  return roots
}

function addProperties(
  thing: ThingBuilder,
  properties: readonly string[],
  value: string | Thing,
): void {
  for (const property of properties) thing.add(property, value)
}

/** Things that are marked with microdata or RDFa attributes. */
export function readEmbeddedData(page: Page): Thing[] {
  return [...readDialect(page, MICRODATA), ...readDialect(page, RDFA)]
}
