import type { ClusterFigures, NodeFigures, WorkflowFigures } from '../../../src/core/figures.js'
import type { Events, ItemSettled } from '../../../src/telemetry/events.js'

/** An attempt that ended well; every field can be told otherwise. */
export function settled(changed: Partial<ItemSettled> = {}): ItemSettled {
  return {
    workflow: 'contacts',
    leaseId: '1',
    itemId: '17',
    itemKey: 'https://example.com/',
    lane: 'example.com',
    state: 'complete',
    code: 'ok',
    attempt: 1,
    durationMs: 120,
    httpStatus: 200,
    resultRows: 2,
    requests: 1,
    reused: true,
    bytes: 4_000,
    credits: 0,
    message: null,
    cohort: 'concurrent',
    ...changed,
  }
}

export function workflowFigures(changed: Partial<WorkflowFigures> = {}): WorkflowFigures {
  return {
    workflow: 'contacts',
    queued: 0,
    processing: 0,
    delayed: 0,
    complete: 0,
    error: 0,
    cancelled: 0,
    retried: 0,
    reclaimed: 0,
    oldestQueuedAt: null,
    perSecond: 0,
    latencyP50Ms: null,
    latencyP95Ms: null,
    errors: {},
    boundTable: null,
    backfill: null,
    alerts: null,
    pausedBy: [],
    ...changed,
  }
}

export function nodeFigures(changed: Partial<NodeFigures> = {}): NodeFigures {
  return {
    nodeId: 'node-a',
    name: 'yard-1',
    host: 'alpha',
    pid: 4_711,
    startedAt: '2026-11-22T09:50:00.000Z',
    aliveUntil: '2026-11-22T10:00:30.000Z',
    state: 'alive',
    leasedItems: 0,
    refused: [],
    ...changed,
  }
}

export function clusterFigures(changed: Partial<ClusterFigures> = {}): ClusterFigures {
  return {
    readAt: '2026-11-22T10:00:00.000Z',
    workflows: [workflowFigures()],
    nodes: [nodeFigures()],
    raised: [],
    ...changed,
  }
}

export const WORKER = { workflow: 'contacts', workerId: 'contacts-1', kind: 'process' } as const

export const STARTED: Events['supervisor.started'] = {
  nodeId: 'node-a',
  pid: 4_711,
  workflows: ['contacts'],
}
