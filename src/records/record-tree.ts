// A record's XML as a tree of what the mapping asks for. The parser is strict: what is no
// well-formed XML with namespaces is refused. A document type is refused altogether, and with it
// every entity of a document's own: nothing is expanded, and nothing is ever loaded.

import { SaxesParser, type SaxesTagNS } from 'saxes'
import { messageOf } from '../core/errors.js'
import { LIMITS } from '../core/limits.js'
import { expandedName } from './path.js'
import type { Plan, Shape } from './plan.js'
import { RecordProblem } from './record-problem.js'

export interface RecordText {
  readonly xml: string
  /** Prefixes that elements around the record have declared. */
  readonly namespaces?: { readonly [prefix: string]: string }
}

export interface TreeNode {
  readonly line: number
  readonly attributes: ReadonlyMap<string, string>
  readonly children: Map<string, TreeNode[]>
  text: string
}

const NO_ATTRIBUTES: ReadonlyMap<string, string> = new Map()

function attributesOf(
  tag: SaxesTagNS,
  wanted: ReadonlySet<string>,
  known: Plan['known'],
): ReadonlyMap<string, string> {
  if (wanted.size === 0) return NO_ATTRIBUTES
  const found = new Map<string, string>()
  for (const { uri, local, value } of Object.values(tag.attributes)) {
    const name = known.get(local)?.get(uri)
    if (name !== undefined && wanted.has(name)) found.set(name, value)
  }
  return found
}

/** Follows the events of one parse. */
class TreeBuilder {
  readonly #plan: Plan
  readonly #parser: SaxesParser<{ xmlns: true }>
  /** Elements that are kept, from the record's own to the innermost. */
  readonly #open: { readonly node: TreeNode; readonly shape: Shape }[] = []
  /** Names of all open elements, for messages. */
  readonly #names: string[] = []
  /** Elements open below the innermost one that is kept. */
  #skipped = 0
  root: TreeNode | null = null

  constructor(plan: Plan, namespaces: RecordText['namespaces']) {
    this.#plan = plan
    const given = namespaces === undefined ? {} : { additionalNamespaces: { ...namespaces } }
    const parser = new SaxesParser({ xmlns: true, position: true, ...given })
    parser.on('error', (error) => this.#refuse(error.message.replace(/^\d+:\d+: /, '')))
    parser.on('doctype', () => this.#refuse('a document type (DOCTYPE) is not accepted'))
    parser.on('opentag', (tag) => this.#openTag(tag))
    parser.on('closetag', () => this.#closeTag())
    parser.on('text', (text) => this.#addText(text))
    parser.on('cdata', (text) => this.#addText(text))
    this.#parser = parser
  }

  read(xml: string): TreeNode {
    try {
      this.#parser.write(xml).close()
    } catch (error) {
      if (error instanceof RecordProblem) throw error
      this.#refuse(messageOf(error))
    }
    if (this.root === null) this.#refuse('there is no element')
    return this.root
  }

  #refuse(reason: string): never {
    const names = this.#names.slice(1).join('/')
    const place = names === '' ? this.#plan.place : `${this.#plan.place}/${names}`
    throw new RecordProblem(place, `${reason} (line ${this.#parser.line} of the record)`)
  }

  #openTag(tag: SaxesTagNS): void {
    this.#names.push(tag.name)
    if (this.#names.length > LIMITS.recordDepthMax) {
      this.#refuse(`elements are nested deeper than ${LIMITS.recordDepthMax} levels`)
    }
    const name = this.#skipped > 0 ? undefined : this.#plan.known.get(tag.local)?.get(tag.uri)
    const shape = this.#shapeFor(tag, name)
    if (shape === null || name === undefined) {
      this.#skipped += 1
      return
    }
    const { line } = this.#parser
    const attributes = attributesOf(tag, shape.attributes, this.#plan.known)
    const node: TreeNode = { line, attributes, children: new Map(), text: '' }
    const parent = this.#open.at(-1)
    if (parent === undefined) this.root = node
    else {
      const siblings = parent.node.children.get(name)
      if (siblings === undefined) parent.node.children.set(name, [node])
      else siblings.push(node)
    }
    this.#open.push({ node, shape })
  }

  /** The part of the shape that an element fills; null for one that nobody asks for. */
  #shapeFor(tag: SaxesTagNS, name: string | undefined): Shape | null {
    if (this.#skipped > 0) return null
    const parent = this.#open.at(-1)
    if (parent !== undefined) {
      return name === undefined ? null : (parent.shape.children.get(name) ?? null)
    }
    const expected = this.#plan.record.at(-1)
    if (name === expected) return this.#plan.shape
    const got = expandedName(tag.uri, tag.local)
    return this.#refuse(`expected the element ${expected}, got ${got}`)
  }

  #closeTag(): void {
    this.#names.pop()
    if (this.#skipped > 0) this.#skipped -= 1
    else this.#open.pop()
  }

  #addText(text: string): void {
    if (this.#skipped > 0) return
    const at = this.#open.at(-1)
    if (at?.shape.wantsText === true) at.node.text += text
  }
}

/**
 * Reads a record.
 *
 * @throws {RecordProblem} for what is not well-formed, too deep or too large, is another element
 * than the mapping's, or has a document type.
 */
export function readRecord(record: RecordText, plan: Plan): TreeNode {
  const { xml, namespaces } = record
  if (xml.length > LIMITS.recordBytesMax) {
    throw new RecordProblem(plan.place, `the record is larger than ${LIMITS.recordBytesMax} bytes`)
  }
  return new TreeBuilder(plan, namespaces).read(xml)
}
