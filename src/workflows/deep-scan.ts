import { type BusinessRow, readPlace } from '../extract/place.js'
import { FetchFailure } from '../fetch/failure.js'
import { placeUrl } from '../fetch/upstream/places-api.js'
import { defineWorkflow, type FetchedPage, type ResultRow } from '../workflow/define.js'
import { nextStage } from './next-stage.js'
import { LOCAL_BUSINESS_TABLES, PLACE_TABLES } from './tables.js'

/** A row of `place` says nothing but which place it is. */
type DeepScanPayload = { readonly place_id: string }

/** Characters of an identifier of a place. */
const PLACE_ID = /^[\w-]{1,512}$/

function readAnswer(page: FetchedPage): BusinessRow {
  const place = parse(page.text)
  if (place === null) {
    const httpStatus = page.status
    throw new FetchFailure('parse', 'The places API answered with no place.', { httpStatus })
  }
  return readPlace(place)
}

function parse(text: string): Readonly<Record<string, unknown>> | null {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return null
    return Object.fromEntries(Object.entries(value))
  } catch {
    return null
  }
}

/** Places to businesses: asks a places API for the details of each and writes them down. */
export default defineWorkflow<DeepScanPayload>({
  name: 'deep-scan',
  // Its items are small: threads of the supervisor are enough for them.
  options: { executor: 'thread' },
  source: {
    table: 'public.place',
    key: 'place_id',
    keyType: 'text',
    status: 'deep_scan_status',
    updatedAt: 'updated_at',
    payload: ['place_id'],
  },
  sinks: {
    businesses: {
      table: 'public.local_business',
      columns: {
        current_place_id: 'text',
        name: 'text',
        formatted_address: 'text',
        short_address: 'text',
        street_number: 'text',
        street: 'text',
        city: 'text',
        region: 'text',
        postal_code: 'text',
        country_code: 'text',
        latitude: 'double precision',
        longitude: 'double precision',
        plus_code: 'text',
        phone: 'text',
        international_phone: 'text',
        website: 'text',
        maps_url: 'text',
        primary_type: 'text',
        types: 'jsonb',
        business_status: 'text',
        rating: 'real',
        rating_count: 'integer',
        price_level: 'text',
        opening_hours: 'jsonb',
        utc_offset_minutes: 'integer',
        raw: 'jsonb',
        scanned_at: 'timestamptz',
        curation_status: 'text',
        domain_extraction_status: 'text',
      },
      key: ['place_id'],
      onConflict: 'update',
      keep: ['curation_status', 'domain_extraction_status'],
      leaseColumn: 'lease_id',
      sourceKeyColumn: 'place_id',
    },
  },
  tables: [...PLACE_TABLES, ...LOCAL_BUSINESS_TABLES],
  work: async ({ payload }, context) => {
    const { place_id: placeId } = payload
    if (!PLACE_ID.test(placeId)) {
      throw new FetchFailure('url', `${JSON.stringify(placeId.slice(0, 100))} names no place`)
    }
    const business = readAnswer(await context.fetchPage(placeUrl(placeId)))
    // Without a website there is nothing to extract a domain from.
    const next = nextStage(context.chain, 'domain_extraction_status', business.website !== null)
    const row: ResultRow = { ...business, ...next, scanned_at: new Date().toISOString() }
    return { businesses: [row] }
  },
})
