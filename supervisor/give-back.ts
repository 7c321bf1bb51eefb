import { messageOf } from '../src/core/errors.js'
import type { Store, WorkflowHandle } from '../src/store/store.js'
import type { EventBus } from '../src/telemetry/events.js'

/** Gives back what a node that ends still holds of a workflow. */
export async function giveBack(
  deps: {
    readonly store: Pick<Store, 'releaseNode'>
    readonly identity: { readonly nodeId: string }
    readonly events: EventBus
  },
  handle: WorkflowHandle,
): Promise<void> {
  const { store, identity, events } = deps
  const workflow = handle.name
  try {
    const { items } = await store.releaseNode(handle, identity.nodeId)
    if (items > 0) events.emit('items.released', { workflow, items, reason: 'drain' })
  } catch (error) {
    events.emit('reclaim.failed', { message: `${workflow}: ${messageOf(error)}` })
  }
}
