// What pool, service and supervisor need around them, with time, store and workers made of paper.

import type { WorkerOptions } from '../../../src/core/worker-options.js'
import type { WorkflowServiceOptions } from '../../../supervisor/workflow-service-options.js'
import { CHAIN } from '../../support/chain.js'
import { createFakeTransport } from '../../support/fake-transport.js'
import { retryPolicy } from '../../support/values.js'

export const MEGABYTE = 1_048_576

export const WORKER_OPTIONS: Omit<WorkerOptions, 'workerId' | 'slots'> = {
  workflow: 'flow',
  moduleUrl: 'file:///flow.js',
  itemTimeoutMs: 90_000,
  chain: CHAIN,
  fetch: {
    connectTimeoutMs: 1_000,
    headersTimeoutMs: 1_000,
    bodyTimeoutMs: 1_000,
    totalTimeoutMs: 1_000,
    keepAliveMs: 1_000,
    bodyBytesMax: MEGABYTE,
    redirectsMax: 5,
    socketsMax: 10,
    socketsPerHostMax: 5,
    userAgent: 'test',
    allowedRanges: [],
    ports: [],
    upstream: { kind: 'direct' },
  },
}

export const SOCKETS = { socketsMax: 5, socketsPerHostMax: 2 }

/** Seats for child processes with these slots. */
export function seats(...slots: readonly number[]) {
  return slots.map((count) => ({ kind: 'process', slots: count, sockets: SOCKETS }) as const)
}

export function serviceOptions(
  fields: Partial<WorkflowServiceOptions> = {},
): WorkflowServiceOptions {
  return {
    seats: seats(2, 2),
    workerOptions: WORKER_OPTIONS,
    retry: retryPolicy(),
    heapMb: null,
    memoryBytesMax: 100 * MEGABYTE,
    silentMs: 10_000,
    governor: {
      concurrency: 10_000,
      start: null,
      planConcurrency: null,
      ratePerMinute: null,
      successPauseMs: 0,
      hasOnePlan: true,
      plan: 'workflow:flow',
    },
    creditsPerCall: 0,
    failureAgeMs: 0,
    rollback: { errorRateMax: 0.2, itemsMin: 50 },
    ...fields,
  }
}

export function fakeTransports(diesWhenKilled = true) {
  const process = createFakeTransport(diesWhenKilled)
  return { process, thread: createFakeTransport(diesWhenKilled) }
}
