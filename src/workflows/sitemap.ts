import { messageOf } from '../core/errors.js'
import type { OutcomeCode } from '../core/outcome.js'
import { canonicalUrl, isBelow } from '../extract/sitemap/canonical-url.js'
import { robotsSitemaps } from '../extract/sitemap/robots-sitemaps.js'
import { FetchFailure } from '../fetch/failure.js'
import { defineWorkflow, type HandlerContext, type ResultRow } from '../workflow/define.js'
import { nextStage } from './next-stage.js'
import { SITEMAPS_SINK } from './sitemaps-sink.js'
import { DOMAIN_TABLES, PAGE_TABLES, SITEMAP_TABLES } from './tables.js'

/** A row of `domains`, as far as the workflow reads it. */
type SitemapPayload = { readonly domain: string }

/** Failures after which another host or scheme of the domain may still answer. */
const UNREACHED: ReadonlySet<OutcomeCode> = new Set([
  'dns',
  'connect',
  'tls',
  'timeout_connect',
  'reset',
])

/** Statuses by which a site says that it has no robots.txt: nothing is forbidden, nothing named. */
const HAS_NONE: ReadonlySet<OutcomeCode> = new Set(['http_4xx', 'blocked', 'redirect', 'too_large'])

/** Where sitemaps are that no robots.txt names. */
const GUESSES = ['/sitemap.xml', '/sitemap_index.xml']

interface Site {
  /** Scheme and host that answered, as redirects had it. */
  readonly origin: string
  /** '' when there is no robots.txt. */
  readonly robots: string
  readonly robotsUrl: string
}

/** The robots.txt of the first of the domain's hosts that answers. */
async function findSite(domain: string, context: HandlerContext): Promise<Site> {
  let last: unknown = null
  for (const origin of [
    `https://${domain}`,
    `https://www.${domain}`,
    `http://${domain}`,
    `http://www.${domain}`,
  ]) {
    const asked = `${origin}/robots.txt`
    try {
      const page = await context.fetchPage(asked)
      // A site that moved to another domain is that domain's business.
      const hasMoved = !isBelow(page.url, domain)
      const robotsUrl = hasMoved ? asked : page.url
      return { origin: new URL(robotsUrl).origin, robots: hasMoved ? '' : page.text, robotsUrl }
    } catch (error) {
      if (!(error instanceof FetchFailure)) throw error
      if (HAS_NONE.has(error.code)) return { origin, robots: '', robotsUrl: asked }
      if (!UNREACHED.has(error.code)) throw error
      last ??= error
      context.log(`${asked} cannot be reached: ${messageOf(error)}`)
    }
  }
  throw last
}

function sitemapRows(site: Site, domain: string, { chain, leaseId }: HandlerContext): ResultRow[] {
  const named = robotsSitemaps(site.robots, site.robotsUrl)
  const isNamed = named.length > 0
  const urls = isNamed ? named : GUESSES.map((path) => `${site.origin}${path}`)
  const taken = urls.slice(0, chain.sitemapsMax)
  // What the domain may read is divided among its files, so that no index reads for ever.
  const filesLeft = Math.floor((chain.sitemapsMax - taken.length) / taken.length)
  return taken.map((url) => ({
    // A domain that is asked again is read again, and within one run every file once.
    run: leaseId,
    domain,
    url,
    skip: 0,
    found_in: isNamed ? 'robots' : 'guess',
    depth: 0,
    files_left: Math.max(0, filesLeft),
    // Files are this workflow's own business and wait for nobody.
    curation_status: 'Selected',
    file_status: 'Queued',
  }))
}

/** Domains to sitemap files: reads robots.txt, and takes the home page for a page in any case. */
export default defineWorkflow<SitemapPayload>({
  name: 'sitemap',
  // Its items are small: threads of the supervisor are enough for them.
  options: { executor: 'thread' },
  source: {
    table: 'public.domains',
    key: 'domain_id',
    keyType: 'bigint',
    status: 'sitemap_status',
    updatedAt: 'updated_at',
    payload: ['domain'],
  },
  sinks: {
    sitemaps: SITEMAPS_SINK,
    pages: {
      table: 'public.pages',
      columns: {
        url: 'text',
        domain: 'text',
        page_curation_status: 'text',
        page_processing_status: 'text',
      },
      key: ['url'],
      onConflict: 'ignore',
      leaseColumn: 'lease_id',
    },
  },
  tables: [...DOMAIN_TABLES, ...SITEMAP_TABLES, ...PAGE_TABLES],
  work: async ({ payload }, context) => {
    const { domain } = payload
    if (canonicalUrl(`https://${domain}/`) === null) {
      throw new FetchFailure('url', `${JSON.stringify(domain.slice(0, 100))} is no domain`)
    }
    const site = await findSite(domain, context)
    const next = nextStage(context.chain, 'page_processing_status', true, 'page_curation_status')
    return {
      sitemaps: sitemapRows(site, domain, context),
      pages: [{ url: `${site.origin}/`, domain, ...next }],
    }
  },
})
