import {
  attempts,
  epochSeconds,
  fromFigures,
  items,
  type Metric,
  nodes,
  perKey,
  perWorkflow,
  single,
  WORKFLOW,
} from './metric-readers.js'

/** Metrics of the whole cluster, as the database tells. */
export const CLUSTER_METRICS: readonly Metric[] = [
  {
    name: 'fetchyard_items',
    type: 'gauge',
    labels: ['workflow', 'state'],
    help: 'Items by state in the whole cluster. Every node reports the same: take the maximum.',
    read: items,
  },
  {
    name: 'fetchyard_oldest_queued_timestamp_seconds',
    type: 'gauge',
    labels: WORKFLOW,
    help: 'When the oldest item that could be leased became ready; absent when there is none.',
    read: fromFigures((own) => epochSeconds(own.oldestQueuedAt)),
  },
  {
    name: 'fetchyard_workflow_paused',
    type: 'gauge',
    labels: WORKFLOW,
    help: '1 while anyone holds the workflow back.',
    read: fromFigures((own) => (own.pausedBy.length > 0 ? 1 : 0)),
  },
  {
    name: 'fetchyard_nodes',
    type: 'gauge',
    labels: ['state'],
    help: 'Supervisors by state in the whole cluster.',
    read: nodes,
  },
  {
    name: 'fetchyard_figures_timestamp_seconds',
    type: 'gauge',
    labels: [],
    help: 'When the figures of the whole cluster were read; absent until they were.',
    read: single(({ figures }) => epochSeconds(figures?.readAt ?? null)),
  },
]

/** Metrics of the work done by this node. */
export const WORK_METRICS: readonly Metric[] = [
  {
    name: 'fetchyard_leases_granted_total',
    type: 'counter',
    labels: WORKFLOW,
    help: 'Lease statements that were answered.',
    read: perWorkflow((own) => own.leases),
  },
  {
    name: 'fetchyard_leased_items_total',
    type: 'counter',
    labels: WORKFLOW,
    help: 'Items leased by this node.',
    read: perWorkflow((own) => own.leasedItems),
  },
  {
    name: 'fetchyard_lease_failures_total',
    type: 'counter',
    labels: WORKFLOW,
    help: 'Lease statements that failed.',
    read: perWorkflow((own) => own.leaseFailures),
  },
  {
    name: 'fetchyard_dispatched_items_total',
    type: 'counter',
    labels: WORKFLOW,
    help: 'Items given to workers.',
    read: perWorkflow((own) => own.dispatched),
  },
  {
    name: 'fetchyard_attempts_total',
    type: 'counter',
    labels: ['workflow', 'state', 'code'],
    help: 'Attempts by what became of the item and by outcome code. State rejected: a lost lease.',
    read: attempts,
  },
  {
    name: 'fetchyard_attempt_duration_seconds',
    type: 'histogram',
    labels: WORKFLOW,
    help: 'Time a handler had an item.',
    read: ({ counters }) =>
      [...counters.workflows].map(([workflow, own]) => ({
        labels: { workflow },
        value: own.durations,
      })),
  },
  {
    name: 'fetchyard_result_rows_total',
    type: 'counter',
    labels: WORKFLOW,
    help: 'Result rows of completed items.',
    read: perWorkflow((own) => own.resultRows),
  },
  {
    name: 'fetchyard_requests_total',
    type: 'counter',
    labels: WORKFLOW,
    help: 'HTTP requests made.',
    read: perWorkflow((own) => own.requests),
  },
  {
    name: 'fetchyard_fetches_total',
    type: 'counter',
    labels: WORKFLOW,
    help: 'Attempts that made a request.',
    read: perWorkflow((own) => own.fetches),
  },
  {
    name: 'fetchyard_fetches_reused_total',
    type: 'counter',
    labels: WORKFLOW,
    help: 'Attempts whose request went over a connection that was open before.',
    read: perWorkflow((own) => own.reusedFetches),
  },
  {
    name: 'fetchyard_response_bytes_total',
    type: 'counter',
    labels: WORKFLOW,
    help: 'Bytes of response bodies received.',
    read: perWorkflow((own) => own.bytes),
  },
  {
    name: 'fetchyard_released_items_total',
    type: 'counter',
    labels: WORKFLOW,
    help: 'Items given back untouched.',
    read: perWorkflow((own) => own.released),
  },
  {
    name: 'fetchyard_reclaimed_items_total',
    type: 'counter',
    labels: ['workflow', 'reason'],
    help: 'Orphans made ready again by this node.',
    read: perKey('reason', (own) => own.reclaimedItems),
  },
  {
    name: 'fetchyard_settle_failures_total',
    type: 'counter',
    labels: WORKFLOW,
    help: 'Settle statements that failed.',
    read: perWorkflow((own) => own.settleFailures),
  },
  {
    name: 'fetchyard_settle_splits_total',
    type: 'counter',
    labels: WORKFLOW,
    help: 'Settle batches split to find the outcome that the database refuses.',
    read: perWorkflow((own) => own.settleSplits),
  },
]
