/** Letters that a word may differ in and still be what was meant. */
const DISTANCE_MAX = 3

/** Insertions, deletions, replacements and swaps of neighbours that make one word of the other. */
export function distance(a: string, b: string): number {
  let before: readonly number[] = []
  let previous: readonly number[] = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let row = 1; row <= a.length; row += 1) {
    const current = [row]
    for (let column = 1; column <= b.length; column += 1) {
      const replaced = (previous[column - 1] ?? 0) + (a[row - 1] === b[column - 1] ? 0 : 1)
      const dropped = (previous[column] ?? 0) + 1
      const added = (current[column - 1] ?? 0) + 1
      const isSwap = row > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]
      const swapped = isSwap ? (before[column - 2] ?? 0) + 1 : Number.POSITIVE_INFINITY
      current.push(Math.min(replaced, dropped, added, swapped))
    }
    before = previous
    previous = current
  }
  return previous[b.length] ?? 0
}

/** The known word nearest to a misspelt one; null when none is near enough to be meant. */
export function nearest(word: string, known: readonly string[]): string | null {
  const limit = Math.min(DISTANCE_MAX, Math.max(1, Math.floor(word.length / 3)))
  let best: { readonly word: string; readonly distance: number } | null = null
  for (const candidate of known) {
    const found = distance(word.toLowerCase(), candidate.toLowerCase())
    if (found <= limit && (best === null || found < best.distance)) {
      best = { word: candidate, distance: found }
    }
  }
  return best?.word ?? null
}

/** " Did you mean `x`?", or nothing. */
export function suggestion(word: string, known: readonly string[]): string {
  const found = nearest(word, known)
  return found === null ? '' : ` Did you mean \`${found}\`?`
}
