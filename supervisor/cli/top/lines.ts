// Lines of the screen: text with paint on parts of it, cut to the width that there is.

import { type Out, paint } from '../streams.js'
import { tableLines } from '../table.js'
import { harmless } from './format.js'

export type Paint = Parameters<typeof paint>[1]

/** Part of a line. */
export type Span = string | { readonly text: string; readonly paint: Paint }
export type Line = readonly Span[]

export const bold = (text: string): Span => ({ text, paint: 'bold' })
export const dim = (text: string): Span => ({ text, paint: 'dim' })
export const red = (text: string): Span => ({ text, paint: 'red' })
export const green = (text: string): Span => ({ text, paint: 'green' })
export const yellow = (text: string): Span => ({ text, paint: 'yellow' })

const textOf = (span: Span) => (typeof span === 'string' ? span : span.text)

export const lengthOf = (line: Line): number =>
  line.reduce((sum, span) => sum + [...textOf(span)].length, 0)

/** The line as it is written: harmless, cut at the last column, painted where that is wanted. */
export function showLine(line: Line, out: Pick<Out, 'columns' | 'hasColor'>): string {
  let room = out.columns
  let shown = ''
  for (const span of line) {
    const cut = [...harmless(textOf(span))].slice(0, room).join('')
    room -= [...cut].length
    shown += typeof span === 'string' ? cut : paint(out, span.paint, cut)
    if (room === 0) break
  }
  return shown
}

/** Two ends of one line; the right one goes when there is no room for both. */
export function spread(left: Line, right: Line, columns: number): Line {
  const gap = columns - lengthOf(left) - lengthOf(right)
  return gap < 2 ? left : [...left, ' '.repeat(gap), ...right]
}

/** A table as lines; its headings are told apart, and columns of figures stand at the right. */
export function table(
  headings: readonly string[],
  rows: readonly (readonly string[])[],
): readonly Line[] {
  const cells = rows.map((row) => row.map(harmless))
  const widths = headings.map((heading, column) =>
    Math.max(heading.length, ...cells.map((row) => [...(row[column] ?? '')].length)),
  )
  const isFigures = headings.map((_, column) =>
    cells.every((row) => /^(\d.*|-|)$/.test(row[column] ?? '')),
  )
  const aligned = (row: readonly string[]) =>
    row.map((cell, at) => (isFigures[at] === true ? cell.padStart(widths[at] ?? 0) : cell))
  const [head = '', ...body] = tableLines(aligned(headings), cells.map(aligned))
  return [[bold(head)], ...body.map((row) => [row])]
}
