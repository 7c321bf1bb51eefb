import { LIMITS } from '../../src/core/limits.js'
import { count, optional, text, toggle } from '../option.js'
import { names } from '../option-lists.js'

/** What the places API is asked, and how. */
export const PLACES_OPTIONS = {
  placesKey: optional(
    text({
      group: 'upstream',
      name: 'places-key',
      isSecret: true,
      sentence: 'Key of your project at the places API. It has no flag.',
      default: '',
      environment: ['GOOGLE_PLACES_API_KEY', 'GOOGLE_MAPS_API_KEY'],
      pattern: /^[\x21-\x7e]{4,512}$/,
      rule: '4 to 512 printable ASCII characters without spaces',
    }),
    { meaning: 'none' },
  ),
  placesEndpoint: text({
    group: 'upstream',
    name: 'places-endpoint',
    sentence: 'URL of the places API, without `/v1`.',
    default: 'https://places.googleapis.com/',
    pattern: /^https?:\/\/[^\s/?#@]+(\/[^\s?#]*)?$/,
    rule: 'an http or https URL without user, password and query',
  }),
  placesFields: names({
    group: 'upstream',
    name: 'places-fields',
    sentence:
      'Fields asked of the places API, as in its field mask. The dearest of them decides the ' +
      'price of every call.',
    default: [
      'id',
      'displayName',
      'formattedAddress',
      'shortFormattedAddress',
      'addressComponents',
      'location',
      'plusCode',
      'types',
      'primaryType',
      'businessStatus',
      'googleMapsUri',
      'utcOffsetMinutes',
      'websiteUri',
      'nationalPhoneNumber',
      'internationalPhoneNumber',
      'rating',
      'userRatingCount',
      'priceLevel',
      'regularOpeningHours',
    ],
    pattern: /^(\*|[A-Za-z][A-Za-z0-9.]{0,99})$/,
    max: 100,
  }),
  placesLanguage: optional(
    text({
      group: 'upstream',
      name: 'places-language',
      sentence: 'Language of what the places API answers.',
      default: '',
      pattern: /^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}$/,
      rule: 'a language tag such as de or pt-BR',
    }),
    { meaning: "the API's choice" },
  ),
  placesRegion: optional(
    text({
      group: 'upstream',
      name: 'places-region',
      sentence: 'Country whose habits the addresses of the places API follow.',
      default: '',
      pattern: /^[A-Za-z]{2}$/,
      rule: 'a country code of two letters',
    }),
    { meaning: 'none' },
  ),
} as const

/** What workflows do whose results are another workflow's work. */
export const CHAIN_OPTIONS = {
  selectResults: toggle({
    group: 'work',
    name: 'select-results',
    sentence:
      'Whether rows that a shipped workflow writes are queued for the next one at once; ' +
      'otherwise they wait until somebody sets them to Selected.',
    default: true,
  }),
  checkDomains: toggle({
    group: 'work',
    name: 'check-domains',
    sentence: 'Let `domain-extraction` ask each domain for an answer, and write down what came.',
    default: false,
  }),
  sitemaps: count({
    group: 'work',
    name: 'sitemaps',
    sentence: 'Sitemap files that `sitemap` reads of one domain.',
    default: 500,
    bounds: { min: 1, max: LIMITS.sitemapsOfDomainMax },
  }),
  sitemapPages: count({
    group: 'work',
    name: 'sitemap-pages',
    sentence: 'Pages that `sitemap-file` takes from one sitemap file.',
    default: LIMITS.sitemapUrlsMax,
    bounds: { min: 1, max: LIMITS.sitemapUrlsMax },
  }),
} as const
