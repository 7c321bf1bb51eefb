// Commands of time, of those who fill the queue, of operators and of housekeeping.

import { enqueueItems } from '../../../src/store/enqueue.js'
import { cancelItems, promoteItems } from '../../../src/store/operate.js'
import type { StepOf } from '../steps.js'
import type { Answer, World } from '../world.js'
import { TICK_US } from '../world.js'

const SILENT: Answer = { real: null, expected: () => null }

export async function wait(world: World, step: StepOf<'wait'>): Promise<Answer | null> {
  if (step.ms === 0) return null
  await world.setUs(world.model.nowUs + step.ms * 1_000)
  return SILENT
}

/** Sets the clock so that the next command meets the next moment at which something changes. */
export async function jump(world: World, step: StepOf<'jump'>): Promise<Answer | null> {
  const { model } = world
  const moments = {
    run_at: () => [...model.packs.values()].map(({ runAtUs }) => runAtUs),
    deadline: () => [...model.packs.values()].flatMap(({ lease }) => lease?.deadlineUs ?? []),
    alive_until: () => [...model.nodes.values()].map(({ aliveUntilUs }) => aliveUntilUs),
  }
  const targets = moments[step.to]().map((us) => us + step.byUs - TICK_US)
  const next = Math.min(...targets.filter((us) => us > model.nowUs))
  if (!Number.isFinite(next)) return null
  await world.setUs(next)
  return SILENT
}

export async function enqueue(world: World, step: StepOf<'enqueue'>): Promise<Answer> {
  const { workflowId } = world.flow('pushed')
  const { again, delayMs, priority } = step
  // One key twice: only its first place counts.
  const keys = [...step.keys, ...step.keys.slice(0, 1)]
  const isPlain = delayMs === 0 && again < 2
  const real = isPlain
    ? await enqueueItems(world.sql, {
        workflowId,
        items: keys.map((key) => ({ key, payload: null, lane: '' })),
        again: again === 0 ? 'never' : 'when-finished',
        priority,
      })
    : await enqueueBySql(world, { ...step, keys })
  const added = world.model.enqueue(workflowId, keys, { again, delayMs, priority })
  return { real, expected: () => added.length }
}

async function enqueueBySql(
  world: World,
  { keys, again, delayMs, priority }: Omit<StepOf<'enqueue'>, 'do'>,
): Promise<number | undefined> {
  const rows = await world.sql<{ added: number }[]>`
    select count(*)::int as added
      from fetchyard.enqueue_items(
             ${world.flow('pushed').workflowId}::smallint, ${keys}::text[],
             array_fill('null'::jsonb, array[${keys.length}::int]),
             array_fill(''::text, array[${keys.length}::int]),
             array_fill(${again}::smallint, array[${keys.length}::int]), ${priority}::smallint,
             now() + ${delayMs}::int * interval '1 millisecond')`
  return rows[0]?.added
}

export async function pause(world: World, step: StepOf<'pause'>): Promise<Answer> {
  const { workflowId } = world.flow(step.flow)
  const real = await world.store.pauseWorkflow({ workflowId, reason: step.reason })
  const expected = world.model.pause(workflowId, step.reason)
  return { real, expected: () => expected }
}

export async function resume(world: World, step: StepOf<'resume'>): Promise<Answer> {
  const { workflowId } = world.flow(step.flow)
  const real = await world.store.resumeWorkflow({ workflowId, reason: step.reason })
  const expected = world.model.resume(workflowId, step.reason)
  return { real, expected: () => expected }
}

/** Rows that fill the tally and count nothing: fewer than 65 are not worth folding. */
const NOISE_ROWS = 70
const WORTH_FOLDING = 64

export async function fold(world: World, step: StepOf<'fold'>): Promise<Answer> {
  await world.sql`
    insert into fetchyard.tally (workflow_id, event, items)
    select ${world.flow('pushed').workflowId}::smallint, 'enqueue', 0
      from generate_series(1, ${NOISE_ROWS}::int)`
  const rows = Math.min(world.tallyRows + NOISE_ROWS, step.rowsMax)
  const real = await world.store.foldTallies(step.rowsMax)
  return { real, expected: () => (rows > WORTH_FOLDING ? rows : 0) }
}

export async function cancel(world: World, step: StepOf<'cancel' | 'promote'>): Promise<Answer> {
  const { workflowId, binding } = world.flow(step.flow)
  const choice = { workflowId, binding, keys: step.keys }
  const real = await cancelItems(world.sql, { ...choice, reason: 'test' })
  const expected = world.model.cancel(workflowId, step.keys)
  return { real, expected: () => expected }
}

export async function promote(world: World, step: StepOf<'cancel' | 'promote'>): Promise<Answer> {
  const { workflowId, binding } = world.flow(step.flow)
  const real = await promoteItems(world.sql, { workflowId, binding, keys: step.keys })
  const expected = world.model.promote(workflowId, step.keys)
  return { real, expected: () => expected }
}
