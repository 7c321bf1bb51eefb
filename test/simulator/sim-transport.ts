// The simulated transport of one node: starts workers, and looks at everything they are given.

import type { DispatchedItem } from '../../src/actor/messages.js'
import type { WorkerTransport } from '../../supervisor/transport.js'
import type { SimDatabase } from './sim-database.js'
import type { WorkerParts } from './sim-worker.js'
import { SimWorker } from './sim-worker.js'

export interface TransportParts extends Omit<WorkerParts, 'pid'> {
  readonly database: SimDatabase
  readonly nextPid: () => number
  /** Whether the machine slept: then the node's clock stood still and its trust is worth nothing. */
  readonly hasSlept: () => boolean
}

export interface SimTransport extends WorkerTransport {
  readonly workers: () => readonly SimWorker[]
}

export function createSimTransport(parts: TransportParts): SimTransport {
  let workers: SimWorker[] = []
  const living = () => {
    workers = workers.filter((worker) => !worker.isGone)
    return workers
  }
  return {
    workers: living,
    start: (spec, listener) => {
      const worker = new SimWorker({ ...parts, pid: parts.nextPid() }, spec, listener)
      workers.push(worker)
      const { link } = worker
      return {
        ...link,
        send: (message, onSent) => {
          link.send(message, onSent)
          if (message.type === 'dispatch') checkDispatch(parts, worker, message.items)
        },
      }
    },
    close: async () => {
      for (const worker of living()) worker.link.kill()
    },
  }
}

/** Nothing is given out that the node does not hold, or beyond a worker's slots. */
function checkDispatch(
  { database, nodeId, witness, hasSlept }: TransportParts,
  worker: SimWorker,
  items: readonly DispatchedItem[],
): void {
  const { workerId } = worker.spec
  const model = database.at()
  for (const item of items) {
    if (hasSlept()) break
    if (model.isFenced(nodeId)) {
      witness.violation(`${nodeId} gave item ${item.itemId} out after it was fenced`)
    } else if ((model.nodes.get(nodeId)?.aliveUntilUs ?? 0) < model.nowUs) {
      witness.violation(`${nodeId} gave item ${item.itemId} out after its time had run out`)
    } else if (!model.holds(nodeId, item) && !isCancelled(database, item.itemId)) {
      witness.violation(`${nodeId} gave item ${item.itemId} out without a lease on it`)
    }
  }
  const packs = new Set([...worker.given.values()].map(({ packId }) => packId))
  if (worker.given.size > worker.slots && packs.size > 1) {
    witness.violation(`${workerId} has ${worker.slots} slots and ${worker.given.size} items`)
  }
}

function isCancelled({ model }: SimDatabase, itemId: string): boolean {
  return (model.receipts.get(itemId) ?? []).some(({ status }) => status === 'cancelled')
}
