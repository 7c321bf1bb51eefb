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
  /** Items that ended a second, over the last minute. */
  readonly perSecond: number
  /**
   * Time from selection to result that half, and 95 of 100, of the items completed in the last
   * five minutes kept; null without any. An upper bound, up to 41 % above.
   */
  readonly latencyP50Ms: number | null
  readonly latencyP95Ms: number | null
  /** Items that ended in an error, by outcome code. */
  readonly errors: { readonly [code: string]: number }
  /** The table whose rows are its items; null for one that is pushed to. */
  readonly boundTable: string | null
  /** Rows that were there before the table was bound are being enqueued; null when all are. */
  readonly backfill: { readonly added: number } | null
  /** Thresholds of alerts, as the node has them that last opened it; null before. */
  readonly alerts: Partial<AlertThresholds> | null
  /** Who or what holds the workflow back; it runs when the list is empty. */
  readonly pausedBy: readonly string[]
}

/** Bounds beyond which a workflow is worth a look; null is none. */
export interface AlertThresholds {
  readonly successPercent: number | null
  readonly errorPercent: number | null
  readonly latencyMs: number | null
  readonly oldestMs: number | null
  readonly stallMs: number | null
  readonly reclaims: number | null
  readonly budgetPercent: number | null
  readonly creditsRisePercent: number | null
}

/** An alert that is raised in the whole cluster. */
export interface RaisedAlert {
  readonly alert: string
  /** A workflow or a node; empty: the database. */
  readonly subject: string
  readonly workflow: string | null
  readonly level: 'warn' | 'error'
  readonly message: string
  readonly raisedAt: string
}

/** A workflow that could not be started, and why. */
export interface RefusedWorkflow {
  /** The name or path by which it was asked for. */
  readonly module: string
  readonly reason: string
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
  /** Workflows that it was asked to work and refused. */
  readonly refused: readonly RefusedWorkflow[]
}

export interface ClusterFigures {
  readonly readAt: string
  readonly workflows: readonly WorkflowFigures[]
  readonly nodes: readonly NodeFigures[]
  /** The oldest first. */
  readonly raised: readonly RaisedAlert[]
}
