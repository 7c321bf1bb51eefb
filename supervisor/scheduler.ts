// The scheduler: sees to it that the ticks of this node's scheduled workflows are taken, and that
// instances which are over are closed. Every node runs one. Which of them takes a tick, and whether
// there may be one more instance, the database decides.

import type { Clock } from '../src/core/clock.js'
import { messageOf } from '../src/core/errors.js'
import type { Random } from '../src/core/random.js'
import type { ScheduleDefinition } from '../src/core/schedule.js'
import type { ScheduleStore } from '../src/store/schedules.js'
import type { EventBus } from '../src/telemetry/events.js'
import { nextTick } from '../src/workflow/next-tick.js'
import { createTicker } from './ticker.js'

interface ScheduledWorkflow {
  readonly workflow: { readonly workflowId: number; readonly name: string }
  readonly definition: ScheduleDefinition
  /** An instance was opened: there is something to lease. */
  readonly wake: () => void
}

interface SchedulerDeps {
  readonly schedules: ScheduleStore
  readonly clock: Clock
  readonly random: Random
  readonly events: EventBus
}

export interface Scheduler {
  /** A workflow without a schedule is left alone. */
  readonly add: (
    workflow: Omit<ScheduledWorkflow, 'definition'> & {
      readonly definition: ScheduleDefinition | null | undefined
    },
  ) => void
  readonly start: () => void
  readonly stop: () => Promise<void>
}

/** Time between two looks at the database's clock. */
const LOOK_MS = 1_000

export function createScheduler(deps: SchedulerDeps): Scheduler {
  const { schedules, clock, events } = deps
  const workflows: ScheduledWorkflow[] = []
  /** Workflows whose schedule is written down. */
  const known = new Set<number>()

  const look = async (scheduled: ScheduledWorkflow): Promise<void> => {
    const { workflowId, name } = scheduled.workflow
    if (!known.has(workflowId)) {
      await put(deps, scheduled)
      known.add(workflowId)
    }
    await schedules.closeInstances(workflowId)
    const row = await schedules.readSchedule(workflowId)
    if (row === null || !row.isDue) return
    // By what is written down, which may be newer than what this node was started with.
    const at = { now: row.now, anchor: row.anchoredAt, chance: deps.random.next() }
    const following = nextTick(row.definition, at)
    if (following === null) return
    if (!(await schedules.takeTick({ workflowId, nextAt: row.nextAt, following }))) return
    events.emit('schedule.ticked', { workflow: name, nextAt: following.toISOString() })
    scheduled.wake()
  }

  const ticker = createTicker(clock, async () => {
    for (const scheduled of workflows) {
      // What is wrong with one schedule is nothing to the others.
      await look(scheduled).catch((error: unknown) => {
        const { name } = scheduled.workflow
        events.emit('schedule.failed', { workflow: name, message: messageOf(error) })
      })
    }
    return LOOK_MS
  })
  const add: Scheduler['add'] = ({ definition, ...rest }) => {
    if (definition !== null && definition !== undefined) workflows.push({ ...rest, definition })
  }
  return { add, start: ticker.start, stop: ticker.stop }
}

/** An interval begins now; a cron expression with its next moment. */
async function put(
  { schedules }: SchedulerDeps,
  { workflow: { workflowId }, definition }: ScheduledWorkflow,
): Promise<void> {
  const now = await schedules.readNow()
  const firstAt =
    'every' in definition ? null : nextTick(definition, { now, anchor: now, chance: 0 })
  await schedules.putSchedule({ workflowId, definition, firstAt })
}
