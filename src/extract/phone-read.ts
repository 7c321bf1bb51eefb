// Decides whether a piece of text is a telephone number, and which.

import type { CountryCode } from 'libphonenumber-js/max'
import type { NumberLabel } from './phone-labels.js'
import {
  dialKeys,
  digitsOf,
  type ReadNumber,
  readCalling,
  readInternational,
  readNational,
} from './phone-number.js'
import { isAddressV4, looksLikeOther, NORTH_AMERICAN } from './phone-shapes.js'

export interface NumberReading {
  readonly value: string
  /** How sure the numbering plan and the spelling make it, from 0 to 1. */
  readonly trust: number
}

export interface ReadingContext {
  /** Countries to read national numbers by, the likeliest first. */
  readonly countries: readonly CountryCode[]
  readonly label: NumberLabel
  /** The number stands in a field for numbers, or fills its line. */
  readonly isAlone: boolean
}

const TRUST = { plan: 1, likely: 0.9, unlabelled: 0.85, unknownPlan: 0.6 } as const
const DIGITS = { min: 7, max: 17, internationalMin: 9, internationalMax: 15 } as const
/** Digits of a number that is written without a label and known to no plan. */
const LONELY_DIGITS_MIN = 9

const isLabelled = ({ label }: ReadingContext): boolean => label !== null && label !== 'hint'
const rate = (read: ReadNumber | null, trust: number): NumberReading | null =>
  read === null ? null : { value: read.value, trust }

/** Whether the text can be a number at all, before anything costly is asked. */
export function mayBeNumber(written: string): boolean {
  const digits = digitsOf(written)
  return digits.length >= DIGITS.min && digits.length <= DIGITS.max && hasBalancedBrackets(written)
}

/** Brackets in pairs; the opening one of an area code may have been lost: `303) 824-4000`. */
function hasBalancedBrackets(written: string): boolean {
  const closed = /^\d{2,4}\)/.test(written) ? `(${written}` : written
  let open = 0
  for (const char of closed) {
    if (char === '(') open += 1
    if (char === ')') open -= 1
    if (open < 0) return false
  }
  return open === 0
}

function readNorthAmerican(written: string, context: ReadingContext): NumberReading | null {
  if (!NORTH_AMERICAN.test(written)) return null
  const isBare = /^\+?\d+$/.test(written)
  if (isBare && context.label === null && !context.isAlone) return null
  return rate(
    readNational(digitsOf(written).slice(-10), ['US']),
    isBare ? TRUST.likely : TRUST.plan,
  )
}

/**
 * Without a label a national number must look like one: a trunk zero, brackets, or a line of its
 * own.
 */
function hasNationalLook(written: string, context: ReadingContext): boolean {
  if (context.label !== null) return true
  if (!/\D/.test(written)) return false
  return /^\(?0/.test(written) || context.isAlone || /^\(\d{2,4}\)/.test(written)
}

function readByCountry(written: string, context: ReadingContext): NumberReading | null {
  if (!hasNationalLook(written, context)) return null
  const digits = digitsOf(written)
  const trust = isLabelled(context) ? TRUST.plan : TRUST.unlabelled
  return (
    rate(readNational(digits, context.countries, true), trust) ??
    (isLabelled(context) ? rate(readCalling(digits, context.countries), TRUST.likely) : null) ??
    (isLabelled(context) ? rate(readNational(digits, context.countries), TRUST.likely) : null)
  )
}

function readPlus(written: string): NumberReading | null {
  return rate(readInternational(written), TRUST.plan)
}

const isPlus = (written: string): boolean => /^\(?\s?\+|^00[1-9]/.test(written)

/** Reads a piece of text by the numbering plans; null when no plan knows it. */
export function readKnownNumber(written: string, context: ReadingContext): NumberReading | null {
  if (isPlus(written)) return readPlus(written)
  if (looksLikeOther(written) && context.label === null) return null
  if (isAddressV4(written)) return null
  const isAmerica = context.countries[0] === 'US' || context.countries[0] === 'CA'
  return isAmerica
    ? (readNorthAmerican(written, context) ?? readByCountry(written, context))
    : (readByCountry(written, context) ?? readNorthAmerican(written, context))
}

/**
 * Reads what no plan knows but the page calls a number, or what is written as nothing else is:
 * new area codes, misprints, local numbers, numbers of films and of documentation.
 */
export function readUnknownNumber(written: string, context: ReadingContext): NumberReading | null {
  const digits = digitsOf(written)
  const value = written.replace(/\s+/g, ' ').trim()
  if (isPlus(written)) {
    const isPossible =
      written.includes('+') &&
      digits.length >= DIGITS.internationalMin &&
      digits.length <= DIGITS.internationalMax
    return isPossible ? { value: `+${digits}`, trust: TRUST.unknownPlan } : null
  }
  if (looksLikeOther(written) || /\d ?[-–/] |\d\/|\) .*\(/.test(written)) return null
  if (NORTH_AMERICAN.test(written) && /\D/.test(written) && /^1?[2-9]\d\d[2-9]/.test(digits)) {
    return { value: `+1${digits.slice(-10)}`, trust: TRUST.unknownPlan }
  }
  if (isLabelled(context)) {
    if (digits.length >= 10 && !digits.startsWith('0')) {
      const read = readPlus(written)
      if (read !== null) return { ...read, trust: TRUST.likely }
    }
    const isLocal = /^\d{3}[ .-]?\d{4}$/.test(written) && /\D/.test(written)
    return isLocal || digits.length >= 8 ? { value, trust: TRUST.unknownPlan } : null
  }
  const isLonely =
    context.isAlone && digits.length >= LONELY_DIGITS_MIN && /^\(0\d{1,4}\)/.test(written)
  return isLonely ? { value, trust: TRUST.unknownPlan } : null
}

/** A number in a field that can hold nothing else: a `tel:` link or structured data. */
export function readNumberField(
  field: string,
  countries: readonly CountryCode[],
): (NumberReading & { readonly extension: string | null }) | null {
  const { number, extension } = splitExtension(field.trim())
  const isVanity = /[a-z]{3}/i.test(number) && /^[\s+(]*1?[-.\s(]*8\d\d/.test(number)
  const written = isVanity
    ? digitsOf(dialKeys(number)).slice(0, 11)
    : number.replace(/^[^\d+(]+/, '')
  if (!mayBeNumber(written)) return null
  const context: ReadingContext = { countries, label: 'phone', isAlone: true }
  const reading = readKnownNumber(written, context) ?? readUnknownNumber(written, context)
  return reading === null ? null : { ...reading, extension }
}

const EXTENSION = new RegExp(
  [
    String.raw`[\s,;(-]{0,3}(?:;ext=|(?:extension|extn|ext|ex|x|durchwahl|poste|anexo|`,
    String.raw`int)[\s.:#=-]{0,3})(\d{1,6})\)?\s*$`,
  ].join(''),
  'i',
)

function splitExtension(text: string): { number: string; extension: string | null } {
  const match = EXTENSION.exec(text)
  if (match === null) return { number: text, extension: null }
  return { number: text.slice(0, match.index), extension: match[1] ?? null }
}
