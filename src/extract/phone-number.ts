import {
  type CountryCode,
  getCountryCallingCode,
  type PhoneNumber,
  parsePhoneNumberFromString,
} from 'libphonenumber-js/max'

/** A number as a numbering plan reads it. */
export interface ReadNumber {
  /** E.164. */
  readonly value: string
  readonly country: CountryCode | undefined
}

const KEYS: Readonly<Record<string, string>> = Object.fromEntries(
  ['abc', 'def', 'ghi', 'jkl', 'mno', 'pqrs', 'tuv', 'wxyz'].flatMap((letters, index) =>
    [...letters].map((letter) => [letter, String(index + 2)]),
  ),
)

/** Letters as the keys they stand on. */
export function dialKeys(text: string): string {
  return text.toLowerCase().replace(/[a-z]/g, (letter) => KEYS[letter] ?? '')
}

export const digitsOf = (text: string): string => text.replace(/\D/g, '')

function valid(number: PhoneNumber | undefined): ReadNumber | null {
  if (number === undefined || !number.isValid()) return null
  return { value: number.number, country: number.country }
}

/**
 * A number with its country code in front: `+49 (0)30 …`, `(+44) …`, `0049 …`. The trunk zero
 * that some write in brackets is left out.
 */
export function readInternational(written: string): ReadNumber | null {
  const bare = written.replace(/\(\s*0\s*\)/g, ' ')
  const digits = digitsOf(bare).replace(/^00/, '')
  const direct = valid(parsePhoneNumberFromString(`+${digits}`))
  if (direct !== null) return direct
  // `+44 0844 …`: country code and trunk zero side by side.
  const trunk = /^\D*(\d{1,3})\D+0(\d.*)$/.exec(bare)
  if (trunk === null) return null
  return valid(parsePhoneNumberFromString(`+${trunk[1]}${digitsOf(trunk[2] ?? '')}`))
}

/** Numbers written without the trunk zero that their country dials are likelier something else. */
function lacksTrunk(number: PhoneNumber, digits: string): boolean {
  return !digits.startsWith('0') && number.formatNational().replace(/^\(/, '').startsWith('0')
}

/**
 * A number without a country code, by the first of the countries whose plan has it. A country
 * nearby may also have its code in front, without the plus sign.
 */
export function readNational(
  digits: string,
  countries: readonly CountryCode[],
  needsTrunk = false,
): ReadNumber | null {
  for (const country of countries) {
    const number = parsePhoneNumberFromString(digits, country)
    const read = valid(number)
    if (number === undefined || read === null) continue
    if (!needsTrunk || !lacksTrunk(number, digits)) return read
  }
  return null
}

/** Digits that begin with the calling code of one of the countries, without a plus sign. */
export function readCalling(digits: string, countries: readonly CountryCode[]): ReadNumber | null {
  const code = countries
    .map((country) => getCountryCallingCode(country))
    .find((calling) => digits.startsWith(calling))
  return code === undefined || digits.startsWith('0')
    ? null
    : valid(parsePhoneNumberFromString(`+${digits}`))
}
