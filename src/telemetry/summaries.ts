// Sums up what was worked, batch by batch and at the end: how many items in how long, how many of
// them well. A batch is what one statement leased; batches that end close together share a line, so
// that a fast queue does not write faster than people read.

import type { Clock, MonotonicMs } from '../core/clock.js'
import type { Counters } from './counters.js'
import { totalOf } from './counters.js'
import type { AnyEvent, EventBus, EventListener, EventOf } from './events.js'

interface Batch {
  readonly startedMs: MonotonicMs
  readonly leaseIds: readonly string[]
  left: number
  complete: number
  failed: number
  again: number
}

/** What waits for its line: batches of one workflow that ended lately. */
interface Pending {
  batches: number
  complete: number
  failed: number
  again: number
  startedMs: MonotonicMs
  endedMs: MonotonicMs
}

/** Lines of one workflow are this far apart at least. */
const LINE_EVERY_MS = 1_000
/** Batches that are followed at once in all; the oldest are let go without a line. */
const BATCHES_MAX = 4_096

export interface SummariesDeps {
  readonly clock: Clock
  readonly counters: Counters
  readonly emit: EventBus['emit']
}

/** A listener that emits `batch.ended` and, at the end of the node, `work.ended`. */
export function createSummaries(deps: SummariesDeps): EventListener {
  const { clock } = deps
  const batches = new Map<string, Batch>()
  const pending = new Map<string, Pending>()
  const toldMs = new Map<string, MonotonicMs>()
  const firstMs = new Map<string, MonotonicMs>()

  const tell = (isLast: boolean) => {
    for (const [workflow, own] of pending) {
      const sinceMs = clock.nowMs() - (toldMs.get(workflow) ?? Number.NEGATIVE_INFINITY)
      if (sinceMs < LINE_EVERY_MS && !isLast) continue
      pending.delete(workflow)
      toldMs.set(workflow, clock.nowMs())
      const { startedMs, endedMs, ...counts } = own
      deps.emit('batch.ended', { workflow, ...counts, durationMs: Math.round(endedMs - startedMs) })
    }
  }
  const settle = (event: EventOf<'item.settled'>) => {
    const batch = batches.get(event.leaseId)
    if (batch === undefined) return
    batch[kindOf(event.state)] += 1
    batch.left -= 1
    if (batch.left > 0) return
    for (const leaseId of batch.leaseIds) batches.delete(leaseId)
    join(pending, event.workflow, { batch, nowMs: clock.nowMs() })
    tell(false)
  }
  return (event) => {
    if (event.name === 'item.settled') settle(event)
    else if (event.name === 'lease.granted') {
      if (!firstMs.has(event.workflow)) firstMs.set(event.workflow, clock.nowMs())
      begin(batches, event, clock.nowMs())
    } else if (event.name === 'supervisor.stopped') {
      tell(true)
      sumUp(deps, firstMs)
    } else if (isQuiet(event) && pending.size > 0) tell(false)
  }
}

/** An event that comes by itself about once a second, by which a line that waits is told. */
function isQuiet({ name }: AnyEvent): boolean {
  return name === 'worker.pong' || name === 'heartbeat.sent'
}

function kindOf(state: EventOf<'item.settled'>['state']): 'complete' | 'failed' | 'again' {
  if (state === 'complete') return 'complete'
  return state === 'discard' ? 'failed' : 'again'
}

function begin(
  batches: Map<string, Batch>,
  { leaseIds, items, durationMs }: EventOf<'lease.granted'>,
  nowMs: MonotonicMs,
): void {
  const counts = { complete: 0, failed: 0, again: 0 }
  // It began when the lease was asked for: from selection on.
  const batch: Batch = { startedMs: nowMs - durationMs, leaseIds, left: items, ...counts }
  for (const leaseId of leaseIds) batches.set(leaseId, batch)
  for (const oldest of batches.keys()) {
    if (batches.size <= BATCHES_MAX) return
    batches.delete(oldest)
  }
}

function join(
  pending: Map<string, Pending>,
  workflow: string,
  { batch, nowMs }: { readonly batch: Batch; readonly nowMs: MonotonicMs },
): void {
  const { complete, failed, again, startedMs } = batch
  const own = pending.get(workflow)
  pending.set(workflow, {
    batches: (own?.batches ?? 0) + 1,
    complete: (own?.complete ?? 0) + complete,
    failed: (own?.failed ?? 0) + failed,
    again: (own?.again ?? 0) + again,
    startedMs: Math.min(own?.startedMs ?? startedMs, startedMs),
    endedMs: nowMs,
  })
}

/** All that a node did for each workflow, from the counters that everything else reads. */
function sumUp(
  { clock, counters, emit }: SummariesDeps,
  firstMs: ReadonlyMap<string, MonotonicMs>,
): void {
  for (const [workflow, sinceMs] of firstMs) {
    const settled = counters.workflows.get(workflow)?.settled
    if (settled === undefined) continue
    const { retry, snooze, release, rejected } = settled
    emit('work.ended', {
      workflow,
      complete: totalOf(settled.complete),
      failed: totalOf(settled.discard),
      again: [retry, snooze, release, rejected].reduce((sum, counts) => sum + totalOf(counts), 0),
      durationMs: Math.round(clock.nowMs() - sinceMs),
    })
  }
}
