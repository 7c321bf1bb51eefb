import { EXTRACT_BOUNDS } from './bounds.js'
import { type Thing, ThingBuilder } from './things.js'

type Reader = { nodes: number; readonly roots: Thing[] }

function parseJson(source: string): unknown {
  // Comments, CDATA marks and line breaks inside strings are what broken blocks usually suffer
  // from.
  const bare = source
    .replace(/^\s*(?:<!--|\/\*\s*<!\[CDATA\[\s*\*\/|\/\/\s*<!\[CDATA\[|<!\[CDATA\[)/, '')
    .replace(/(?:-->|\/\*\s*\]\]>\s*\*\/|\/\/\s*\]\]>|\]\]>)\s*$/, '')
    .replace(/;\s*$/, '')
  for (const text of [bare, bare.replace(/[\r\n\t]+/g, ' ').replace(/,\s*([}\]])/g, '$1')]) {
    try {
      return JSON.parse(text)
    } catch {
      // The next spelling may parse; a block that never does says nothing.
    }
  }
  return null
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function typesOf(node: Record<string, unknown>): string[] {
  const types = node['@type']
  const list: unknown[] = Array.isArray(types) ? types : [types]
  return list.filter((type) => typeof type === 'string')
}

function readNode(node: Record<string, unknown>, depth: number, reader: Reader): Thing {
  const thing = new ThingBuilder(typesOf(node), 'json-ld')
  for (const [property, value] of Object.entries(node)) {
    if (property === '@graph') readRoots(value, depth + 1, reader)
    else if (!property.startsWith('@')) readValues({ thing, property, value, depth }, reader)
  }
  return thing
}

function readValues(
  field: { thing: ThingBuilder; property: string; value: unknown; depth: number },
  reader: Reader,
): void {
  const { thing, property, value, depth } = field
  reader.nodes += 1
  if (depth > EXTRACT_BOUNDS.jsonDepthMax || reader.nodes > EXTRACT_BOUNDS.jsonNodesMax) return
  if (typeof value === 'string') thing.add(property, value)
  else if (typeof value === 'number') thing.add(property, String(value))
  else if (Array.isArray(value)) {
    for (const one of value) readValues({ thing, property, value: one, depth: depth + 1 }, reader)
  } else if (isRecord(value)) {
    const literal = value['@value']
    if (typeof literal === 'string') thing.add(property, literal)
    else thing.add(property, readNode(value, depth + 1, reader))
  }
}

function readRoots(value: unknown, depth: number, reader: Reader): void {
  reader.nodes += 1
  if (depth > EXTRACT_BOUNDS.jsonDepthMax || reader.nodes > EXTRACT_BOUNDS.jsonNodesMax) return
  if (Array.isArray(value)) for (const one of value) readRoots(one, depth + 1, reader)
  else if (isRecord(value)) reader.roots.push(readNode(value, depth, reader))
}

/** The things that `application/ld+json` blocks describe. A block that is no JSON says nothing. */
export function readJsonLd(sources: readonly string[]): Thing[] {
  const reader: Reader = { nodes: 0, roots: [] }
  for (const source of sources) {
    if (source.length <= EXTRACT_BOUNDS.scriptCharsMax) readRoots(parseJson(source), 0, reader)
  }
  return reader.roots
}
