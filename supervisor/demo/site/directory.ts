import { assert } from '../../../src/core/assert.js'
import { type Behaviour, dealBehaviours, truthOf } from './behaviours.js'
import { dealEvenly, pick, randomFor } from './dealing.js'
import { ENCODINGS } from './encodings.js'
import { CONTACT_LAYOUTS, HOME_LAYOUTS, type LayoutName } from './layouts.js'
import { EN_GB, EN_US } from './locales/english.js'
import { FR_FR } from './locales/french.js'
import { DE_DE } from './locales/german.js'
import type { Locale } from './locales/locale.js'
import { ES_ES } from './locales/spanish.js'
import { expectedContacts, type PageDescription, renderPage } from './pages.js'
import { type Business, makeBusiness } from './people.js'
import type { PageTruth } from './truth.js'

export const LOCALES: readonly Locale[] = [EN_US, EN_GB, DE_DE, FR_FR, ES_ES]

/** A page with its address and its manners. */
export interface DemoPage {
  /** Names the page within the directory, and its random numbers. */
  readonly id: string
  /** Path on the page's host at which a run finds it. */
  readonly path: string
  readonly description: PageDescription
  readonly behaviour: Behaviour
}

export interface Site {
  readonly business: Business
  /** The site has a host name of its own; otherwise it lives under a path. */
  readonly hasOwnHost: boolean
  /** Requests it serves at once; above it the answer is 429. */
  readonly concurrencyMax: number
  readonly home: DemoPage
  readonly contact: DemoPage
}

/** Bound of a site that does not limit anybody. */
const MANY = 1_000
const OWN_HOST = [true, false, false, false] as const
const CONCURRENCY = [1, ...Array.from({ length: 9 }, () => MANY)]

function namesOf<Name extends LayoutName>(layouts: { readonly [name in Name]: unknown }): Name[] {
  return (Object.keys(layouts) as Name[]).sort()
}

/** Deals to every page of `count` and returns who got what. */
function dealer(seed: number, count: number) {
  return <Value>(name: string, values: readonly Value[]): ((at: number) => Value) => {
    const cards = dealEvenly(randomFor(seed, name), { values, count })
    return (at) => cardAt(cards, at)
  }
}

function cardAt<Value>(cards: readonly Value[], at: number): Value {
  const card = cards[at]
  assert(card !== undefined, 'every site was dealt a card')
  return card
}

function makeBusinesses(seed: number, sites: number): Business[] {
  const taken = new Set<string>()
  const localeOf = dealer(seed, sites)('locales', LOCALES)
  return Array.from({ length: sites }, (_none, at) =>
    makeBusiness(randomFor(seed, `business ${at}`), localeOf(at), taken),
  )
}

/** Path under which a site lives on its host; '' when the host is its own. */
export function prefixOf(site: { business: Business; hasOwnHost: boolean }): string {
  return site.hasOwnHost ? '' : `/site/${site.business.slug}`
}

type PageCards = Pick<PageDescription, 'kind' | 'layout' | 'encoding'> & { behaviour: Behaviour }

function makePage(
  site: { business: Business; hasOwnHost: boolean; contactPath: string },
  cards: PageCards,
): DemoPage {
  const { business, contactPath } = site
  const { behaviour, ...looks } = cards
  const links = { home: `${prefixOf(site)}/`, contact: `${prefixOf(site)}${contactPath}` }
  return {
    id: `${business.slug} ${cards.kind}`,
    path: cards.kind === 'home' ? '/' : contactPath,
    description: { ...looks, business, links },
    behaviour,
  }
}

/** Generates the directory of `sites` businesses. The same seed always gives the same directory. */
export function makeDirectory(seed: number, sites: number): Site[] {
  const deal = dealer(seed, sites)
  const hasOwnHost = deal('hosts', OWN_HOST)
  const concurrencyMax = deal('concurrencies', CONCURRENCY)
  const homeLayout = deal('home layouts', namesOf(HOME_LAYOUTS))
  const contactLayout = deal('contact layouts', namesOf(CONTACT_LAYOUTS))
  const homeEncoding = deal('home encodings', ENCODINGS)
  const contactEncoding = deal('contact encodings', ENCODINGS)
  const behaviours = dealBehaviours(randomFor(seed, 'behaviours'), sites)
  return makeBusinesses(seed, sites).map((business, at) => {
    const { contactPaths } = business.locale
    const contactPath = `/${pick(randomFor(seed, `path of ${business.slug}`), contactPaths)}`
    const site = { business, hasOwnHost: hasOwnHost(at), contactPath }
    return {
      business,
      hasOwnHost: hasOwnHost(at),
      concurrencyMax: concurrencyMax(at),
      home: makePage(site, {
        kind: 'home',
        layout: homeLayout(at),
        encoding: homeEncoding(at),
        behaviour: cardAt(behaviours.home, at),
      }),
      contact: makePage(site, {
        kind: 'contact',
        layout: contactLayout(at),
        encoding: contactEncoding(at),
        behaviour: cardAt(behaviours.contact, at),
      }),
    }
  })
}

/** The page's HTML, as text. */
export function htmlOf(seed: number, page: DemoPage): string {
  return renderPage(page.description, randomFor(seed, page.id))
}

export function pageTruth(seed: number, page: DemoPage): PageTruth {
  const contacts = expectedContacts(page.description, randomFor(seed, page.id))
  return truthOf(page.behaviour, contacts)
}
