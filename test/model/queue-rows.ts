// The rows of the model: what a table of the store says, without the columns that only people read.

import type { SettleEvent, Settlement } from '../../src/core/settlement.js'

export const PACK_ITEMS_MAX = 256

/** Numbers travel as text; this is their order. */
export const byNumber = (a: string, b: string): number => Number(a) - Number(b)

export interface ModelNode {
  readonly nodeId: string
  readonly name: string
  aliveUntilUs: number
  /** Since when it was heard without a gap. */
  steadySinceUs: number
  fencedWhy: string | null
}

export interface ModelLease {
  readonly leaseId: string
  readonly nodeId: string
  readonly deadlineUs: number
}

export interface ModelPack {
  readonly packId: string
  readonly workflowId: number
  readonly priority: number
  readonly attempt: number
  readonly snoozes: number
  crashes: number
  readonly lonelyCrashes: number
  runAtUs: number
  itemIds: string[]
  lease: ModelLease | null
}

export interface ModelItem {
  readonly itemId: string
  readonly workflowId: number
  readonly key: string
  readonly round: number
}

export interface ModelReceipt {
  readonly itemId: string
  readonly leaseId: string
  readonly nodeId: string | null
  readonly attempt: number
  readonly status: 'success' | 'retry' | 'error' | 'cancelled' | 'reclaimed'
  readonly code: string
}

export interface ModelResult {
  readonly itemId: string
  readonly key: string
  readonly leaseId: string
  readonly rows: Settlement['rows']
}

/** When a key that was enqueued before opens a new round: never, when finished, at once. */
export type ModelAgain = 0 | 1 | 2

export type TallyEvent = SettleEvent | 'enqueue' | 'retire'

/** The words of `work_items`. */
export type ViewWord = 'Queued' | 'Processing' | 'Delayed' | 'Complete' | 'Error' | 'Cancelled'

export const isFinal = ({ status }: ModelReceipt): boolean =>
  status === 'success' || status === 'error' || status === 'cancelled'

/** The status a receipt has after an event; a release leaves none. */
export const RECEIPT_STATUS = {
  complete: 'success',
  discard: 'error',
  cancel: 'cancelled',
  reclaim: 'reclaimed',
  retry: 'retry',
  snooze: 'retry',
} as const

/** The word a bound table gets for an event. */
export const STATUS_WORD = {
  complete: 'Complete',
  discard: 'Error',
  cancel: 'Cancelled',
  reclaim: 'Queued',
  retry: 'Queued',
  snooze: 'Queued',
  release: 'Queued',
} as const
