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
    robots: settings.robots,
    allowedRanges: settings.allowRanges,
  }
}

/** What a call is expected to cost; 0 for direct calls. */
export function creditsPerCallOf(settings: Pick<Settings, 'callCredits'>): number {
  return settings.callCredits ?? 0
}

/** The word under which nodes share the limit of a workflow's plan. */
export function planOf(workflow: string): string {
  return `workflow:${workflow}`
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
    governor: {
      concurrency: settings.concurrency,
      start: settings.concurrencyStart,
      planConcurrency: settings.planConcurrency,
      plan: planOf(workflow.name),
      creditsPerCall: creditsPerCallOf(settings),
    },
    hosts: {
      concurrency: settings.hostConcurrency ?? settings.socketsPerHost,
      isDivided: settings.hostConcurrency !== null,
      delayMs: settings.hostDelayMs ?? 'auto',
      crawlDelayMaxMs: settings.crawlDelayMaxMs,
      failuresMax: settings.hostFailures,
    },
    rollback: {
      errorRateMax: settings.rollbackErrorPercent / 100,
      itemsMin: settings.rollbackItems,
    },
    workerOptions: {
      workflow: workflow.name,
      moduleUrl: workflow.moduleUrl,
      itemTimeoutMs: settings.itemTimeoutMs,
      fetch: fetchOptionsOf(settings),
    },
  }
}
