// Every metric in one table: name, type, labels, help and where its values come from. The registry,
// the docs and their test read it. No metric has a host or a URL as a label: they have no end.

import type { Metric } from './metric-readers.js'
import { NODE_METRICS, WORKER_METRICS } from './node-metrics.js'
import { CLUSTER_METRICS, WORK_METRICS } from './work-metrics.js'

/** All metrics of the product, in the order in which docs list them. */
export const METRICS: readonly Metric[] = [
  ...CLUSTER_METRICS,
  ...WORK_METRICS,
  ...WORKER_METRICS,
  ...NODE_METRICS,
]
