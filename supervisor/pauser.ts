// Pausing a workflow in the database for a reason that this node met.

import type { Store, WorkflowHandle } from '../src/store/store.js'
import type { EventBus } from '../src/telemetry/events.js'

export interface PauserDeps {
  readonly workflow: WorkflowHandle
  readonly nodeId: string
  readonly store: Store
  readonly events: EventBus
}

export class Pauser {
  readonly #deps: PauserDeps
  /** We paused the workflow; the next lease tells that somebody resumed it. */
  #hasPaused = false

  constructor(deps: PauserDeps) {
    this.#deps = deps
  }

  /** Work came: says whether somebody resumed the workflow since this node paused it. */
  takeResumed(): boolean {
    const wasPaused = this.#hasPaused
    this.#hasPaused = false
    return wasPaused
  }

  async pause(reason: string, message: string): Promise<void> {
    const { store, workflow, events, nodeId } = this.#deps
    try {
      if (!(await store.pauseWorkflow({ workflowId: workflow.workflowId, reason }))) return
      this.#hasPaused = true
      events.emit('workflow.paused', { workflow: workflow.name, reason: `${reason}: ${message}` })
      await store.storeEvent({
        level: 'error',
        name: 'workflow.paused',
        workflowId: workflow.workflowId,
        nodeId,
        message,
        fields: { reason },
      })
    } catch {
      // The database is away; the next death or refusal asks again.
    }
  }
}
