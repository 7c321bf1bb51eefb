import { assertNever } from '../../../src/core/assert.js'
import { type Random, randomInteger } from '../../../src/core/random.js'
import { pick, shuffled } from './dealing.js'
import type { ExpectedContact, PageTruth } from './truth.js'

/** How a page treats those who fetch it. `failures` counts the first visits that get no page. */
export type Behaviour =
  | { readonly kind: 'plain' }
  | { readonly kind: 'rate-limit'; readonly refusals: number }
  | { readonly kind: 'server-error'; readonly status: 500 | 502 | 503; readonly failures: number }
  | { readonly kind: 'hang'; readonly failures: number; readonly heals: boolean }
  | { readonly kind: 'truncate'; readonly failures: number }
  | { readonly kind: 'reset'; readonly failures: number }
  | { readonly kind: 'drip' }
  | { readonly kind: 'redirect'; readonly hops: number }
  | { readonly kind: 'redirect-loop' }
  | { readonly kind: 'not-found' }
  | { readonly kind: 'pdf' }
export type BehaviourKind = Behaviour['kind']

/** What the server does with one request. */
export type Reaction =
  | 'page'
  | 'drip'
  | 'truncate'
  | 'reset'
  | 'hang'
  | 'pdf'
  | 'rate-limit'
  | 'server-error'
  | 'not-found'

/** More visits than anybody makes: the page never heals. */
const NEVER = Number.MAX_SAFE_INTEGER

const PLAIN: Behaviour = { kind: 'plain' }

/** Shares of all contact pages that end badly, in a thousand; rounded down. */
const DOOMED_PER_MILLE = [
  { kind: 'not-found', perMille: 40 },
  { kind: 'server-error', perMille: 10 },
] as const

/**
 * Single pages that end badly, each only among enough pages to stay a rarity. The one that hangs
 * fails at once on later visits: hanging three times, it would decide how long a whole run takes.
 */
const DOOMED_SINGLES = [
  { behaviour: { kind: 'redirect-loop' }, sitesMin: 100 },
  { behaviour: { kind: 'pdf' }, sitesMin: 100 },
  { behaviour: { kind: 'hang', failures: 1, heals: false }, sitesMin: 250 },
] as const satisfies readonly { behaviour: Behaviour; sitesMin: number }[]

/** Pages that are worth the trouble, in a thousand of all pages; rounded. */
const TROUBLE_PER_MILLE = [
  { kind: 'rate-limit', perMille: 70 },
  { kind: 'server-error', perMille: 60 },
  { kind: 'redirect', perMille: 60 },
  { kind: 'truncate', perMille: 30 },
  { kind: 'reset', perMille: 30 },
  { kind: 'drip', perMille: 25 },
  { kind: 'hang', perMille: 8 },
] as const

function makeTrouble(random: Random, kind: (typeof TROUBLE_PER_MILLE)[number]['kind']): Behaviour {
  switch (kind) {
    case 'rate-limit':
      return { kind, refusals: randomInteger(random, { min: 1, max: 2 }) }
    case 'server-error':
      return { kind, status: pick(random, [500, 502, 503]), failures: random.next() < 0.7 ? 1 : 2 }
    case 'redirect':
      return { kind, hops: randomInteger(random, { min: 1, max: 3 }) }
    case 'drip':
      return { kind }
    case 'hang':
      return { kind, failures: 1, heals: true }
    case 'truncate':
    case 'reset':
      return { kind, failures: 1 }
    default:
      return assertNever(kind)
  }
}

function makeDoomed(random: Random, sites: number): Behaviour[] {
  const shares = DOOMED_PER_MILLE.flatMap(({ kind, perMille }) =>
    Array.from(
      { length: Math.floor((sites * perMille) / 1000) },
      (): Behaviour =>
        kind === 'not-found'
          ? { kind }
          : { kind, status: pick(random, [500, 502, 503]), failures: NEVER },
    ),
  )
  const singles = DOOMED_SINGLES.filter(({ sitesMin }) => sites >= sitesMin)
  return [...shares, ...singles.map(({ behaviour }) => behaviour)]
}

export interface DealtBehaviours {
  readonly contact: readonly Behaviour[]
  readonly home: readonly Behaviour[]
}

/**
 * Gives every page of `sites` sites its behaviour. What takes several slow attempts is dealt to the
 * first half of the sites, so that a run does not meet it last and end with one slot at work.
 */
export function dealBehaviours(random: Random, sites: number): DealtBehaviours {
  const trouble = TROUBLE_PER_MILLE.flatMap(({ kind, perMille }) =>
    Array.from({ length: Math.round((2 * sites * perMille) / 1000) }, () =>
      makeTrouble(random, kind),
    ),
  )
  const mixed = shuffled(random, trouble)
  const half = Math.floor(mixed.length / 2)
  return {
    contact: dealToSites(random, [...makeDoomed(random, sites), ...mixed.slice(0, half)], sites),
    home: dealToSites(random, mixed.slice(half), sites),
  }
}

function isSlow(behaviour: Behaviour): boolean {
  return behaviour.kind === 'hang' || (behaviour.kind === 'server-error' && behaviour.failures > 1)
}

function dealToSites(random: Random, behaviours: readonly Behaviour[], sites: number): Behaviour[] {
  const slow = behaviours.filter(isSlow)
  const others = behaviours.filter((behaviour) => !isSlow(behaviour))
  const quick = shuffled(random, fillUp(others, sites - slow.length))
  const besideSlow = Math.max(0, Math.ceil(sites / 2) - slow.length)
  return [...shuffled(random, [...slow, ...quick.slice(0, besideSlow)]), ...quick.slice(besideSlow)]
}

function fillUp(behaviours: readonly Behaviour[], count: number): Behaviour[] {
  const missing = Math.max(0, count - behaviours.length)
  return [...behaviours, ...Array.from({ length: missing }, () => PLAIN)]
}

/**
 * Decides what the page's `visit`-th request, counted from 1, is answered with. A redirect depends
 * on the address and not on the visit: see `routes.ts`.
 */
export function planReaction(behaviour: Behaviour, visit: number): Reaction {
  switch (behaviour.kind) {
    case 'plain':
    case 'redirect':
    case 'redirect-loop':
      return 'page'
    case 'drip':
    case 'pdf':
    case 'not-found':
      return behaviour.kind
    case 'rate-limit':
      return visit <= behaviour.refusals ? 'rate-limit' : 'page'
    case 'hang':
      if (visit <= behaviour.failures) return 'hang'
      return behaviour.heals ? 'page' : 'server-error'
    case 'server-error':
    case 'truncate':
    case 'reset':
      return visit <= behaviour.failures ? behaviour.kind : 'page'
    default:
      return assertNever(behaviour)
  }
}

function failed(...codes: Extract<PageTruth, { fate: 'failed' }>['codes']): PageTruth {
  return { fate: 'failed', codes }
}

/** What must become of a page that behaves so and shows these contacts. */
export function truthOf(behaviour: Behaviour, contacts: readonly ExpectedContact[]): PageTruth {
  switch (behaviour.kind) {
    case 'plain':
    case 'redirect':
    case 'rate-limit':
    case 'drip':
      return { fate: 'ok', contacts, failedAttemptsMax: 0 }
    case 'not-found':
      return failed('http_4xx')
    case 'redirect-loop':
      return failed('redirect')
    case 'pdf':
      return failed('content_type')
    case 'hang':
      if (!behaviour.heals) return failed('http_5xx')
      return { fate: 'ok', contacts, failedAttemptsMax: behaviour.failures }
    case 'server-error':
      if (behaviour.failures === NEVER) return failed('http_5xx')
      return { fate: 'ok', contacts, failedAttemptsMax: behaviour.failures }
    case 'truncate':
    case 'reset':
      return { fate: 'ok', contacts, failedAttemptsMax: behaviour.failures }
    default:
      return assertNever(behaviour)
  }
}

const MEDIAN_MS = 250
const SPREAD = 0.65

/** Time until a page's first byte: log-normal around 250 ms, within 50 to 1500 ms. */
export function latencyMs(random: Random): number {
  // Box and Muller: two even numbers make a normal one. The first must not be 0.
  const radius = Math.sqrt(-2 * Math.log(1 - random.next()))
  const normal = radius * Math.cos(2 * Math.PI * random.next())
  return Math.round(Math.min(1_500, Math.max(50, MEDIAN_MS * Math.exp(SPREAD * normal))))
}
