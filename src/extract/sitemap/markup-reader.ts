// Sitemaps and feeds in XML, as broken as they come: an entry is what stands in an element that has
// a URL, and what was closed before the file broke off counts.

import { Parser } from 'htmlparser2'
import { LIMITS } from '../../core/limits.js'
import { type EntryTaker, FileFault, type FormatReader, type SitemapKind } from './entry.js'

/** Formats by the local name of their root. */
const ROOTS: Readonly<Record<string, SitemapKind>> = {
  urlset: 'urlset',
  sitemapindex: 'index',
  rss: 'rss',
  rdf: 'rss',
  feed: 'atom',
  html: 'html',
}

/** Elements that are an entry, by the format. */
const ENTRY: Readonly<Partial<Record<SitemapKind, string>>> = {
  urlset: 'url',
  index: 'sitemap',
  rss: 'item',
  atom: 'entry',
}

/** What a child of an entry says about it. */
const FIELDS: Readonly<Record<string, 'url' | 'lastmod' | 'guid'>> = {
  loc: 'url',
  link: 'url',
  guid: 'guid',
  lastmod: 'lastmod',
  pubdate: 'lastmod',
  updated: 'lastmod',
  date: 'lastmod',
}

/** Text without a tag between: more than this is no sitemap but an attack on our memory. */
const TOKEN_MAX = 1_048_576
const DEPTH_MAX = 64

interface OpenEntry {
  /** Depth of its element; fields are its children. */
  readonly depth: number
  readonly prefix: string
  url: string
  guid: string
  lastmod: string
}

export class MarkupReader implements FormatReader {
  readonly #taker: EntryTaker
  readonly #parser: Parser
  #kind: SitemapKind | null = null
  #depth = 0
  #entry: OpenEntry | null = null
  #field: {
    readonly name: 'url' | 'lastmod' | 'guid'
    readonly depth: number
    text: string
  } | null = null
  /** Characters since the parser last told of anything. */
  #silent = 0
  #isClosed = false

  constructor(taker: EntryTaker) {
    this.#taker = taker
    this.#parser = new Parser(
      {
        onopentagname: () => this.#noteLife(),
        onopentag: (name, attributes) => this.#onOpen(name, attributes),
        ontext: (text) => this.#onText(text),
        onclosetag: () => this.#onClose(),
        onprocessinginstruction: (name) => this.#onInstruction(name),
        oncomment: () => this.#noteLife(),
      },
      { xmlMode: true, decodeEntities: true },
    )
  }

  write(text: string): void {
    this.#silent += text.length
    this.#parser.write(text)
    if (this.#silent > TOKEN_MAX) {
      throw new FileFault(`more than ${TOKEN_MAX} characters without a tag that ends`)
    }
  }

  end(): string | null {
    const isWhole = this.#isClosed
    // The parser closes what is open; an entry that broke off is none.
    this.#entry = null
    this.#parser.end()
    if (this.#kind === null) return 'it has no element'
    return isWhole ? null : 'it breaks off before its end'
  }

  #noteLife(): void {
    this.#silent = 0
  }

  #onInstruction(name: string): void {
    this.#noteLife()
    if (this.#kind === null && /^!doctype\s+html/i.test(name)) this.#setKind('html')
  }

  #onOpen(name: string, attributes: { readonly [name: string]: string }): void {
    this.#noteLife()
    this.#depth += 1
    if (this.#depth > DEPTH_MAX) throw new FileFault(`elements nested deeper than ${DEPTH_MAX}`)
    const { prefix, local } = splitName(name)
    if (this.#kind === null) this.#setKind(ROOTS[local] ?? 'unknown')
    const kind = this.#kind
    const entry = this.#entry
    if (entry === null) {
      if (kind === null || ENTRY[kind] !== local) return
      this.#entry = { depth: this.#depth, prefix, url: '', guid: '', lastmod: '' }
      // RSS 1.0 names its items by an attribute.
      this.#entry.guid = attributes['rdf:about'] ?? ''
      return
    }
    this.#openField(entry, { prefix, local, attributes })
  }

  #openField(
    entry: OpenEntry,
    element: {
      readonly prefix: string
      readonly local: string
      readonly attributes: { readonly [name: string]: string }
    },
  ): void {
    const { prefix, local, attributes } = element
    const field = Object.hasOwn(FIELDS, local) ? FIELDS[local] : undefined
    if (field === undefined || this.#depth !== entry.depth + 1 || this.#field !== null) return
    // <image:loc> is the address of an image; Dublin Core dates are dates all the same.
    if (prefix !== entry.prefix && !(prefix === 'dc' && local === 'date')) return
    const { href, rel = 'alternate' } = attributes
    if (local === 'link' && href !== undefined) {
      if (rel === 'alternate' && entry.url === '') entry.url = href
      return
    }
    if (local === 'guid' && attributes.isPermaLink === 'false') return
    this.#field = { name: field, depth: this.#depth, text: '' }
  }

  #onText(text: string): void {
    this.#noteLife()
    if (this.#field === null || this.#field.text.length > LIMITS.urlMax) return
    this.#field.text += text
  }

  #onClose(): void {
    this.#noteLife()
    const field = this.#field
    const entry = this.#entry
    if (field !== null && field.depth === this.#depth) {
      const text = field.text.trim()
      if (entry !== null && entry[field.name] === '') entry[field.name] = text
      this.#field = null
    }
    if (entry !== null && entry.depth === this.#depth) {
      const url = entry.url === '' ? entry.guid : entry.url
      if (url !== '') this.#taker.onEntry({ url, lastmod: entry.lastmod })
      this.#entry = null
    }
    this.#depth -= 1
    if (this.#depth === 0) this.#isClosed = true
  }

  #setKind(kind: SitemapKind): void {
    this.#kind = kind
    this.#taker.onKind(kind)
  }
}

function splitName(name: string): { readonly prefix: string; readonly local: string } {
  const at = name.indexOf(':')
  const local = name.slice(at + 1).toLowerCase()
  return { prefix: at < 0 ? '' : name.slice(0, at).toLowerCase(), local }
}
