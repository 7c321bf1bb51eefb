// The reclaimer: fences nodes whose lease ran out and makes their items ready again. Every
// supervisor runs one; there is no leader, and none is needed.

import type { Clock } from '../src/core/clock.js'
import { messageOf } from '../src/core/errors.js'
import type { FencingRule } from '../src/core/heartbeat-plan.js'
import { LIMITS } from '../src/core/limits.js'
import type { Store } from '../src/store/store.js'
import type { WorkflowRow } from '../src/store/workflows.js'
import type { EventBus } from '../src/telemetry/events.js'
import { createTicker } from './ticker.js'

export interface ReclaimerDeps {
  readonly store: Store
  readonly nodeId: string
  readonly clock: Clock
  readonly events: EventBus
  /** Time between two sweeps. */
  readonly sweepMs: number
  /** What the database must have heard of this node before it fences others for it. */
  readonly fencing: FencingRule
  readonly onReclaimed: () => void
}

export interface Reclaimer {
  readonly start: () => void
  /** One sweep now, for the leases of an earlier boot that was found dead. */
  readonly sweep: () => Promise<void>
  readonly stop: () => Promise<void>
}

export function createReclaimer(deps: ReclaimerDeps): Reclaimer {
  const { store, events } = deps

  const reclaimOne = async (workflow: WorkflowRow): Promise<void> => {
    let packs = 0
    let items = 0
    for (;;) {
      const freed = await store.reclaimPacks(workflow, LIMITS.reclaimPacksMax)
      packs += freed.packs
      items += freed.items
      if (freed.packs < LIMITS.reclaimPacksMax) break
    }
    if (packs === 0) return
    events.emit('items.reclaimed', { workflow: workflow.name, packs, items, reason: 'node_lost' })
    deps.onReclaimed()
  }

  const reclaimAll = async (): Promise<void> => {
    for (const workflow of await store.readWorkflows()) {
      // A broken table of one workflow is no reason to leave the orphans of the others.
      try {
        await reclaimOne(workflow)
      } catch (error) {
        events.emit('reclaim.failed', { message: `${workflow.name}: ${messageOf(error)}` })
      }
    }
  }

  const sweep = async (): Promise<void> => {
    try {
      await store.fenceExpired({ nodeId: deps.nodeId, ...deps.fencing })
      await reclaimAll()
    } catch (error) {
      events.emit('reclaim.failed', { message: messageOf(error) })
    }
  }

  const ticker = createTicker(deps.clock, async () => {
    await sweep()
    return deps.sweepMs
  })
  return { start: ticker.start, stop: ticker.stop, sweep }
}
