// A place as the API knows it: made up from its identifier, the same at every call.

import { pick, randomFor } from '../site/dealing.js'

type MadePlace = Readonly<Record<string, unknown>>

const KINDS = ['bakery', 'plumber', 'dentist', 'florist', 'restaurant'] as const
const TOWNS = [
  ['Springfield', 'Illinois', 'IL', '62701'],
  ['Portland', 'Oregon', 'OR', '97201'],
  ['Savannah', 'Georgia', 'GA', '31401'],
] as const
const DAYS = ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday'] as const

/** @param website its website; null for a place without one. */
export function makePlace(placeId: string, website: string | null): MadePlace {
  const random = randomFor(1, placeId)
  const kind = pick(random, KINDS)
  const town = pick(random, TOWNS)
  const number = 1 + Math.floor(random.next() * 900)
  const name = `${placeId.slice(-6)} ${kind}`
  const [city, , state, postal] = town
  return {
    name: `places/${placeId}`,
    id: placeId,
    displayName: { text: name, languageCode: 'en' },
    types: [kind, 'point_of_interest', 'establishment'],
    primaryType: kind,
    formattedAddress: `${number} Main St, ${city}, ${state} ${postal}, USA`,
    shortFormattedAddress: `${number} Main St, ${city}`,
    addressComponents: addressOf(number, town),
    location: { latitude: 30 + random.next() * 15, longitude: -120 + random.next() * 40 },
    plusCode: { globalCode: '86GJQ9CX+2V', compoundCode: `Q9CX+2V ${city}` },
    nationalPhoneNumber: `(555) 010-${String(1000 + number)}`,
    internationalPhoneNumber: `+1 555-010-${String(1000 + number)}`,
    ...(website === null ? {} : { websiteUri: website }),
    googleMapsUri: `https://maps.google.com/?cid=${1_000_000 + number}`,
    businessStatus: 'OPERATIONAL',
    rating: Math.round((3 + random.next() * 2) * 10) / 10,
    userRatingCount: Math.floor(random.next() * 500),
    priceLevel: 'PRICE_LEVEL_MODERATE',
    utcOffsetMinutes: -300,
    regularOpeningHours: {
      openNow: true,
      weekdayDescriptions: DAYS.map((day) => `${day}: 9:00 AM – 5:00 PM`),
    },
  }
}

function addressOf(number: number, [city, region, state, postal]: (typeof TOWNS)[number]) {
  const component = (types: readonly string[], longText: string, shortText = longText) => ({
    longText,
    shortText,
    types,
    languageCode: 'en',
  })
  return [
    component(['street_number'], String(number)),
    component(['route'], 'Main Street', 'Main St'),
    component(['locality', 'political'], city),
    component(['administrative_area_level_1', 'political'], region, state),
    component(['country', 'political'], 'United States', 'US'),
    component(['postal_code'], postal),
  ]
}

/** Fields that a mask may name, with what lies below them. */
const KNOWN: ReadonlySet<string> = new Set([
  ...Object.keys(makePlace('known', 'https://known.example/')),
  ...['reviews', 'photos', 'editorialSummary', 'iconMaskBaseUri', 'currentOpeningHours'],
])

/** The first path of a mask that no place has; null when all are known. */
export function unknownPath(mask: readonly string[]): string | null {
  if (mask.length === 1 && mask[0] === '*') return null
  return mask.find((path) => !KNOWN.has(path.split('.')[0] ?? '')) ?? null
}

/** What a mask leaves of a place. */
export function maskPlace(place: MadePlace, mask: readonly string[]): MadePlace {
  if (mask.includes('*')) return place
  const kept: Record<string, unknown> = {}
  for (const path of mask) {
    const [top = '', below] = path.split('.')
    const value = place[top]
    if (value === undefined) continue
    if (below === undefined || typeof value !== 'object' || value === null) kept[top] = value
    else if (below in value) kept[top] = { ...Object(kept[top]), [below]: Object(value)[below] }
  }
  return kept
}
