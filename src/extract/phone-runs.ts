import { dialKeys } from './phone-number.js'

/** A range of text that may hold a number. */
export interface TextRange {
  readonly start: number
  readonly end: number
}

/**
 * What may stand between the digit groups of one number. Two numbers may stand like that as well.
 */
const BETWEEN = /^[ ().\-–—‐‑/·]{1,5}$/

/** Digit groups that stand together, in order, each run of one or more groups. */
export function findDigitRuns(text: string): TextRange[][] {
  const runs: TextRange[][] = []
  let run: TextRange[] = []
  for (const match of text.matchAll(/\d+/g)) {
    const group = { start: match.index, end: match.index + match[0].length }
    const last = run.at(-1)
    if (
      last !== undefined &&
      !BETWEEN.test(text.slice(last.end, Math.min(group.start, last.end + 6)))
    ) {
      if (isLong(run)) runs.push(run)
      run = []
    }
    run.push(group)
  }
  if (isLong(run)) runs.push(run)
  return runs
}

function isLong(run: readonly TextRange[]): boolean {
  return run.reduce((digits, group) => digits + group.end - group.start, 0) >= 7
}

/** The range of a window of groups with the plus sign and the bracket that belong to its front. */
export function rangeOf(text: string, first: TextRange, last: TextRange): TextRange {
  const lead = /(?:\( ?\+?|\+ ?\(?)$/.exec(text.slice(Math.max(0, first.start - 4), first.start))
  return { start: first.start - (lead?.[0].length ?? 0), end: last.end }
}

export interface VanityNumber extends TextRange {
  /** The number in digits, without the country code 1. */
  readonly digits: string
}

const VANITY_LINE =
  /(?<![\p{L}\d])(?:\+?1[\s.-]{1,2})?\(?(\d{3})\)?[\s.-]{1,2}(\d{3})[\s.-]([A-Z]{4})(?![\p{L}\d])/gu
const TOLL_FREE_WORDS = new RegExp(
  [
    String.raw`(?<![\p{L}\d])(?:\+?1[\s.-]{1,2})?\(?(8(?:00|33|44|55|66|77|`,
    String.raw`88))\)?[ .-]{1,2}([A-Za-z\d]{1,12}(?:[ .-][A-Za-z\d]{1,12}){0,3})`,
  ].join(''),
  'gu',
)

/** The words of a toll-free number: groups until the seven keys are full. */
function takeWords(written: string): string | null {
  let taken = ''
  for (const group of written.match(/[A-Za-z\d]+[ .-]?/g) ?? []) {
    taken += group
    if (taken.replace(/[^A-Za-z\d]/g, '').length >= 7) break
  }
  const keys = taken.replace(/[^A-Za-z\d]/g, '')
  const letters = keys.replace(/\d/g, '')
  if (keys.length < 7 || keys.length > 10 || letters.length < 3) return null
  // Small letters between spaces are prose: "800 people came".
  if (/[a-z]/.test(letters) && taken.trim().includes(' ')) return null
  return taken.trimEnd().replace(/[.-]$/, '')
}

/** Numbers with words in them: `1-800-FLOWERS`, `303.333.PAUL`. */
export function findVanityNumbers(text: string): VanityNumber[] {
  const found: VanityNumber[] = []
  for (const match of text.matchAll(TOLL_FREE_WORDS)) {
    const written = match[2] ?? ''
    const words = takeWords(written)
    if (words === null) continue
    const keys = dialKeys(words.replace(/[^A-Za-z\d]/g, '')).slice(0, 7)
    const end = match.index + match[0].length - written.length + words.length
    found.push({ start: match.index, end, digits: `${match[1]}${keys}` })
  }
  for (const match of text.matchAll(VANITY_LINE)) {
    const digits = `${match[1]}${match[2]}${dialKeys(match[3] ?? '')}`
    const end = match.index + match[0].length
    if (found.every((other) => end <= other.start || match.index >= other.end)) {
      found.push({ start: match.index, end, digits })
    }
  }
  return found
}
