import type { CountryCode } from 'libphonenumber-js/max'
import { EXTRACT_BOUNDS } from './bounds.js'
import type { ContactKind, FoundIn } from './contact.js'
import { closest, elementAt, type Page, type PageElement, textOf } from './page.js'
import { findLabel, isAlone, type NumberPlace } from './phone-context.js'
import { countryNearby } from './phone-country.js'
import type { NumberLabel } from './phone-labels.js'
import {
  mayBeNumber,
  type NumberReading,
  readKnownNumber,
  readNumberField,
  readUnknownNumber,
} from './phone-read.js'
import { findDigitRuns, findVanityNumbers, rangeOf, type TextRange } from './phone-runs.js'
import { isForeignContext } from './phone-shapes.js'
import { decodePercent } from './text.js'

export interface NumberSighting {
  readonly kind: Extract<ContactKind, 'phone' | 'fax'>
  readonly value: string
  readonly shown: string
  readonly foundIn: FoundIn
  readonly trust: number
  readonly offset: number
}

/** Characters in front of a number in which the address it belongs to is looked for. */
const NEARBY_CHARS = 160
const ADDRESS = new Set(['address'])
const EXTENSION_AFTER =
  /^[\s,;(]{0,3}(?:extension|extn|ext|ex|x)[\s.:#]{0,3}(\d{1,6})(?!\d|[-.]\d)/i

interface Found extends TextRange {
  readonly reading: NumberReading
  readonly label: NumberLabel
  readonly isAbove: boolean
}

const kindOf = (label: NumberLabel): 'phone' | 'fax' => (label === 'fax' ? 'fax' : 'phone')

/** With its extension in the form of RFC 3966. */
export function withExtension(value: string, extension: string | null): string {
  return extension === null || !value.startsWith('+') ? value : `${value};ext=${extension}`
}

/**
 * Reads the numbers of a page's text from front to back; each number's label depends on the last.
 */
class NumberScanner {
  readonly found: Found[] = []
  readonly #page: Page
  readonly #countries: readonly CountryCode[]
  #tries = 0

  constructor(page: Page, countries: readonly CountryCode[]) {
    this.#page = page
    this.#countries = countries
  }

  scan(): void {
    const { text } = this.#page
    const vanity = findVanityNumbers(text)
    for (const number of vanity) this.#addVanity(number)
    for (const run of findDigitRuns(text)) {
      const free = run.filter((group) =>
        vanity.every((other) => group.end <= other.start || group.start >= other.end),
      )
      this.#scanRun(free)
    }
    this.found.sort((a, b) => a.start - b.start)
  }

  #scanRun(run: readonly TextRange[]): void {
    const most = EXTRACT_BOUNDS.numberTriesMax
    for (let first = 0; first < run.length && this.#tries <= most; ) {
      const taken = this.#takeFrom(run, first)
      first += Math.max(1, taken)
    }
  }

  /** Takes the number that begins with a group; answers how many groups it has. */
  #takeFrom(run: readonly TextRange[], first: number): number {
    const ranges = this.#rangesFrom(run, first)
    // The longest that a plan knows; only if none does, the longest that the page calls a number.
    for (const read of [readKnownNumber, readUnknownNumber]) {
      for (const range of ranges) if (this.#tryRange(range, read)) return range.groups
    }
    return 0
  }

  /** The windows of groups that begin with one, the longest first. */
  #rangesFrom(run: readonly TextRange[], first: number): (TextRange & { groups: number })[] {
    const { text } = this.#page
    const start = run[first]
    if (start === undefined) return []
    return run
      .slice(first, first + EXTRACT_BOUNDS.digitGroupsMax)
      .map((end, index) => ({ ...rangeOf(text, start, end), groups: index + 1 }))
      .filter((range) => mayBeNumber(text.slice(range.start, range.end)))
      .reverse()
  }

  #tryRange(range: TextRange, read: typeof readKnownNumber): boolean {
    const { text } = this.#page
    this.#tries += 1
    if (this.#tries > EXTRACT_BOUNDS.numberTriesMax) return false
    const written = text.slice(range.start, range.end)
    const place = this.#placeOf(range)
    const { label, isAbove } = findLabel(this.#page, place)
    const around = {
      before: text.slice(Math.max(0, range.start - 40), range.start),
      after: text.slice(range.end, range.end + 16),
      isLabelled: label !== null && label !== 'hint',
      isFormatted: /\D/.test(written),
    }
    if (isForeignContext(around)) return false
    const context = { label, isAlone: isAlone(text, range), countries: this.#countriesAt(range) }
    const reading = read(written, context)
    if (reading === null) return false
    this.found.push({ ...range, reading, label, isAbove })
    return true
  }

  /** The page's countries, with the one of the nearest address in front. */
  #countriesAt(range: TextRange): readonly CountryCode[] {
    if (this.#countries.length < 2) return this.#countries
    const { text } = this.#page
    const near =
      countryNearby(/^[^\d\n]{0,40}/.exec(text.slice(range.end, range.end + 40))?.[0] ?? '') ??
      countryNearby(text.slice(Math.max(0, range.start - NEARBY_CHARS), range.start))
    return near === null
      ? this.#countries
      : [near, ...this.#countries.filter((one) => one !== near)]
  }

  #addVanity(range: TextRange & { readonly digits: string }): void {
    const reading = readNumberField(`+1${range.digits}`, this.#countries)
    if (reading === null || !reading.value.startsWith('+1')) return
    this.found.push({ ...range, reading, ...findLabel(this.#page, this.#placeOf(range)) })
  }

  #placeOf(range: TextRange): NumberPlace {
    const last = this.found.at(-1)
    const isBehind = last !== undefined && last.end <= range.start
    return {
      start: range.start,
      end: range.end,
      previousEnd: isBehind ? last.end : 0,
      previousLabel: isBehind ? last.label : null,
      isPreviousBelow: isBehind && last.isAbove,
    }
  }
}

/** Numbers in the visible text. */
function findTextNumbers(page: Page, countries: readonly CountryCode[]): NumberSighting[] {
  const scanner = new NumberScanner(page, countries)
  scanner.scan()
  return scanner.found.map(({ start, end, reading, label }) => {
    const extension = EXTENSION_AFTER.exec(page.text.slice(end, end + 20))?.[1] ?? null
    const isAddress = closest(elementAt(page, start), ADDRESS) !== null
    return {
      kind: kindOf(label),
      value: withExtension(reading.value, extension),
      shown: page.text.slice(start, end).trim(),
      foundIn: isAddress ? 'address' : 'text',
      trust: reading.trust,
      offset: start,
    }
  })
}

const NOWHERE = { previousEnd: 0, previousLabel: null, isPreviousBelow: false }
const SCHEME = /^\s*(tel|phone|telephone|callto|sms|fax):(?:\/\/)?/i

function readTelLink(
  page: Page,
  element: PageElement,
  countries: readonly CountryCode[],
): NumberSighting | null {
  const href = element.attributes.href ?? ''
  const scheme = SCHEME.exec(href)
  if (scheme === null) return null
  const target = decodePercent(href.slice(scheme[0].length)).split('?')[0] ?? ''
  const [number = '', ...parameters] = target.split(';')
  const extension = parameters.find((parameter) => /^ext=\d{1,10}$/i.test(parameter))?.slice(4)
  const reading = readNumberField(number, countries)
  if (reading === null) return null
  const text = textOf(page, element)
  const place = { ...NOWHERE, start: element.start, end: element.end }
  const isFax = scheme[1]?.toLowerCase() === 'fax' || findLabel(page, place).label === 'fax'
  return {
    kind: isFax ? 'fax' : 'phone',
    value: withExtension(reading.value, extension ?? reading.extension),
    shown: /\d{2}/.test(text) && text.length <= 40 ? text : number.trim(),
    foundIn: 'tel',
    trust: reading.trust,
    offset: element.start,
  }
}

/**
 * All telephone and fax numbers of a page, in links and in text; one number may be seen many
 * times.
 */
export function findPageNumbers(page: Page, countries: readonly CountryCode[]): NumberSighting[] {
  const links = page.elements
    .map((element) => readTelLink(page, element, countries))
    .filter((sighting) => sighting !== null)
  return [...links, ...findTextNumbers(page, countries)]
}
