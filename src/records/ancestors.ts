// The elements around a record: their names, and the prefixes that they declare for what is in
// them.

import { expandedName } from './path.js'

export interface Ancestor {
  /** As written. */
  readonly name: string
  /** Whether it lies on the path to the records. */
  readonly isOnPath: boolean
  /** Prefixes in scope within it. */
  readonly namespaces: { readonly [prefix: string]: string }
}

export interface StartTag {
  readonly name: string
  readonly isEmpty: boolean
  readonly expanded: string
  readonly namespaces: { readonly [prefix: string]: string }
}

const NAME = /^<([^\s/>]+)/
const DECLARATION = /\sxmlns(?::([^\s=]+))?\s*=\s*(?:"([^"]*)"|'([^']*)')/g
const ENTITIES: { readonly [entity: string]: string } = {
  '&lt;': '<',
  '&gt;': '>',
  '&quot;': '"',
  '&apos;': "'",
  '&amp;': '&',
}

/** Reads a start tag within these ancestors. @returns null for what is no tag. */
export function readStartTag(text: string, around: Ancestor | undefined): StartTag | null {
  const name = NAME.exec(text)?.[1]
  if (name === undefined) return null
  const declared = [...text.matchAll(DECLARATION)].map(([, prefix = '', double, single = '']) => {
    const uri = (double ?? single).replaceAll(/&\w+;/g, (entity) => ENTITIES[entity] ?? entity)
    return [prefix, uri] as const
  })
  const outer = around?.namespaces ?? {}
  const namespaces = declared.length === 0 ? outer : { ...outer, ...Object.fromEntries(declared) }
  const [prefix, local] = name.includes(':') ? name.split(':', 2) : ['', name]
  const uri = namespaces[prefix ?? ''] ?? (prefix === '' ? '' : `unbound:${prefix}`)
  const isEmpty = text.endsWith('/>')
  return { name, isEmpty, namespaces, expanded: expandedName(uri, local ?? '') }
}
