import type { OutcomeCode } from '../core/outcome.js'
import { readWebsite, type Website } from '../extract/website.js'
import { FetchFailure } from '../fetch/failure.js'
import { defineWorkflow, type HandlerContext, type ResultRow } from '../workflow/define.js'
import { nextStage } from './next-stage.js'
import { BUSINESS_DOMAIN_TABLES, DOMAIN_TABLES, LOCAL_BUSINESS_TABLES } from './tables.js'

/** A row of `local_business`, as far as the workflow reads it. */
type DomainPayload = { readonly website: string | null }

/** Failures that are about us or the upstream, and say nothing of the domain. */
const NOT_THE_DOMAIN: ReadonlySet<OutcomeCode> = new Set([
  'budget',
  'key_refused',
  'request_refused',
  'too_costly',
  'upstream_down',
  'cancelled',
])

/** Failures that are an answer all the same: somebody is there. */
const ANSWERED: ReadonlySet<OutcomeCode> = new Set([
  'rate_limited',
  'blocked',
  'http_4xx',
  'http_5xx',
  'redirect',
  'too_large',
  'decode',
  'truncated',
  'robots',
])

async function checkDomain(domain: string, { fetchPage }: HandlerContext): Promise<ResultRow> {
  let last: FetchFailure | null = null
  for (const url of [`https://${domain}/`, `https://www.${domain}/`, `http://${domain}/`]) {
    try {
      const page = await fetchPage(url)
      return checkRow(domain, { code: 'ok', status: page.status, finalUrl: page.url })
    } catch (error) {
      if (!(error instanceof FetchFailure) || NOT_THE_DOMAIN.has(error.code)) throw error
      last = error
      if (ANSWERED.has(error.code)) break
    }
  }
  const { code = 'connect', httpStatus = null } = last ?? {}
  return checkRow(domain, { code, status: httpStatus, finalUrl: null })
}

function checkRow(
  domain: string,
  found: {
    readonly code: OutcomeCode
    readonly status: number | null
    readonly finalUrl: string | null
  },
): ResultRow {
  return {
    domain,
    is_alive: found.code === 'ok' || ANSWERED.has(found.code),
    outcome_code: found.code,
    http_status: found.status,
    final_url: found.finalUrl,
    checked_at: new Date().toISOString(),
  }
}

function linkRow(website: string, found: Exclude<Website, { kind: 'unusable' }>): ResultRow {
  return {
    website,
    host: found.host,
    kind: found.kind,
    domain: found.kind === 'own' ? found.domain : null,
    platform: found.kind === 'platform' ? found.platform : null,
    platform_category: found.kind === 'platform' ? found.category : null,
    extracted_at: new Date().toISOString(),
  }
}

/** Businesses to domains: reads whose domain each website is on, and keeps those of their own. */
export default defineWorkflow<DomainPayload>({
  name: 'domain-extraction',
  // Its items are small: threads of the supervisor are enough for them.
  options: { executor: 'thread' },
  source: {
    table: 'public.local_business',
    key: 'business_id',
    keyType: 'bigint',
    status: 'domain_extraction_status',
    updatedAt: 'updated_at',
    payload: ['website'],
  },
  sinks: {
    domains: {
      table: 'public.domains',
      columns: {
        domain: 'text',
        display_name: 'text',
        curation_status: 'text',
        sitemap_status: 'text',
      },
      key: ['domain'],
      onConflict: 'ignore',
      leaseColumn: 'lease_id',
    },
    links: {
      table: 'public.business_domain',
      columns: {
        website: 'text',
        host: 'text',
        kind: 'text',
        domain: 'text',
        platform: 'text',
        platform_category: 'text',
        extracted_at: 'timestamptz',
      },
      key: ['business_id'],
      onConflict: 'update',
      leaseColumn: 'lease_id',
      sourceKeyColumn: 'business_id',
    },
    checks: {
      table: 'public.domain_check',
      columns: {
        domain: 'text',
        is_alive: 'boolean',
        outcome_code: 'text',
        http_status: 'integer',
        final_url: 'text',
        checked_at: 'timestamptz',
      },
      key: ['domain'],
      onConflict: 'update',
      leaseColumn: 'lease_id',
    },
  },
  tables: [...LOCAL_BUSINESS_TABLES, ...DOMAIN_TABLES, ...BUSINESS_DOMAIN_TABLES],
  work: async ({ payload }, context) => {
    const website = payload.website ?? ''
    const found = readWebsite(website)
    if (found.kind === 'unusable') {
      const shown = JSON.stringify(website.slice(0, 100))
      throw new FetchFailure('url', `${shown} has no domain: ${found.reason}`)
    }
    const links = [linkRow(website, found)]
    if (found.kind === 'platform') return { links }
    const { domain, displayName } = found
    const { chain } = context
    const checks = chain.checksDomains ? [await checkDomain(domain, context)] : []
    // A domain that nobody answers for is written down and waits for a person.
    const isDead = checks.some((check) => check.is_alive === false)
    const next = nextStage(chain, 'sitemap_status', !isDead)
    return { links, checks, domains: [{ domain, display_name: displayName, ...next }] }
  },
})
