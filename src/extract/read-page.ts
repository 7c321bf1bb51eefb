import { Parser } from 'htmlparser2'
import { EXTRACT_BOUNDS } from './bounds.js'
import type { Page, PageElement } from './page.js'
import { foldSpaces } from './text.js'

const words = (list: string): ReadonlySet<string> => new Set(list.split(' '))

const INLINE = words(
  'a abbr acronym b bdi bdo big blink cite code data del dfn em font i ins kbd label mark nobr q ' +
    'ruby s samp small span strike strong sub sup time tt u var wbr',
)
/** Elements whose text is not shown. */
const UNSEEN = words('script style template svg math object textarea iframe noframes title')
const CELLS = words('td th')
const HIDDEN = /display\s*:\s*none/i
const REVERSED = /direction\s*:\s*rtl/i

type Gap = '' | ' ' | '\t' | '\n'

/**
 * Gathers the events of the parser. Text comes with its white space folded as a browser folds it.
 */
class PageReader {
  readonly elements: PageElement[] = []
  readonly scripts: string[] = []
  readonly jsonLd: string[] = []
  title = ''
  text = ''
  /** What stands between the text so far and the next text. */
  #gap: Gap = ''
  #open: PageElement | null = null
  #depth = 0
  #rowIsFresh = true
  /** Element whose content is not shown, and what is gathered from it. */
  #unseen: PageElement | null = null
  #unseenText = ''

  /** False once a bound is reached: the rest of the page is not read. */
  get isHungry(): boolean {
    return this.#depth < EXTRACT_BOUNDS.depthMax && this.text.length < EXTRACT_BOUNDS.textCharsMax
  }

  open(name: string, attributes: { readonly [name: string]: string }): void {
    if (!this.isHungry) return
    this.#depth += 1
    this.#breakBefore(name)
    const index = this.elements.length
    const start = this.text.length
    const parent = this.#open
    const element = { index, name, attributes, parent, start, end: start, last: index }
    this.elements.push(element)
    this.#open = element
    if (this.#unseen === null && isUnseen(element)) {
      this.#unseen = element
      this.#unseenText = ''
    }
  }

  addText(data: string): void {
    if (!this.isHungry) return
    if (this.#unseen !== null) {
      if (this.#unseenText.length < EXTRACT_BOUNDS.scriptCharsMax) this.#unseenText += data
      return
    }
    const folded = foldSpaces(data)
    if (folded === '') return
    if (folded.startsWith(' ') && this.#gap === '') this.#gap = ' '
    const seen = folded.trim()
    if (seen === '') return
    if (this.text !== '') this.text += this.#gap
    this.text += seen
    this.#gap = folded.endsWith(' ') ? ' ' : ''
  }

  close(): void {
    const element = this.#open
    if (element === null || !this.isHungry) return
    this.#depth -= 1
    element.end = this.text.length
    element.last = this.elements.length - 1
    this.#open = element.parent
    if (this.#unseen === element) this.#closeUnseen(element)
    if (!INLINE.has(element.name)) this.#widen(element.name === 'img' ? ' ' : '\n')
    if (REVERSED.test(element.attributes.style ?? '')) this.#reverseFrom(element.start)
  }

  finish(): Page {
    for (let open = this.#open; open !== null; open = open.parent) {
      open.end = this.text.length
      open.last = this.elements.length - 1
    }
    const { text, elements, scripts, jsonLd } = this
    return { text, elements, scripts, jsonLd, title: foldSpaces(this.title).trim() }
  }

  #widen(gap: Gap): void {
    if (gap === '\n' || this.#gap === '') this.#gap = gap
  }

  #breakBefore(name: string): void {
    if (CELLS.has(name)) {
      this.#gap = this.#rowIsFresh ? '\n' : '\t'
      this.#rowIsFresh = false
      return
    }
    if (name === 'tr') this.#rowIsFresh = true
    if (!INLINE.has(name)) this.#widen(name === 'img' ? ' ' : '\n')
  }

  #closeUnseen(element: PageElement): void {
    const source = this.#unseenText
    this.#unseen = null
    this.#unseenText = ''
    if (element.name === 'title' && this.title === '') this.title = source
    if (element.name !== 'script') return
    if (/ld\+json/i.test(element.attributes.type ?? '')) this.jsonLd.push(source)
    else if (source.trim() !== '') this.scripts.push(source)
  }

  /** Text that is written backwards and turned round by its style. */
  #reverseFrom(start: number): void {
    const reversed = [...this.text.slice(start)].reverse().join('').trim()
    const gap = start === 0 ? '' : this.text.slice(start).match(/^\s*/)?.[0]
    this.text = this.text.slice(0, start) + gap + reversed
  }
}

function isUnseen(element: PageElement): boolean {
  if (UNSEEN.has(element.name)) return true
  // A decoy inside an address is hidden by its style. Hidden blocks are menus and tabs: they are
  // read.
  return INLINE.has(element.name) && HIDDEN.test(element.attributes.style ?? '')
}

/** Reads a page. Broken markup never throws; it is understood as far as a browser would. */
export function readPage(html: string): Page {
  const reader = new PageReader()
  const parser = new Parser({
    onopentag: (name, attributes) => reader.open(name, attributes),
    ontext: (data) => reader.addText(data),
    onclosetag: () => reader.close(),
  })
  for (let offset = 0; offset < html.length && reader.isHungry; ) {
    const end = chunkEnd(html, offset + EXTRACT_BOUNDS.chunkChars)
    parser.write(html.slice(offset, end))
    offset = end
  }
  if (reader.isHungry) parser.end()
  return reader.finish()
}

/** A cut that leaves both halves of a surrogate pair on one side. */
function chunkEnd(html: string, wanted: number): number {
  const code = html.charCodeAt(wanted - 1)
  return code >= 0xd800 && code <= 0xdbff ? wanted + 1 : wanted
}
