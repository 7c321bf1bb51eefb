// A place, as the Google Places API (New) tells it, as columns. What is missing, or of another type
// than announced, is null: the raw answer is kept beside it.

import type { Json } from '../core/outcome.js'

/** Columns of `local_business` that the API fills. */
export type BusinessRow = {
  readonly [column: string]: Json
} & { readonly website: string | null }

/** Characters kept of one text; none of these is longer in earnest. */
const TEXT_MAX = 4_096
const INTEGER_MAX = 2_147_483_647

type Fields = Readonly<Record<string, unknown>>

export function readPlace(place: Fields): BusinessRow {
  const location = fieldsOf(place.location)
  return {
    current_place_id: textOf(place.id),
    name: textOf(fieldsOf(place.displayName).text),
    formatted_address: textOf(place.formattedAddress),
    short_address: textOf(place.shortFormattedAddress),
    ...readAddress(place.addressComponents),
    latitude: numberWithin(location.latitude, 90),
    longitude: numberWithin(location.longitude, 180),
    plus_code: textOf(fieldsOf(place.plusCode).globalCode),
    phone: textOf(place.nationalPhoneNumber),
    international_phone: textOf(place.internationalPhoneNumber),
    website: textOf(place.websiteUri),
    maps_url: textOf(place.googleMapsUri),
    primary_type: textOf(place.primaryType),
    types: jsonOf(place.types),
    business_status: textOf(place.businessStatus),
    rating: numberWithin(place.rating, 5),
    rating_count: wholeOf(place.userRatingCount),
    price_level: textOf(place.priceLevel),
    opening_hours: jsonOf(place.regularOpeningHours),
    utc_offset_minutes: wholeOf(place.utcOffsetMinutes),
    raw: jsonOf(place),
  }
}

/** Types of address components by the column they fill; the first component of a type counts. */
const COMPONENTS = [
  ['street_number', 'street_number', 'longText'],
  ['street', 'route', 'longText'],
  ['city', 'locality', 'longText'],
  ['region', 'administrative_area_level_1', 'longText'],
  ['postal_code', 'postal_code', 'longText'],
  ['country_code', 'country', 'shortText'],
] as const

/** Cities that are no `locality`: in Britain a post town, elsewhere a part of a larger one. */
const CITY_TYPES = ['postal_town', 'sublocality_level_1', 'administrative_area_level_3']

function readAddress(value: unknown): { readonly [column: string]: string | null } {
  const components = (Array.isArray(value) ? value : []).map(fieldsOf)
  const find = (type: string, field: string) => {
    const found = components.find(({ types }) => Array.isArray(types) && types.includes(type))
    return found === undefined ? null : textOf(found[field])
  }
  const address = Object.fromEntries(
    COMPONENTS.map(([column, type, field]) => [column, find(type, field)]),
  )
  const town = CITY_TYPES.map((type) => find(type, 'longText')).find((name) => name !== null)
  return { ...address, city: address.city ?? town ?? null }
}

function fieldsOf(value: unknown): Fields {
  if (typeof value !== 'object' || value === null) return {}
  return Object.fromEntries(Object.entries(value))
}

function textOf(value: unknown): string | null {
  if (typeof value !== 'string') return null
  const text = value.trim().slice(0, TEXT_MAX)
  return text === '' ? null : text
}

function numberWithin(value: unknown, most: number): number | null {
  return typeof value === 'number' && Math.abs(value) <= most ? value : null
}

function wholeOf(value: unknown): number | null {
  if (typeof value !== 'number' || !Number.isInteger(value)) return null
  return Math.abs(value) <= INTEGER_MAX ? value : null
}

/** What JSON.parse made, as what it is. */
function jsonOf(value: unknown): Json {
  if (value === null || value === undefined) return null
  if (typeof value === 'string' || typeof value === 'boolean') return value
  if (typeof value === 'number') return Number.isFinite(value) ? value : null
  if (Array.isArray(value)) return value.map(jsonOf)
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, jsonOf(one)]))
}
