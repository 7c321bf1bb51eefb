// From settings, as people give them, to what one workflow's service needs.

import type { Settings } from '../config/settings.js'
import type { FetchOptions } from '../src/core/worker-options.js'
import { shareSlots } from '../src/core/worker-plan.js'
import type { WorkerSeatSpec } from './worker-pool.js'
import type { WorkflowServiceOptions } from './workflow-service.js'

const MEGABYTE = 1_048_576

/** Child processes first, then threads; the slots are shared out among all of them. */
export function seatsOf(
  settings: Pick<Settings, 'executor' | 'processes' | 'threads' | 'concurrency'>,
): readonly WorkerSeatSpec[] {
  const processes = settings.executor === 'thread' ? 0 : settings.processes
  const threads = settings.executor === 'process' ? 0 : settings.threads
  // More workers than slots would be workers without work.
  const total = Math.min(processes + threads, settings.concurrency)
  return shareSlots(settings.concurrency, total).map((slots, index) => ({
    kind: index < processes ? 'process' : 'thread',
    slots,
  }))
}

/** The limits of one worker: sockets are a node's, so each worker has its share. */
export function fetchOptionsOf(settings: Settings, workers: number): FetchOptions {
  const share = (total: number) => Math.max(1, Math.floor(total / workers))
  return {
    connectTimeoutMs: settings.connectTimeoutMs,
    headersTimeoutMs: settings.headersTimeoutMs,
    bodyTimeoutMs: settings.bodyTimeoutMs,
    totalTimeoutMs: settings.totalTimeoutMs,
    keepAliveMs: settings.keepAliveMs,
    bodyBytesMax: settings.bodyMb * MEGABYTE,
    redirectsMax: settings.redirects,
    socketsMax: share(settings.sockets),
    socketsPerHostMax: share(settings.socketsPerHost),
    userAgent: settings.userAgent,
    allowedRanges: settings.allowRanges,
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
      fetch: fetchOptionsOf(settings, seats.length),
    },
  }
}
