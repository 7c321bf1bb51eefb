/** A cell; numbers stand at the right of their column. */
export type Cell = string | number | null

/** Lines of a table with its headings, columns two spaces apart, nothing for what is not there. */
export function tableLines(
  headings: readonly string[],
  rows: readonly (readonly Cell[])[],
): readonly string[] {
  const texts = rows.map((row) => row.map((cell) => (cell === null ? '-' : String(cell))))
  const widths = headings.map((heading, column) =>
    Math.max(heading.length, ...texts.map((row) => row[column]?.length ?? 0)),
  )
  const isNumeric = headings.map((_, column) =>
    rows.every((row) => typeof row[column] === 'number' || row[column] === null),
  )
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, column) => {
        const width = widths[column] ?? 0
        return isNumeric[column] === true && rows.length > 0
          ? cell.padStart(width)
          : cell.padEnd(width)
      })
      .join('  ')
      .trimEnd()
  return [line(headings), ...texts.map(line)]
}
