// Which countries a page's national telephone numbers may be of. Signals are added up; several
// countries come out, the likeliest first, and a number is tried in each of them in turn.

import { type CountryCode, isSupportedCountry } from 'libphonenumber-js/max'
import type { Page } from './page.js'

/** What a signal is worth. A country needs no more than one of the strong ones. */
const WEIGHT = { declared: 8, ccTld: 6, region: 4, linkTld: 2, address: 3, named: 3 } as const
/** Weight of the default: weaker than an address, stronger than nothing. */
const DEFAULT_WEIGHT = 2
const COUNTRIES_MAX = 5
/** Characters of text that are looked at for addresses. */
const TEXT_READ = 200_000

/** Country-code domains that are sold to the whole world say nothing about a country. */
const GENERIC_TLDS = new Set([
  ...'ac ad ag ai am as bz cc cd co dj fm gg gl io is la ly me ms mu nu'.split(' '),
  ...'pm pw re sc sh so st su tf tk tl to tv vc vg vu ws'.split(' '),
])
const LANGUAGE_COUNTRY: Readonly<Record<string, CountryCode>> = {
  bg: 'BG',
  cs: 'CZ',
  da: 'DK',
  de: 'DE',
  el: 'GR',
  et: 'EE',
  fi: 'FI',
  fr: 'FR',
  he: 'IL',
  hr: 'HR',
  hu: 'HU',
  id: 'ID',
  it: 'IT',
  ja: 'JP',
  ko: 'KR',
  lt: 'LT',
  lv: 'LV',
  nb: 'NO',
  nl: 'NL',
  no: 'NO',
  pl: 'PL',
  ro: 'RO',
  ru: 'RU',
  sk: 'SK',
  sl: 'SI',
  sv: 'SE',
  th: 'TH',
  tr: 'TR',
  uk: 'UA',
  vi: 'VN',
}
/** What an address of a country looks like, or how the country is called in one. */
const ADDRESS_SHAPES: readonly (readonly [CountryCode, RegExp])[] = [
  [
    'US',
    new RegExp(
      [
        String.raw`\b[A-Z][a-z]+\.?,? (?:A[KLRZ]|C[AOT]|D[CE]|FL|GA|HI|I[ADLN]|K[SY]|LA|`,
        String.raw`M[ADEINOST]|N[CDEHJMVY]|O[HKR]|PA|RI|S[CD]|T[NX]|UT|V[AT]|W[AIVY]),? \d{5}\b`,
      ].join(''),
      'g',
    ),
  ],
  ['US', /\b(?:USA|U\.S\.A\.|United States)\b/g],
  ['CA', /\b[ABCEGHJ-NPRSTVXY]\d[A-Z] ?\d[A-Z]\d\b|\bCanada\b/g],
  ['GB', /\b(?:[A-Z]{1,2}\d{1,2}|[A-Z]{1,2}\d[A-Z]) \d[ABD-HJLNP-UW-Z]{2}\b/g],
  ['GB', /\b(?:United Kingdom|England|Scotland|Wales|Northern Ireland|UK)\b/g],
  ['IE', /\bIreland\b|\bCo\. ?(?:Dublin|Cork|Galway|Offaly|Kerry|Mayo|Clare|Kildare|Meath)\b/g],
  ['AU', /\b(?:NSW|VIC|QLD|TAS|ACT) \d{4}\b|\bAustralia\b/g],
  ['NZ', /\bNew Zealand\b/g],
  ['IN', /\bIndia\b/g],
  ['PH', /\bPhilippines\b|\bMetro Manila\b|\bMakati\b/g],
  ['ZA', /\bSouth Africa\b/g],
  ['DE', /\b(?:Deutschland|Germany)\b|\bD-\d{5}\b/g],
  ['AT', /\b(?:Österreich|Austria)\b|\bA-\d{4}\b/g],
  ['CH', /\b(?:Schweiz|Suisse|Svizzera|Switzerland)\b|\bCH-\d{4}\b/g],
  ['FR', /\bFrance\b|\bF-\d{5}\b/g],
  ['ES', /\b(?:España|Spain)\b/g],
  ['PT', /\bPortugal\b/g],
  ['IT', /\b(?:Italia|Italy)\b/g],
  ['NL', /\b(?:Nederland|Netherlands)\b|\b\d{4} [A-Z]{2}\b(?=[ ,]+[A-Z][a-z])/g],
  ['BE', /\b(?:België|Belgique|Belgium)\b/g],
  ['PL', /\b(?:Polska|Poland)\b/g],
  ['SE', /\b(?:Sverige|Sweden)\b/g],
  ['MX', /\b(?:México|Mexico)\b/g],
  ['BR', /\bBra[sz]il\b/g],
  ['KR', /\bKorea\b/g],
  ['JP', /日本|\bJapan\b/g],
  ['CN', /中国|\bChina\b/g],
  ['SG', /\bSingapore\b/g],
  ['HK', /\bHong Kong\b/g],
  ['IL', /\bIsrael\b/g],
  ['AE', /\b(?:UAE|United Arab Emirates)\b/g],
]

/** The country a host's top-level domain stands for; null for generic ones. */
function countryOfHost(host: string): CountryCode | null {
  const tld = host.slice(host.lastIndexOf('.') + 1).toLowerCase()
  if (tld === 'uk') return 'GB'
  if (GENERIC_TLDS.has(tld)) return null
  return asCountry(tld)
}

/** A country from its ISO code in any case, or from its English name; null when it is neither. */
function asCountry(name: string): CountryCode | null {
  const code = name.trim().toUpperCase()
  if (code === 'UK') return 'GB'
  if (code === 'USA') return 'US'
  if (/^[A-Z]{2}$/.test(code)) return isSupportedCountry(code) ? code : null
  if (code.length > 40) return null
  for (const [country, shape] of ADDRESS_SHAPES) if (name.search(shape) !== -1) return country
  return null
}

/** The country of a language tag: its region, else the one country the language points to. */
function countryOfLanguage(tag: string): { country: CountryCode; isRegion: boolean } | null {
  const [language = '', ...rest] = tag.trim().toLowerCase().split(/[-_]/)
  const region = rest.find((part) => part.length === 2)
  const byRegion = region === undefined ? null : asCountry(region)
  if (byRegion !== null) return { country: byRegion, isRegion: true }
  const country = Object.hasOwn(LANGUAGE_COUNTRY, language) ? LANGUAGE_COUNTRY[language] : undefined
  return country === undefined ? null : { country, isRegion: false }
}

export interface CountryHints {
  readonly host: string
  /** Language of the page as its server or its markup names it. */
  readonly language?: string | undefined
  /** Countries that the page's data names. */
  readonly declared: readonly string[]
}

class Score {
  readonly #points = new Map<CountryCode, number>()

  add(country: CountryCode | null, weight: number): void {
    if (country !== null) this.#points.set(country, (this.#points.get(country) ?? 0) + weight)
  }

  ranked(): CountryCode[] {
    const byPoints = [...this.#points].sort(([, a], [, b]) => b - a)
    return byPoints.slice(0, COUNTRIES_MAX).map(([country]) => country)
  }
}

function hostOf(url: string): string {
  return /^(?:https?:)?\/\/([^/?#:]{1,253})/i.exec(url)?.[1]?.toLowerCase() ?? ''
}

/** Countries of hosts that the page calls its own or writes to. */
function scoreElements(page: Page, score: Score): void {
  let links = 0
  for (const { name, attributes } of page.elements) {
    if (name === 'html') scoreLanguage(attributes.lang ?? attributes['xml:lang'], score)
    if (name === 'base' || (name === 'link' && attributes.rel === 'canonical')) {
      score.add(countryOfHost(hostOf(attributes.href ?? '')), WEIGHT.ccTld)
    }
    if (name === 'meta') scoreMeta(attributes, score)
    const href = attributes.href
    if (name !== 'a' || href === undefined || links >= 3) continue
    const host = /^mailto:[^@]{1,64}@([^?]{1,253})/i.exec(href)?.[1] ?? hostOf(href)
    const country = countryOfHost(host)
    if (country === null) continue
    links += 1
    score.add(country, WEIGHT.linkTld / 2)
  }
}

function scoreMeta(attributes: { readonly [name: string]: string }, score: Score): void {
  const key = (attributes.name ?? attributes.property ?? '').toLowerCase()
  const content = attributes.content ?? ''
  if (key === 'geo.region' || key === 'geo.country') {
    score.add(asCountry(content.slice(0, 2)), WEIGHT.declared)
  } else if (key === 'og:country-name') {
    score.add(asCountry(content), WEIGHT.declared)
  } else if (key === 'og:locale') {
    scoreLanguage(content, score)
  } else if (key === 'og:url') {
    score.add(countryOfHost(hostOf(content)), WEIGHT.ccTld)
  }
}

function scoreLanguage(tag: string | undefined, score: Score): void {
  const found = tag === undefined ? null : countryOfLanguage(tag)
  // en-US is what templates are shipped with; it says little.
  if (found === null || tag?.toLowerCase() === 'en-us') return
  score.add(found.country, found.isRegion ? WEIGHT.region : WEIGHT.named)
}

/** The countries to read national numbers by, the likeliest first. Never empty. */
export function rankCountries(page: Page, hints: CountryHints): readonly CountryCode[] {
  const score = new Score()
  for (const name of hints.declared) score.add(asCountry(name), WEIGHT.declared)
  score.add(countryOfHost(hints.host), WEIGHT.ccTld)
  scoreLanguage(hints.language, score)
  scoreElements(page, score)
  const text = page.text.slice(0, TEXT_READ)
  for (const [country, shape] of ADDRESS_SHAPES) {
    const seen = text.match(shape)?.length ?? 0
    if (seen > 0) score.add(country, WEIGHT.address + Math.min(seen - 1, 3))
  }
  score.add('US', DEFAULT_WEIGHT)
  return score.ranked()
}

/**
 * The country that an address or a country's name in a piece of text points to; the last one
 * counts.
 */
export function countryNearby(text: string): CountryCode | null {
  let nearest: { country: CountryCode; at: number } | null = null
  for (const [country, shape] of ADDRESS_SHAPES) {
    for (const match of text.matchAll(shape)) {
      if (nearest === null || match.index > nearest.at) nearest = { country, at: match.index }
    }
  }
  return nearest?.country ?? null
}
