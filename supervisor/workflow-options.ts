// From settings, as people give them, to what one workflow's service needs.

import { createHash } from 'node:crypto'
import type { Settings } from '../config/settings.js'
import { assert } from '../src/core/assert.js'
import type { AlertThresholds } from '../src/core/figures.js'
import { parseUrl } from '../src/core/parse-url.js'
import type { Coordination } from '../src/core/partition-plan.js'
import type { UpstreamOptions } from '../src/core/upstream-options.js'
import type { FetchOptions } from '../src/core/worker-options.js'
import { shareSlots } from '../src/core/worker-plan.js'
import { estimateCost } from '../src/fetch/upstream/credit-cost.js'
import { ANY_SITE, tierPrice } from '../src/fetch/upstream/tier-options.js'
import { documentOptionsOf, settingsFor } from './documents/settings.js'
import type { HostLimits } from './host-pace.js'
import type { Keep } from './remover.js'
import type { WorkerSeatSpec } from './worker-seat.js'
import type { WorkflowServiceOptions } from './workflow-service-options.js'

const MEGABYTE = 1_048_576

/**
 * Child processes first, then threads. Slots are shared out among all of them, and so are sockets,
 * which are a node's: a worker with more slots has more of them.
 */
export function seatsOf(
  settings: Pick<
    Settings,
    'executor' | 'processes' | 'threads' | 'concurrency' | 'sockets' | 'socketsPerHost'
  >,
): readonly WorkerSeatSpec[] {
  const processes = settings.executor === 'thread' ? 0 : settings.processes
  const threads = settings.executor === 'process' ? 0 : settings.threads
  // More workers than slots would be workers without work.
  const total = Math.min(processes + threads, settings.concurrency)
  const sockets = shareSlots(settings.sockets, total)
  const perHost = shareSlots(settings.socketsPerHost, total)
  return shareSlots(settings.concurrency, total).map((slots, index) => ({
    kind: index < processes ? 'process' : 'thread',
    slots,
    sockets: { socketsMax: sockets[index] ?? 1, socketsPerHostMax: perHost[index] ?? 1 },
  }))
}

/** Where requests of these settings go. The rules of the settings see to it that a key is there. */
export function upstreamOptionsOf(settings: Settings): UpstreamOptions {
  const { upstream: kind, upstreamKey: key, country } = settings
  if (kind === 'direct') return { kind }
  if (kind === 'places-api') return placesOptionsOf(settings)
  assert(key !== null, 'settings with a proxy API have a key')
  return {
    kind,
    key,
    endpoints: settings.upstreamEndpoints,
    isRendered: settings.render,
    country: country === null ? null : country.toLowerCase(),
    premium: settings.premium,
    session: settings.session,
    maxCost: settings.maxCost,
    keepsHeaders: settings.keepHeaders,
    tiers: settings.tiers,
  }
}

function placesOptionsOf(settings: Settings): UpstreamOptions {
  const { placesKey, placesEndpoint, placesFields, placesLanguage, placesRegion } = settings
  return {
    kind: 'places-api',
    key: placesKey,
    endpoint: placesEndpoint,
    fields: placesFields,
    language: placesLanguage,
    region: placesRegion?.toUpperCase() ?? null,
  }
}

export function fetchOptionsOf(settings: Settings): FetchOptions {
  return {
    connectTimeoutMs: settings.connectTimeoutMs,
    headersTimeoutMs: settings.headersTimeoutMs,
    bodyTimeoutMs: settings.bodyTimeoutMs,
    totalTimeoutMs: settings.totalTimeoutMs,
    keepAliveMs: settings.keepAliveMs,
    bodyBytesMax: settings.bodyMb * MEGABYTE,
    redirectsMax: settings.redirects,
    socketsMax: settings.sockets,
    socketsPerHostMax: settings.socketsPerHost,
    userAgent: settings.userAgent,
    robots: settings.robots,
    robotsName: settings.robotsName,
    allowedRanges: settings.allowRanges,
    ports: settings.ports,
    upstream: upstreamOptionsOf(settings),
  }
}

/** What a call is expected to cost, at the dearest way that may be taken; 0 for direct calls. */
function creditsPerCallOf(settings: Settings): number {
  return Math.max(...pricesOf(settings))
}

/** The same for a host: some sites have a price of their own. */
function priceOfHost(settings: Settings): (host: string) => number {
  const usual = creditsPerCallOf(settings)
  if (settings.upstream !== 'proxy-api') return () => usual
  return (host) => {
    const site = host === '' ? null : parseUrl(`https://${host}/`)
    return site === null ? usual : Math.max(usual, ...pricesOf(settings, site))
  }
}

/** What calls to a site are expected to cost, by each way that may be taken. */
export function pricesOf(settings: Settings, site = ANY_SITE): readonly number[] {
  if (settings.callCredits !== null) return [settings.callCredits]
  const upstream = upstreamOptionsOf(settings)
  if (upstream.kind === 'direct') return [0]
  if (upstream.kind === 'places-api') return [1]
  if (upstream.tiers.length === 0) return [estimateCost(site, upstream)]
  return upstream.tiers.map((tier) => tierPrice(tier, site))
}

/**
 * The word under which nodes share a limit: workflows of one account share its plan. It is stored
 * with the node, so it must not tell the key.
 */
export function planOf(workflow: string, settings: Settings): string {
  const upstream = upstreamOptionsOf(settings)
  if (upstream.kind === 'direct' || upstream.key === null) return `workflow:${workflow}`
  const digest = createHash('sha256').update(`fetchyard plan\0${upstream.key}`).digest('hex')
  return `account:${digest.slice(0, 16)}`
}

/**
 * What waits in a worker for a socket of its host, as a share of these sockets: what follows an
 * answer is there already, and need not be asked for.
 */
const NEXT_SHARE = 0.25

/** Through a proxy API the hosts see the proxy's requests, and a 429 is its own word. */
export function hostLimitsOf(settings: Settings): HostLimits | null {
  const { upstream, hostConcurrency, hostDelayMs, socketsPerHost } = settings
  if (upstream !== 'direct') return null
  return {
    concurrency: hostConcurrency ?? Math.ceil(socketsPerHost * (1 + NEXT_SHARE)),
    isDivided: hostConcurrency !== null,
    isShared: settings.coordination === 'leased',
    delayMs: hostDelayMs ?? 'auto',
    crawlDelayMaxMs: settings.crawlDelayMaxMs,
    isMetFirst: settings.robots === 'obey' && settings.crawlDelayMaxMs > 0,
  }
}

function coordinationOf({ coordination, instanceId, instanceCount }: Settings): Coordination {
  if (coordination === 'leased') return { way: 'leased' }
  if (instanceId === null || instanceCount === null) return { way: 'members' }
  return { way: 'fixed', id: instanceId, count: instanceCount }
}

export function alertsOf(settings: Settings): AlertThresholds {
  return {
    successPercent: settings.alertSuccessPercent,
    errorPercent: settings.alertErrorPercent,
    latencyMs: settings.alertLatencyMs,
    oldestMs: settings.alertOldestMs,
    stallMs: settings.alertStallMs,
    reclaims: settings.alertReclaims,
    budgetPercent: settings.alertBudgetPercent,
    creditsRisePercent: settings.alertCreditsRisePercent,
  }
}

export function serviceOptionsOf(
  given: Settings,
  workflow: { readonly name: string; readonly moduleUrl: string },
): WorkflowServiceOptions {
  const settings = settingsFor(workflow.name, given)
  const seats = seatsOf(settings)
  return {
    seats,
    coordination: coordinationOf(settings),
    heapMb: settings.heapMb,
    memoryBytesMax: settings.memoryMb * MEGABYTE,
    silentMs: settings.silentMs,
    workerIdleMs: settings.workerIdleMs,
    batchSize: settings.batchSize,
    retry: {
      attempts: settings.attempts,
      backoff: {
        baseMs: settings.backoffMs,
        factor: settings.backoffFactor,
        maxMs: settings.backoffMaxMs,
      },
    },
    governor: {
      concurrency: settings.concurrency,
      start: settings.concurrencyStart,
      planConcurrency: settings.planConcurrency,
      ratePerMinute: settings.ratePerMinute,
      successPauseMs: settings.successPauseMs,
      hasOnePlan: settings.upstream !== 'direct' || settings.planConcurrency !== null,
      plan: planOf(workflow.name, settings),
    },
    hosts: hostLimitsOf(settings),
    creditsPerCall: creditsPerCallOf(settings),
    priceOfHost: priceOfHost(settings),
    failureAgeMs: settings.upstream === 'direct' ? 0 : settings.failureAgeMs,
    rollback: {
      errorRateMax: settings.rollbackErrorPercent / 100,
      itemsMin: settings.rollbackItems,
    },
    workerOptions: {
      workflow: workflow.name,
      moduleUrl: workflow.moduleUrl,
      itemTimeoutMs: settings.itemTimeoutMs,
      ...documentOptionsOf(workflow.name, settings),
      fetch: fetchOptionsOf(settings),
      chain: {
        selectsResults: settings.selectResults,
        checksDomains: settings.checkDomains,
        sitemapsMax: settings.sitemaps,
        sitemapPagesMax: settings.sitemapPages,
      },
    },
  }
}

const DAY_MS = 86_400_000

/** For how long a node keeps what is old. */
export function keepOf({ keepReceipts, keepItems }: Settings): Keep {
  const msOf = (days: number | null) => (days === null ? null : days * DAY_MS)
  return { receiptsMs: msOf(keepReceipts), itemsMs: msOf(keepItems) }
}
