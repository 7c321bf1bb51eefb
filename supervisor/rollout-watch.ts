// Watches a rollout: how the items worked concurrently end beside those worked one after the other,
// on all nodes. When they fail too often, everything is worked one after the other again, at once
// and everywhere, until a person looks into it.
//
// Every node watches by the same figures, those of the database. The first to see too many failures
// takes the rollout back, and does so only for the step that it judged.

import type { RolloutRecord } from '../src/core/cohort-figures.js'
import { messageOf } from '../src/core/errors.js'
import type { CohortRecord, RollbackRule } from '../src/core/steering-plan.js'
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
/** Who took it back, for people who look at the workflow. */
const BY = 'the error limit'

const percent = (share: number) => `${Math.round(share * 1_000) / 10} %`
const shareOf = ({ failed, finished }: CohortRecord) =>
  percent(finished === 0 ? 0 : failed / finished)

/** Why a rollout is taken back, with the figures of both cohorts. */
export function takeBackWords(
  record: RolloutRecord['all'],
  rule: RollbackRule,
  when: string,
): string {
  const { concurrent, sequential } = record
  const beside =
    sequential.finished === 0
      ? 'none was worked one after the other'
      : `of those worked one after the other ${shareOf(sequential)} of ${sequential.finished}`
  return (
    `${shareOf(concurrent)} of ${concurrent.finished} attempts worked concurrently failed ` +
    `${when} on all nodes, more than ${percent(rule.errorRateMax)}; ${beside}`
  )
}

export class RolloutWatch {
  readonly #deps: RolloutWatchDeps
  #isJudging = false
  /** The step whose items have shown that it works. */
  #provenStep: number | null = null

  constructor(deps: RolloutWatchDeps) {
    this.#deps = deps
  }

  /** Hears about once a second what is set now, and judges the step that is under way. */
  steer(steering: Steering): void {
    const { mode, rollout, step } = steering
    // Step 0 is nobody's rollout: the workflow is worked as it was installed.
    const isRollout = mode === 'concurrent' && rollout > 0 && step > 0
    if (!isRollout || this.#isJudging || step === this.#provenStep) return
    this.#isJudging = true
    void this.#judge(steering).finally(() => {
      this.#isJudging = false
    })
  }

  async #judge({ rollout, step }: Steering): Promise<void> {
    const { store, workflow, events, rule } = this.#deps
    try {
      const { workflowId } = workflow
      const { all, recent } = await store.readRolloutRecord({ workflowId, step })
      // What went well for days must not hide what goes wrong now.
      const [bad, when] = shouldRollBack(recent, rule)
        ? [recent, 'in the last ten minutes']
        : [shouldRollBack(all, rule) ? all : null, 'since this step began']
      if (bad !== null) await this.#takeBack({ rollout, step, why: takeBackWords(bad, rule, when) })
      else if (rollout === 100 && all.concurrent.finished >= PROVEN_ITEMS) this.#provenStep = step
    } catch (error) {
      // The next reading asks again.
      events.emit('steering.failed', { workflow: workflow.name, message: messageOf(error) })
    }
  }

  async #takeBack(step: { rollout: number; step: number; why: string }): Promise<void> {
    const { store, workflow, nodeId, events } = this.#deps
    const { workflowId, name } = workflow
    const { rollout, why: message } = step
    const order = { mode: 'sequential', rollout: 0, by: BY, ifStep: step.step } as const
    const fields = { rollout, step: step.step }
    const stored = { level: 'error', name: 'rollout.taken_back', workflowId, nodeId } as const
    const event = { ...stored, message, fields }
    // Another node was quicker, or a person set something else meanwhile.
    if (!(await store.setSteering({ workflowId, ...order, event }))) return
    events.emit('rollout.taken_back', { workflow: name, rollout, message })
  }
}
