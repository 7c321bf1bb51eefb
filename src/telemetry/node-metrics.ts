import {
  flag,
  type Metric,
  perKey,
  single,
  slots,
  WORKFLOW,
  workersExited,
  workersNow,
  worstWorker,
} from './metric-readers.js'

/** Metrics of the workers of this node. */
export const WORKER_METRICS: readonly Metric[] = [
  {
    name: 'fetchyard_in_flight',
    type: 'gauge',
    labels: WORKFLOW,
    help: 'Items under way on this node, as its workers last said.',
    read: slots('active'),
  },
  {
    name: 'fetchyard_slots',
    type: 'gauge',
    labels: WORKFLOW,
    help: 'Slots of the ready workers of this node.',
    read: slots('total'),
  },
  {
    name: 'fetchyard_workers',
    type: 'gauge',
    labels: ['workflow', 'kind', 'state'],
    help: 'Workers of this node that have not exited.',
    read: workersNow,
  },
  {
    name: 'fetchyard_workers_started_total',
    type: 'counter',
    labels: ['workflow', 'kind'],
    help: 'Workers started.',
    read: perKey('kind', (own) => own.workersStarted),
  },
  {
    name: 'fetchyard_workers_exited_total',
    type: 'counter',
    labels: ['workflow', 'kind', 'reason'],
    help: 'Workers that ended: as told (expected), by a signal, or on their own (exit_code).',
    read: workersExited,
  },
  {
    name: 'fetchyard_workers_replaced_total',
    type: 'counter',
    labels: ['workflow', 'reason'],
    help: 'Workers ended by their supervisor to be replaced.',
    read: perKey('reason', (own) => own.workersReplaced),
  },
  {
    name: 'fetchyard_worker_memory_bytes',
    type: 'gauge',
    labels: WORKFLOW,
    help: 'Memory of the largest worker.',
    read: worstWorker((worker) => worker.memoryBytes),
  },
  {
    name: 'fetchyard_worker_event_loop_delay_seconds',
    type: 'gauge',
    labels: WORKFLOW,
    help: 'Event-loop delay of the slowest worker, the worst of the last second.',
    read: worstWorker((worker) => worker.eventLoopDelayMs / 1_000),
  },
]

/** Metrics of this node itself. */
export const NODE_METRICS: readonly Metric[] = [
  {
    name: 'fetchyard_build_info',
    type: 'gauge',
    labels: ['version', 'node_version'],
    help: 'Always 1; the labels tell what runs.',
    read: ({ version }) => [{ labels: { version, node_version: process.version }, value: 1 }],
  },
  {
    name: 'fetchyard_statement_duration_seconds',
    type: 'histogram',
    labels: ['statement'],
    help: 'Time of lease, settle and heartbeat statements that succeeded.',
    read: ({ counters }) =>
      Object.entries(counters.statements).map(([statement, value]) => ({
        labels: { statement },
        value,
      })),
  },
  {
    name: 'fetchyard_heartbeats_total',
    type: 'counter',
    labels: [],
    help: 'Heartbeats that reached the database.',
    read: single(({ counters }) => counters.heartbeats),
  },
  {
    name: 'fetchyard_heartbeat_failures_total',
    type: 'counter',
    labels: [],
    help: 'Heartbeats that failed.',
    read: single(({ counters }) => counters.heartbeatFailures),
  },
  {
    name: 'fetchyard_heartbeat_timestamp_seconds',
    type: 'gauge',
    labels: [],
    help: 'When the last heartbeat reached the database; absent before the first.',
    read: single(({ status }) =>
      status.heartbeatWallMs === null ? null : status.heartbeatWallMs / 1_000,
    ),
  },
  {
    name: 'fetchyard_trusted',
    type: 'gauge',
    labels: [],
    help: '1 while this node trusts its leases; 0 holds all work.',
    read: flag((status) => status.isTrusted),
  },
  {
    name: 'fetchyard_draining',
    type: 'gauge',
    labels: [],
    help: '1 from the first word of stopping on.',
    read: flag((status) => ['quiesce', 'drain', 'halt'].includes(status.stage)),
  },
  {
    name: 'fetchyard_fenced',
    type: 'gauge',
    labels: [],
    help: '1 once another node has fenced this one.',
    read: flag((status) => status.fencedBecause !== null),
  },
  {
    name: 'fetchyard_reclaim_failures_total',
    type: 'counter',
    labels: [],
    help: 'Reclaim statements that failed.',
    read: single(({ counters }) => counters.reclaimFailures),
  },
  {
    name: 'fetchyard_housekeeping_failures_total',
    type: 'counter',
    labels: [],
    help: 'Housekeeping that failed.',
    read: single(({ counters }) => counters.housekeepingFailures),
  },
  {
    name: 'fetchyard_live_clients',
    type: 'gauge',
    labels: [],
    help: 'Clients of the live channel.',
    read: single(({ status }) => status.liveClients),
  },
  {
    name: 'fetchyard_live_frames_skipped_total',
    type: 'counter',
    labels: [],
    help: 'Times that a slow client of the live channel was passed over.',
    read: single(({ counters }) => counters.framesSkipped),
  },
]
