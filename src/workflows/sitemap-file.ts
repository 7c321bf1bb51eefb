import { LIMITS } from '../core/limits.js'
import type { OutcomeCode } from '../core/outcome.js'
import { canonicalUrl, isBelow, isNoPage } from '../extract/sitemap/canonical-url.js'
import { readLastmod } from '../extract/sitemap/lastmod.js'
import { readSitemap, type SitemapReading } from '../extract/sitemap/read-sitemap.js'
import { FetchFailure } from '../fetch/failure.js'
import { defineWorkflow, type HandlerContext, type ResultRow } from '../workflow/define.js'
import { nextStage } from './next-stage.js'
import { SITEMAPS_SINK } from './sitemaps-sink.js'
import { streamInto } from './stream-into.js'
import { PAGE_TABLES, SITEMAP_TABLES } from './tables.js'

/** A row of `sitemaps`, as far as the workflow reads it. */
export type SitemapFilePayload = {
  /** Which reading of the domain it belongs to: loops are told by it. */
  readonly run: number
  readonly domain: string
  readonly url: string
  /** Entries that earlier parts took. */
  readonly skip: number
  readonly found_in: 'robots' | 'guess' | 'index' | 'part'
  readonly depth: number
  /** Further files that this one may name, all the way down. */
  readonly files_left: number
}

/** By these a site says that there is no such file; for a guess that is an answer. */
const IS_MISSING: ReadonlySet<OutcomeCode> = new Set(['http_4xx', 'blocked', 'redirect', 'robots'])

const NOTHING: SitemapReading = {
  kind: 'unknown',
  entries: [],
  seen: 0,
  bytes: 0,
  hasMore: false,
  isCut: false,
  problem: 'there is no such file',
}

/** Where a sitemap was really found, and what stands in it. */
interface Found {
  readonly url: string
  readonly reading: SitemapReading
}

async function readFile(payload: SitemapFilePayload, context: HandlerContext): Promise<Found> {
  const { url, skip } = payload
  const entriesMax = context.chain.sitemapPagesMax
  try {
    const { page, result } = await streamInto(context, url, (body, { charset }) =>
      readSitemap(body, { charset, skip, entriesMax }),
    )
    return { url: page.url, reading: result }
  } catch (error) {
    const isGuess = payload.found_in === 'guess'
    if (!isGuess || !(error instanceof FetchFailure) || !IS_MISSING.has(error.code)) throw error
    return { url, reading: NOTHING }
  }
}

/** What was promised to be a sitemap and is none is an error; a guess may be wrong. */
function assertSitemap({ reading }: Found, { found_in: foundIn, url }: SitemapFilePayload): void {
  const isSitemap = reading.kind !== 'html' && reading.kind !== 'unknown'
  if (isSitemap || foundIn === 'guess') return
  const what = reading.kind === 'html' ? 'an HTML page' : (reading.problem ?? 'something else')
  throw new FetchFailure('parse', `Expected a sitemap at ${url.slice(0, 200)}, got ${what}`)
}

interface Counts {
  foreigners: number
  unusable: number
}

/** The pages that stand in a file and belong to the domain. */
function pageRows(found: Found, counts: Counts, of: { domain: string; next: ResultRow }) {
  const { domain, next } = of
  const pages = new Map<string, ResultRow>()
  for (const entry of found.reading.entries) {
    const url = canonicalUrl(entry.url, found.url)
    if (url === null || isNoPage(url)) counts.unusable += 1
    else if (!isBelow(url, domain)) counts.foreigners += 1
    else if (!pages.has(url)) {
      pages.set(url, { url, domain, lastmod: readLastmod(entry.lastmod), ...next })
    }
  }
  return [...pages.values()]
}

/**
 * Further files that an index names: those of the domain, and those at the index's own host, which
 * the domain's robots.txt has vouched for.
 */
function childUrls(found: Found, counts: Counts, domain: string): readonly string[] {
  const { host } = new URL(found.url)
  const urls = new Set<string>()
  for (const entry of found.reading.entries) {
    const url = canonicalUrl(entry.url, found.url)
    if (url === null) counts.unusable += 1
    else if (isBelow(url, domain) || new URL(url).host === host) urls.add(url)
    else counts.foreigners += 1
  }
  return [...urls]
}

const QUEUED: ResultRow = { curation_status: 'Selected', file_status: 'Queued' }

/** What a file may still name, shared out: among its children, or kept for its next part. */
function childRows(
  urls: readonly string[],
  payload: SitemapFilePayload,
  hasMore: boolean,
): { readonly children: readonly ResultRow[]; readonly filesLeft: number } {
  const { run, domain, depth, files_left: budget } = payload
  const taken = depth >= LIMITS.sitemapDepthMax ? [] : urls.slice(0, budget)
  const rest = budget - taken.length
  const each = hasMore || taken.length === 0 ? 0 : Math.floor(rest / taken.length)
  const children = taken.map((url) => ({
    ...{ run, domain, url, skip: 0, found_in: 'index', depth: depth + 1, files_left: each },
    ...QUEUED,
  }))
  return { children, filesLeft: rest }
}

/** The rest of a file is another item: it is fetched again, and what was taken is passed over. */
function partRow(payload: SitemapFilePayload, seen: number, filesLeft: number): ResultRow {
  const { run, domain, url, depth } = payload
  return {
    ...{ run, domain, url, skip: seen, found_in: 'part', depth, files_left: filesLeft },
    ...QUEUED,
  }
}

function work(found: Found, payload: SitemapFilePayload, context: HandlerContext) {
  const { reading } = found
  const counts: Counts = { foreigners: 0, unusable: 0 }
  const isIndex = reading.kind === 'index'
  const next = nextStage(context.chain, 'page_processing_status', true, 'page_curation_status')
  const pages = isIndex ? [] : pageRows(found, counts, { domain: payload.domain, next })
  const urls = isIndex ? childUrls(found, counts, payload.domain) : []
  const { children, filesLeft } = childRows(urls, payload, reading.hasMore)
  const goesOn = reading.hasMore && (!isIndex || filesLeft > 0)
  const parts = goesOn ? [partRow(payload, reading.seen, isIndex ? filesLeft : 0)] : []
  const isCut = reading.isCut || children.length < urls.length || goesOn !== reading.hasMore
  const { kind, seen, bytes, problem } = reading
  const read: ResultRow = {
    kind,
    entries: seen - payload.skip,
    pages: pages.length,
    sitemaps: children.length,
    ...counts,
    bytes,
    is_cut: isCut,
    problem,
    read_at: new Date().toISOString(),
  }
  return { pages, sitemaps: [...children, ...parts], reads: [read] }
}

/** Sitemap files to pages, and to the further files that indexes name. */
export default defineWorkflow<SitemapFilePayload>({
  name: 'sitemap-file',
  source: {
    table: 'public.sitemaps',
    key: 'sitemap_id',
    keyType: 'bigint',
    status: 'file_status',
    updatedAt: 'updated_at',
    payload: ['run', 'domain', 'url', 'skip', 'found_in', 'depth', 'files_left'],
    laneColumn: 'url',
  },
  sinks: {
    pages: {
      table: 'public.pages',
      columns: {
        url: 'text',
        domain: 'text',
        lastmod: 'timestamptz',
        page_curation_status: 'text',
        page_processing_status: 'text',
      },
      key: ['url'],
      onConflict: 'ignore',
      leaseColumn: 'lease_id',
    },
    sitemaps: SITEMAPS_SINK,
    reads: {
      table: 'public.sitemap_read',
      columns: {
        kind: 'text',
        entries: 'integer',
        pages: 'integer',
        sitemaps: 'integer',
        foreigners: 'integer',
        unusable: 'integer',
        bytes: 'bigint',
        is_cut: 'boolean',
        problem: 'text',
        read_at: 'timestamptz',
      },
      key: ['sitemap_id'],
      onConflict: 'update',
      leaseColumn: 'lease_id',
      sourceKeyColumn: 'sitemap_id',
    },
  },
  tables: [...SITEMAP_TABLES, ...PAGE_TABLES],
  work: async ({ payload }, context) => {
    const found = await readFile(payload, context)
    assertSitemap(found, payload)
    return work(found, payload, context)
  },
})
