// Paths into a document: steps of element names, and perhaps an attribute at the end. Names are
// compared expanded, `{uri}local`, so that a document may choose prefixes of its own.

export interface XmlPath {
  /** Expanded names, from the element that the path starts at. */
  readonly steps: readonly string[]
  /** Expanded name of the attribute it ends in; null for the element's text. */
  readonly attribute: string | null
}

const NAME = /^(?:([\p{L}_][\p{L}\p{N}_.-]*):)?([\p{L}_][\p{L}\p{N}_.-]*)$/u

export const PATH_RULE =
  'a path such as `Applicant/Name`, `@id` or `.`, its steps names with or without a prefix'

export function expandedName(uri: string, local: string): string {
  return uri === '' ? local : `{${uri}}${local}`
}

/** The namespace and the local part of an expanded name. */
export function splitName(name: string): { readonly uri: string; readonly local: string } {
  const end = name.startsWith('{') ? name.lastIndexOf('}') : -1
  return { uri: end === -1 ? '' : name.slice(1, end), local: name.slice(end + 1) }
}

/** The prefixes and the local part, or what is wrong with the name. */
function readName(
  text: string,
  namespaces: ReadonlyMap<string, string>,
  isAttribute: boolean,
): { readonly name: string } | { readonly problem: string } {
  const match = NAME.exec(text)
  if (match === null) return { problem: PATH_RULE }
  const [, prefix, local = ''] = match
  // An attribute without a prefix is in no namespace, whatever the default one is.
  if (prefix === undefined) {
    return { name: expandedName(isAttribute ? '' : (namespaces.get('') ?? ''), local) }
  }
  const uri = namespaces.get(prefix)
  if (uri !== undefined) return { name: expandedName(uri, local) }
  return { problem: `a prefix that \`namespaces\` declares (\`${prefix}\` is none)` }
}

/** Reads a path that starts at some element. @returns the path, or the rule that it breaks. */
export function readPath(
  text: string,
  namespaces: ReadonlyMap<string, string>,
): XmlPath | { readonly problem: string } {
  if (text === '.') return { steps: [], attribute: null }
  const parts = text.split('/')
  const last = parts.at(-1) ?? ''
  const elements = last.startsWith('@') ? parts.slice(0, -1) : parts
  const steps: string[] = []
  for (const part of elements) {
    const read = readName(part, namespaces, false)
    if ('problem' in read) return read
    steps.push(read.name)
  }
  if (!last.startsWith('@')) return { steps, attribute: null }
  const attribute = readName(last.slice(1), namespaces, true)
  return 'problem' in attribute ? attribute : { steps, attribute: attribute.name }
}

/** Reads a path from the root of a document to its records: `/Applications/Application`. */
export function readRecordPath(
  text: string,
  namespaces: ReadonlyMap<string, string>,
): readonly string[] | { readonly problem: string } {
  const rule = 'a path from the root of the document, such as `/Applications/Application`'
  if (!text.startsWith('/') || text.includes('@')) return { problem: rule }
  const path = readPath(text.slice(1), namespaces)
  if ('problem' in path) return path
  return path.steps.length === 0 ? { problem: rule } : path.steps
}
