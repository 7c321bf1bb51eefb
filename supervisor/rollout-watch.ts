// Watches a rollout: how the items worked concurrently end beside those worked one after the other.
// When they fail too often, everything is worked one after the other again, at once and on all
// nodes, until a person looks into it.

import { messageOf } from '../src/core/errors.js'
import type { Settlement } from '../src/core/settlement.js'
import type { Cohort, CohortRecord, RollbackRule } from '../src/core/steering-plan.js'
import { shouldRollBack } from '../src/core/steering-plan.js'
import type { Steering } from '../src/store/steering.js'
import type { Store, WorkflowHandle } from '../src/store/store.js'
import type { EventBus } from '../src/telemetry/events.js'

export interface RolloutWatchDeps {
  readonly store: Store
  readonly workflow: WorkflowHandle
  readonly nodeId: string
  readonly events: EventBus
  readonly rule: RollbackRule
}

/** Items after which a rollout of 100 % counts as done, and alerts watch over it instead. */
const PROVEN_ITEMS = 1_000
/** Old items count for less: at this number all counts are halved. */
const REMEMBERED_ITEMS = 4_000

const EMPTY: { readonly [cohort in Cohort]: CohortRecord } = {
  concurrent: { finished: 0, failed: 0 },
  sequential: { finished: 0, failed: 0 },
}

const halved = ({ finished, failed }: CohortRecord) => ({
  finished: finished / 2,
  failed: failed / 2,
})

export class RolloutWatch {
  readonly #deps: RolloutWatchDeps
  #records = EMPTY
  #rollout: number | null = null
  /** A step of a rollout is being watched: it was changed while this node ran, or is partial. */
  #isWatching = false
  #isTakingBack = false

  constructor(deps: RolloutWatchDeps) {
    this.#deps = deps
  }

  /** Hears what is set now; a change begins a new watch. */
  steer({ mode, rollout }: Steering): void {
    const step = mode === 'sequential' ? 0 : rollout
    if (step === this.#rollout) return
    const isFirst = this.#rollout === null
    this.#rollout = step
    this.#records = EMPTY
    this.#isWatching = step > 0 && !(isFirst && step === 100)
  }

  note(cohort: Cohort, event: Settlement['event']): void {
    const isFailed = event === 'retry' || event === 'discard'
    if (!this.#isWatching || !(isFailed || event === 'complete')) return
    const { finished, failed } = this.#records[cohort]
    const record = { finished: finished + 1, failed: failed + (isFailed ? 1 : 0) }
    this.#records = { ...this.#records, [cohort]: record }
    if (record.finished >= REMEMBERED_ITEMS) this.#forgetHalf()
    if (isFailed && shouldRollBack(this.#records, this.#deps.rule)) void this.#takeBack()
    const isProven = this.#rollout === 100 && this.#records.concurrent.finished >= PROVEN_ITEMS
    if (isProven) this.#isWatching = false
  }

  #forgetHalf(): void {
    const { concurrent, sequential } = this.#records
    this.#records = { concurrent: halved(concurrent), sequential: halved(sequential) }
  }

  async #takeBack(): Promise<void> {
    if (this.#isTakingBack) return
    this.#isTakingBack = true
    const { store, workflow, nodeId, events, rule } = this.#deps
    const rollout = this.#rollout ?? 0
    const { finished, failed } = this.#records.concurrent
    const percent = (share: number) => `${Math.round(share * 1_000) / 10} %`
    const message =
      `${percent(failed / finished)} of ${Math.round(finished)} attempts failed, ` +
      `more than ${percent(rule.errorRateMax)}`
    try {
      const { workflowId, name } = workflow
      if (await store.setSteering({ workflowId, mode: 'sequential', rollout: 0 })) {
        events.emit('rollout.taken_back', { workflow: name, rollout, message })
        const stored = { level: 'error', name: 'rollout.taken_back', workflowId, nodeId } as const
        await store.storeEvent({ ...stored, message, fields: { rollout } })
      }
      this.#isWatching = false
    } catch (error) {
      // The next failure asks again.
      events.emit('steering.failed', { workflow: workflow.name, message: messageOf(error) })
    } finally {
      this.#isTakingBack = false
    }
  }
}
