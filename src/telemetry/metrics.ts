import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import { DURATION_BOUNDS_MS, type HistogramView } from './histogram.js'
import type { Metric, MetricsInput, Reading } from './metric-readers.js'
import { METRICS } from './metrics-table.js'

export { METRICS } from './metrics-table.js'

export interface Metrics {
  /** All metrics in Prometheus' text format. Waits for nothing but this process. */
  readonly text: () => Promise<string>
  readonly contentType: string
}

export interface MetricsOptions {
  /** What values are read from, asked once for each metric and scrape. */
  readonly read: () => MetricsInput
  /** Adds the usual `process_` and `nodejs_` metrics of this process. @default true */
  readonly isProcessIncluded?: boolean
}

/**
 * A registry that holds no values of its own: every scrape reads counters, worker table and figures
 * as they are. Nothing is counted twice, and counting an event costs no metric.
 */
export function createMetrics(options: MetricsOptions): Metrics {
  const registry = new Registry()
  for (const metric of METRICS) register(metric, registry, options.read)
  if (options.isProcessIncluded ?? true) addProcessMetrics(registry)
  return { text: () => registry.metrics(), contentType: registry.contentType }
}

/** Gauges that the library names like counters; the same by type of resource go with them. */
const MISNAMED = [
  'nodejs_active_handles',
  'nodejs_active_handles_total',
  'nodejs_active_requests',
  'nodejs_active_requests_total',
  'nodejs_active_resources',
  'nodejs_active_resources_total',
] as const

function addProcessMetrics(registry: Registry): void {
  collectDefaultMetrics({ register: registry })
  for (const name of MISNAMED) registry.removeSingleMetric(name)
}

function register(metric: Metric, registry: Registry, read: () => MetricsInput): void {
  const common = {
    name: metric.name,
    help: metric.help,
    labelNames: [...metric.labels],
    registers: [registry],
  }
  if (metric.type === 'histogram') {
    new ReadHistogram(common, () => metric.read(read()))
  } else if (metric.type === 'counter') {
    new Counter({
      ...common,
      collect() {
        this.reset()
        for (const { labels, value } of metric.read(read())) this.inc({ ...labels }, value)
      },
    })
  } else {
    new Gauge({
      ...common,
      collect() {
        this.reset()
        for (const { labels, value } of metric.read(read())) this.set({ ...labels }, value)
      },
    })
  }
}

/** A histogram whose buckets are read instead of observed; the library has no such thing. */
class ReadHistogram extends Histogram {
  /** An empty one of the same name, which knows how the library describes a histogram. */
  readonly #empty: Histogram
  readonly #read: () => readonly Reading<HistogramView>[]

  constructor(
    options: ConstructorParameters<typeof Histogram>[0],
    read: () => readonly Reading<HistogramView>[],
  ) {
    super(options)
    this.#empty = new Histogram({ ...options, registers: [] })
    this.#read = read
  }

  override async get() {
    const empty = await this.#empty.get()
    return { ...empty, values: this.#read().flatMap((reading) => exposed(empty.name, reading)) }
  }

  /** The registry asks this one first, so that values may share their labels; ours do not. */
  getForPromString() {
    return this.get()
  }
}

/** Buckets, sum and count of one histogram, in seconds and cumulative as Prometheus wants them. */
function exposed(name: string, { labels, value }: Reading<HistogramView>) {
  let below = 0
  const buckets = DURATION_BOUNDS_MS.map((bound, bucket) => {
    below += value.counts[bucket] ?? 0
    const le = bound / 1_000
    return { metricName: `${name}_bucket`, labels: { ...labels, le }, value: below }
  })
  return [
    ...buckets,
    { metricName: `${name}_bucket`, labels: { ...labels, le: '+Inf' }, value: value.count },
    { metricName: `${name}_sum`, labels, value: value.sumMs / 1_000 },
    { metricName: `${name}_count`, labels, value: value.count },
  ]
}
