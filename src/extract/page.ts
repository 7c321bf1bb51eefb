// A page read once: its visible text as one string, and its elements as a flat list in document
// order, each with the range of text it spans.
//
// The flat list is what keeps extraction linear and safe from hostile nesting: the descendants of
// an element are the elements up to its `last`, its text is a slice, and nothing recurses.

export interface PageElement {
  readonly index: number
  readonly name: string
  readonly attributes: { readonly [name: string]: string }
  readonly parent: PageElement | null
  /** Offset into the page's text where the element begins. */
  readonly start: number
  /** Offset where it ends. */
  end: number
  /** Index of its last descendant; its own index when it has none. */
  last: number
}

export interface Page {
  /** Visible text: `\n` between blocks and lines, `\t` between the cells of a table row. */
  readonly text: string
  readonly elements: readonly PageElement[]
  readonly title: string
  /** Sources of inline scripts that are not data. */
  readonly scripts: readonly string[]
  /** Sources of `application/ld+json` blocks. */
  readonly jsonLd: readonly string[]
}

/** A line of the page's text and where it stands. */
export interface PageLine {
  readonly text: string
  readonly start: number
}

export function textOf(page: Page, element: PageElement): string {
  return page.text.slice(element.start, element.end).trim()
}

/** Index of the last element that begins at or before an offset of the text; -1 when none does. */
export function lastStarting(page: Page, offset: number): number {
  let low = 0
  let high = page.elements.length
  while (low < high) {
    const middle = (low + high) >>> 1
    const element = page.elements[middle]
    if (element !== undefined && element.start <= offset) low = middle + 1
    else high = middle
  }
  return low - 1
}

/** The innermost element around an offset of the text; null outside all of them. */
export function elementAt(page: Page, offset: number): PageElement | null {
  let element = page.elements[lastStarting(page, offset)] ?? null
  while (element !== null && element.end <= offset) element = element.parent
  return element
}

/** The nearest element with that name around (or at) an element. */
export function closest(element: PageElement | null, names: ReadonlySet<string>) {
  let current = element
  while (current !== null && !names.has(current.name)) current = current.parent
  return current
}

export function classesOf(element: PageElement): readonly string[] {
  const list = element.attributes.class
  return list === undefined ? [] : list.split(/\s+/)
}

/** The lines of the text; cells of a row are lines of their own. */
export function linesOf(text: string): PageLine[] {
  const lines: PageLine[] = []
  for (const match of text.matchAll(/[^\n\t]+/g)) {
    const line = match[0].trim()
    if (line !== '') lines.push({ text: line, start: match.index + match[0].indexOf(line) })
  }
  return lines
}
