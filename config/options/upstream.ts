import { LIMITS } from '../../src/core/limits.js'
import { PREMIUM_LEVELS, TIERS, UPSTREAM_KINDS } from '../../src/core/upstream-options.js'
import { choice, count, duration, optional, text, toggle } from '../option.js'
import { steps, urls } from '../option-lists.js'

const group = 'upstream'

export const UPSTREAM_OPTIONS = {
  upstream: choice({
    group,
    name: 'upstream',
    sentence:
      'Where requests go: `direct` to the site, or to a `proxy-api` in the ScraperAPI convention ' +
      'that fetches the page and charges for it.',
    default: 'direct',
    choices: UPSTREAM_KINDS,
  }),
  upstreamKey: optional(
    text({
      group,
      name: 'upstream-key',
      isSecret: true,
      sentence: 'Key of your account at the proxy API. It has no flag.',
      default: '',
      environment: ['SCRAPER_API_KEY', 'SCRAPERAPI_KEY'],
      pattern: /^[\x21-\x7e]{4,512}$/,
      rule: '4 to 512 printable ASCII characters without spaces',
    }),
    { meaning: 'none' },
  ),
  upstreamEndpoints: urls({
    group,
    name: 'upstream-endpoints',
    sentence:
      'URLs of the proxy API in order of preference, such as its regional instances: the next ' +
      'one is used while one is down.',
    default: ['https://api.scraperapi.com/'],
    max: LIMITS.endpointsMax,
  }),
  render: toggle({
    group,
    name: 'render',
    sentence: 'Let the proxy API run the scripts of the page; costs more.',
    default: false,
  }),
  country: optional(
    text({
      group,
      name: 'country',
      sentence: 'Country that the proxy API fetches from.',
      default: '',
      pattern: /^[A-Za-z]{2}$/,
      rule: 'a country code of two letters',
    }),
    { meaning: 'any' },
  ),
  premium: choice({
    group,
    name: 'premium',
    sentence: 'Better addresses of the proxy API (`on`), or its best (`ultra`); both cost more.',
    default: 'off',
    choices: PREMIUM_LEVELS,
  }),
  tiers: steps({
    group,
    name: 'tiers',
    sentence:
      'Ways to fetch, of which each host gets the cheapest that works, instead of one way for ' +
      'all (`render` and `premium` then say nothing).',
    default: [],
    steps: TIERS,
  }),
  session: optional(
    count({
      group,
      name: 'session',
      sentence: 'Number that has the proxy API fetch every page from one address.',
      default: 0,
      bounds: { min: 0, max: 2_147_483_647 },
    }),
    { meaning: 'another address each time' },
  ),
  maxCost: optional(
    count({
      group,
      name: 'max-cost',
      sentence: 'Credits that one call may cost; a page that would cost more fails for good.',
      default: 0,
      bounds: { min: 1, max: 1_000_000 },
    }),
    { meaning: 'no bound' },
  ),
  failureAgeMs: duration({
    group,
    name: 'failure-age',
    sentence:
      'Time for which a page that failed for good and was charged for it, such as a 404, is not ' +
      'paid for again; 0 asks every time. `--again` asks at once.',
    default: 30 * 86_400_000,
    bounds: { min: 0, max: LIMITS.failureAgeMsMax },
  }),
  keepHeaders: toggle({
    group,
    name: 'keep-headers',
    sentence: 'Let the proxy API pass our own headers on to the site, the user agent among them.',
    default: false,
  }),
} as const
