// From settings, as people give them, to what one workflow's service needs.

import type { Settings } from '../config/settings.js'
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

function fetchOptionsOf(settings: Settings): FetchOptions {
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
    upstream: { kind: 'direct' },
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
