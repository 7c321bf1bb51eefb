// Figures of the queue and of the cluster, as the store reads them and as status, dashboard and
// report show them. Counts are of items; instants are ISO strings from the database's clock.

/** One workflow's items by state, over all nodes. */
export interface WorkflowFigures {
  readonly workflow: string
  readonly queued: number
  readonly processing: number
  readonly delayed: number
  readonly complete: number
  readonly error: number
  readonly cancelled: number
  /** Attempts that ended in a retry, and items made ready again after a crash. */
  readonly retried: number
  readonly reclaimed: number
  /** When the oldest item that could be leased now became ready; null when there is none. */
  readonly oldestQueuedAt: string | null
  /** Who or what holds the workflow back; it runs when the list is empty. */
  readonly pausedBy: readonly string[]
}

/** One supervisor boot. */
export interface NodeFigures {
  readonly nodeId: string
  readonly name: string
  readonly host: string
  readonly pid: number
  readonly startedAt: string
  readonly aliveUntil: string
  /** 'alive', 'stale' (its lease ran out, not yet fenced) or 'fenced'. */
  readonly state: 'alive' | 'stale' | 'fenced'
  readonly leasedItems: number
}

export interface ClusterFigures {
  readonly readAt: string
  readonly workflows: readonly WorkflowFigures[]
  readonly nodes: readonly NodeFigures[]
}
