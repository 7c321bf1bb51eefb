// Gives items that wait to workers with free slots, and takes back what should not wait here.

import { LIMITS } from '../src/core/limits.js'
import type { Assignment } from './assignments.js'
import type { StartRoom } from './start-room.js'
import type { WorkflowParts } from './workflow-parts.js'
import { deadlineOf } from './workflow-service-options.js'

export class Dispatcher {
  readonly #parts: WorkflowParts
  readonly #room: StartRoom

  constructor(parts: WorkflowParts, room: StartRoom) {
    this.#parts = parts
    this.#room = room
  }

  /** Starts what may be started, and has the leaser look for more. */
  dispatch(): void {
    if (!this.#room.mayStart()) return
    const { hosts, hostWatch, reserver, leaser } = this.#parts
    this.#releaseStale()
    this.#holdBack()
    hosts?.bound(this.#room.waitingMax())
    hostWatch?.defer()
    this.#assign()
    hostWatch?.watch()
    reserver.ask()
    leaser.wake()
  }

  #assign(): void {
    const { deps, table, governor, breakers, reserver, pool } = this.#parts
    const workflow = deps.workflow.name
    const { cohortOf } = governor
    const step = governor.steering()?.step ?? 0
    const items = table.active + this.#room.room()
    const allowance = { items, starts: reserver.left(), cohortOf, step }
    for (const assignment of table.assign(allowance)) {
      const { workerId, items } = assignment
      governor.noteStarts(items.length)
      breakers.noteStart(items.map(({ itemId }) => itemId))
      reserver.noteStarts(items.length)
      pool.send(workerId, { type: 'dispatch', items }, () => this.#onSent(assignment))
      for (const { itemId, attempt } of items) {
        deps.events.publish({ name: 'item.dispatched', workflow, workerId, itemId, attempt })
      }
    }
  }

  /** What was on its way may have kept the leaser from leasing more. */
  #onSent(assignment: Assignment): void {
    const { table, leaser } = this.#parts
    const wasMuch = table.unsent.characters > LIMITS.bufferedCharactersMax / 2
    table.unsent.noteSent(assignment)
    if (wasMuch || assignment.characters > LIMITS.dispatchCharactersMax) leaser.wake()
  }

  /** Items of lanes that are left alone come back when their lane may be asked again. */
  #holdBack(): void {
    const { table, breakers, returns } = this.#parts
    const lanes = breakers.openLanes()
    if (lanes.length === 0) return
    const held = table.takeHeldBack(lanes, (item) => breakers.isHeldBack(item))
    for (const item of held) returns.holdBack(item, breakers.waitMsOf(item))
  }

  /** An item that waited for half its pack's time would be worked under a lease that ends. */
  #releaseStale(): void {
    const { deps, table, returns } = this.#parts
    const oldestMs = table.oldestLeasedMs
    if (oldestMs === null || deps.clock.nowMs() - oldestMs < deadlineOf(deps.options) / 2) return
    returns.release(table.drainBuffer(), 'deadline')
  }
}
