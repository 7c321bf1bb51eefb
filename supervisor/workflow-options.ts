// From settings, as people give them, to what one workflow's service needs.

import type { Settings } from '../config/settings.js'
import { assert } from '../src/core/assert.js'
import type { UpstreamOptions } from '../src/core/upstream-options.js'
import type { FetchOptions } from '../src/core/worker-options.js'
import { shareSlots } from '../src/core/worker-plan.js'
import type { WorkerSeatSpec } from './worker-pool.js'
import type { WorkflowServiceOptions } from './workflow-service.js'

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
    allowedRanges: settings.allowRanges,
    upstream: upstreamOptionsOf(settings),
  }
}

export function serviceOptionsOf(
  settings: Settings,
  workflow: { readonly name: string; readonly moduleUrl: string },
): WorkflowServiceOptions {
  const seats = seatsOf(settings)
  return {
    seats,
    heapMb: settings.heapMb,
    memoryBytesMax: settings.memoryMb * MEGABYTE,
    silentMs: settings.silentMs,
    retry: {
      attempts: settings.attempts,
      backoff: {
        baseMs: settings.backoffMs,
        factor: settings.backoffFactor,
        maxMs: settings.backoffMaxMs,
      },
    },
    workerOptions: {
      workflow: workflow.name,
      moduleUrl: workflow.moduleUrl,
      itemTimeoutMs: settings.itemTimeoutMs,
      fetch: fetchOptionsOf(settings),
    },
  }
}
