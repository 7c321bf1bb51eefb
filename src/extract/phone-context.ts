import { classesOf, elementAt, lastStarting, type Page, type PageElement } from './page.js'
import { isLabelLine, labelAfter, labelBefore, type NumberLabel } from './phone-labels.js'
import type { TextRange } from './phone-runs.js'

/** A number's place, and the number before it in the text. */
export interface NumberPlace extends TextRange {
  readonly previousEnd: number
  readonly previousLabel: NumberLabel
  /**
   * The label of the number before came from a line above it, and may speak for the next line
   * too.
   */
  readonly isPreviousBelow: boolean
}

export interface FoundLabel {
  readonly label: NumberLabel
  /** The label stands on a line of its own above the number. */
  readonly isAbove: boolean
}

/** Characters in front of a number in which its label is looked for. */
const LABEL_REACH = 48
const AFTER_REACH = 28
/** Characters of a line that are looked at on either side of a number. */
const LINE_REACH = 200
/** Characters above a table's cell in which the heading of its column is looked for. */
const TABLE_REACH = 2_000
/** Characters of an element that is small enough for its class to speak of the number alone. */
const MARKED_CHARS_MAX = 60
const FAX_MARK = /(?:^|[-_\s])(?:fax|facsimile|faxnumber|fa-fax|icon-fax)(?:$|[-_.\s])/i
const PHONE_MARK = /(?:^|[-_\s])(?:tel|phone|telephone|mobile|fa-phone|icon-phone)(?:$|[-_.\s])/i

/** Start of the line or of the cell that an offset stands in, no farther than the reach. */
function lineStart(text: string, offset: number): number {
  const from = Math.max(0, offset - LINE_REACH)
  const near = text.slice(from, offset)
  return from + Math.max(near.lastIndexOf('\n'), near.lastIndexOf('\t')) + 1
}

function lineEnd(text: string, offset: number): number {
  const end = text.slice(offset, offset + LINE_REACH).search(/[\n\t]/)
  return end === -1 ? Math.min(text.length, offset + LINE_REACH) : offset + end
}

/** Whether the number is all there is on its line, but for punctuation. */
export function isAlone(text: string, range: TextRange): boolean {
  const before = text.slice(lineStart(text, range.start), range.start)
  const after = text.slice(range.end, lineEnd(text, range.end))
  return before.length + after.length <= 12 && !/[\p{L}\d]/u.test(before + after)
}

function markOf(element: PageElement): NumberLabel {
  const { attributes } = element
  const words = [
    ...classesOf(element),
    attributes.itemprop,
    attributes.title,
    attributes.alt,
    attributes['aria-label'],
    attributes.id,
    attributes.src?.slice(attributes.src.lastIndexOf('/') + 1),
  ]
    .filter((word) => word !== undefined)
    .join(' ')
  if (words === '') return null
  if (FAX_MARK.test(words)) return 'fax'
  return PHONE_MARK.test(words) ? 'phone' : null
}

/** What an icon or another small element between the last number and this one says. */
function markBetween(page: Page, place: NumberPlace, from: number): NumberLabel {
  const last = lastStarting(page, place.start)
  for (let index = last; index >= 0 && index > last - 4; index -= 1) {
    const near = page.elements[index]
    if (near === undefined || near.start < from - 1) break
    const mark = near.end - near.start <= MARKED_CHARS_MAX ? markOf(near) : null
    if (mark !== null) return mark
  }
  return null
}

/** What the markup around a number says, as long as it is about little else. */
function markAround(page: Page, place: NumberPlace): NumberLabel {
  let element = elementAt(page, place.start)
  for (let steps = 0; element !== null && steps < 3; element = element.parent, steps += 1) {
    if (element.end - element.start > MARKED_CHARS_MAX) return null
    const mark = markOf(element)
    if (mark !== null) return mark
  }
  return null
}

/** The label on the line above or in the cell before, when nothing else stands there. */
function labelAbove(text: string, start: number): NumberLabel {
  const end = start - 1
  const line = text.slice(lineStart(text, end), end).trim()
  return isLabelLine(line) ? labelBefore(line) : null
}

/** What stands between two numbers of one list: `1 / 2`, `1 (GB) / 2`, `1 and 2`. */
const LIST_GAP = /^\s*(?:\([^)\d]{0,40}\))?\s*(?:[,;/&|–-]|and|or|und|et|y)?\s*$/i

const beside = (label: NumberLabel): FoundLabel => ({ label, isAbove: false })

/** The words in front of a number, without an aside in brackets that belongs to the last one. */
function wordsBefore(before: string, isBehindNumber: boolean): string {
  return isBehindNumber ? before.replace(/^\s*\([^)\d]{0,40}\)/, '') : before
}

/** The heading of a number's column: the cell at its place in the nearest row of labels above. */
function labelOfColumn(text: string, offset: number): NumberLabel {
  const above = text.slice(Math.max(0, offset - TABLE_REACH), offset)
  const row = above.slice(above.lastIndexOf('\n') + 1)
  const column = row.split('\t').length - 1
  if (column === 0) return null
  for (const line of above.split('\n').slice(0, -1).reverse()) {
    const cell = line.split('\t')[column]
    if (cell !== undefined && isLabelLine(cell.trim())) return labelBefore(cell)
  }
  return null
}

/**
 * What the page says a number is: by the words before it, behind it, above it, or by its markup.
 */
export function findLabel(page: Page, place: NumberPlace): FoundLabel {
  const { text } = page
  const start = lineStart(text, place.start)
  const from = Math.max(start, place.previousEnd, place.start - LABEL_REACH)
  const direct = labelBefore(wordsBefore(text.slice(from, place.start), from === place.previousEnd))
  if (direct !== null && direct !== 'hint') return beside(direct)
  const behind = text.slice(place.end, Math.min(lineEnd(text, place.end), place.end + AFTER_REACH))
  const after = labelAfter(behind)
  if (after !== null) return beside(after)
  const mark = markBetween(page, place, from)
  if (mark !== null) return beside(mark)
  return labelElsewhere(page, place, { start, direct })
}

/** What the number before, the markup around or the line above says. */
function labelElsewhere(
  page: Page,
  place: NumberPlace,
  line: { readonly start: number; readonly direct: NumberLabel },
): FoundLabel {
  const { text } = page
  const { start, direct } = line
  const gap = text.slice(Math.max(place.previousEnd, place.start - LINE_REACH), place.start)
  if (place.previousEnd > start && LIST_GAP.test(gap)) return beside(place.previousLabel)
  const mark = markAround(page, place)
  if (mark !== null) return beside(mark)
  if (/[\p{L}\d]/u.test(text.slice(start, place.start))) return beside(direct)
  const above = labelAbove(text, start)
  if (above !== null) return { label: above, isAbove: true }
  const column = labelOfColumn(text, place.start)
  if (column !== null) return beside(column)
  const isBelow = place.isPreviousBelow && gap.length <= 60 && /^[^\n]*[\n\t]\s*$/.test(gap)
  return isBelow ? { label: place.previousLabel, isAbove: true } : beside(direct)
}
