// The parts that an item passes on its way through this node: leaser, worker pool, settler.

import { ownPartitions } from '../src/core/partition-plan.js'
import type { FailureStreak } from './failure-streak.js'
import type { Leaser } from './leaser.js'
import { createLeaser } from './leaser.js'
import type { Pauser } from './pauser.js'
import type { Settler } from './settler.js'
import { createSettler } from './settler.js'
import { WorkerPool } from './worker-pool.js'
import type { WorkflowHooks, WorkflowParts } from './workflow-parts.js'
import type { WorkflowServiceDeps } from './workflow-service-options.js'
import { deadlineOf } from './workflow-service-options.js'

export function createItemSettler(
  deps: WorkflowServiceDeps,
  hooks: WorkflowHooks,
  { pauser, streak }: { readonly pauser: Pauser; readonly streak: FailureStreak },
): Settler {
  const { store, workflow, nodeId, clock, events } = deps
  return createSettler({
    ...{ store, workflow, nodeId, clock, events },
    onProgress: hooks.dispatch,
    onBlocked: (message) => void pauser.pause('results_refused', message),
    onWritten: (held, settlement) => {
      const order = streak.note(held, settlement)
      if (order !== null) hooks.hold(order.reason, order.message)
    },
  })
}

export function createItemLeaser(
  deps: WorkflowServiceDeps,
  hooks: WorkflowHooks,
  parts: Pick<WorkflowParts, 'table' | 'settler' | 'governor' | 'hosts'>,
): Leaser {
  const { store, workflow, nodeId, clock, events, options } = deps
  const { table, settler, governor, hosts } = parts
  return createLeaser({
    ...{ store, workflow, nodeId, clock, events },
    deadlineMs: deadlineOf(options),
    failureAgeMs: options.failureAgeMs,
    situation: hooks.situation,
    mayLease: hooks.mayStart,
    partitions: () =>
      ownPartitions(options.coordination ?? { way: 'leased' }, {
        nodeId,
        members: governor.steering()?.workers ?? [],
      }),
    knownLeases: () => [...table.leases(), ...settler.leases()],
    lanesToSkip: () => hosts?.laden() ?? [],
    onPacks: hooks.onPacks,
  })
}

export function createItemPool(
  deps: WorkflowServiceDeps,
  hooks: WorkflowHooks,
  parts: Pick<WorkflowParts, 'table' | 'settler' | 'governor' | 'pauser'>,
): WorkerPool {
  const { workflow, transports, clock, events, options } = deps
  const { table, settler, governor, pauser } = parts
  const { seats, workerOptions, heapMb, memoryBytesMax, silentMs } = options
  return new WorkerPool({
    workflow: workflow.name,
    ...{ seats, workerOptions, transports, heapMb, memoryBytesMax, silentMs, clock, events },
    idleMs: options.workerIdleMs ?? null,
    hasWork: () => table.buffered + settler.pending() > 0,
    onReady: (workerId, slots) => {
      table.openWorker(workerId, slots)
      hooks.dispatch()
    },
    onSettled: hooks.onSettled,
    onDelay: (workerId, delayMs) => governor.noteDelay(workerId, delayMs),
    onClosed: (workerId) => table.closeWorker(workerId),
    onExit: hooks.onExit,
    heldBy: (workerId) => table.heldBy(workerId),
    onGiveUp: (reason, message) => void pauser.pause(reason, message),
  })
}
