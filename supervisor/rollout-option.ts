// What a node's options say about the rollout, heard once: at the first start with this value.
//
// A person may set something else while nodes run, and so may the error limit. Were the option
// obeyed at every start, a crash and restart in the night would turn back on what somebody had
// turned off in an emergency. So the value is remembered in the database, and a node that starts
// with the same one changes nothing.

import type { RolloutOrder } from '../src/core/steering-words.js'
import { showRollout } from '../src/core/steering-words.js'
import type { NodeIdentity } from '../src/store/nodes.js'
import type { Store, WorkflowHandle } from '../src/store/store.js'
import type { EventBus } from '../src/telemetry/events.js'

export async function heedRollout(
  deps: { readonly store: Store; readonly events: EventBus; readonly identity: NodeIdentity },
  { workflowId, name }: WorkflowHandle,
  order: RolloutOrder,
): Promise<void> {
  const { store, events, identity } = deps
  const option = showRollout(order)
  const by = `the option of node ${identity.name}`
  if (!(await store.setSteering({ workflowId, ...order, option, by }))) return
  const what = order.mode === 'sequential' ? 'sequential' : `concurrent for ${order.rollout} %`
  const message = `by ${by}: ${name} is ${what}`
  events.emit('workflow.steered', { workflow: name, by, message })
  await store.storeEvent({
    level: 'info',
    name: 'workflow.steered',
    workflowId,
    nodeId: identity.nodeId,
    message,
    fields: { ...order, by, via: 'at its start' },
  })
}
