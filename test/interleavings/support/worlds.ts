// States that orders start from, made by the store's own statements.

import type { HeldItem } from '../../../src/core/settlement.js'
import type { WorkflowHandle } from '../../../src/store/store.js'
import type { Yard } from '../../support/factory.js'
import { HARVEST, PAGES } from './clean.js'
import { done, REST } from './parts.js'

const HOUR_MS = 3_600_000

export interface World {
  readonly workflow: WorkflowHandle
  /** Node A, which holds what is held. */
  readonly nodeId: string
  /** Node B. */
  readonly other: string
}

export interface HeldWorld extends World {
  readonly held: readonly HeldItem[]
  readonly of: (...keys: readonly string[]) => readonly HeldItem[]
}

async function nodes(yard: Yard): Promise<{ readonly nodeId: string; readonly other: string }> {
  const nodeId = await yard.node({ name: 'A', leaseMs: HOUR_MS })
  const other = await yard.node({ name: 'B', leaseMs: HOUR_MS })
  return { nodeId, other }
}

async function hold(yard: Yard, world: World): Promise<HeldWorld> {
  const held = await yard.hold(world.workflow, world.nodeId, { deadlineMs: HOUR_MS })
  const of = (...keys: readonly string[]) => held.filter(({ itemKey }) => keys.includes(itemKey))
  return { ...world, held, of }
}

/** Items a, b, c in one pack and d, e in another; nobody holds them. */
export async function queued(yard: Yard): Promise<World> {
  const workflow = await yard.workflow({ sinks: { harvest: HARVEST } })
  const world = { workflow, ...(await nodes(yard)) }
  await yard.enqueue(workflow, ['a', 'b', 'c'])
  await yard.enqueue(workflow, ['d', 'e'])
  return world
}

/** The same, held by node A. */
export async function held(yard: Yard): Promise<HeldWorld> {
  return hold(yard, await queued(yard))
}

/** The same, but past the hard deadline of their leases. */
export async function overdue(yard: Yard): Promise<HeldWorld> {
  const world = await held(yard)
  await yard.sql`update fetchyard.work_queue set deadline = now() - interval '1 second'`
  return world
}

/** Rows of a bound table, from 1, held by node A. */
export async function bound(yard: Yard, rows = 1): Promise<HeldWorld> {
  return hold(yard, await boundQueued(yard, rows))
}

/** Rows of a bound table, from 1, queued. */
export async function boundQueued(yard: Yard, rows = 1): Promise<World> {
  // Its triggers fell with the table of the test before.
  await yard.sql`update fetchyard.workflow set binding = null`
  const workflow = await yard.workflow({
    name: 'bound',
    source: PAGES,
    sinks: { harvest: HARVEST },
  })
  const world = { workflow, ...(await nodes(yard)) }
  await yard.sql`
    insert into public.pages (page_id, url, status)
    select n, 'https://' || n || '.example/', 'Queued' from generate_series(1, ${rows}::int) as n`
  return world
}

/** Item a is over and has an ending, d is over and has its receipt; A has the turn at both chores. */
export async function ended(yard: Yard): Promise<HeldWorld> {
  const world = await held(yard)
  const { workflow, nodeId } = world
  const { chores } = yard.store
  for (const chore of ['receipts', 'items'] as const) {
    await chores.takeTurn({ chore, nodeId, gapMs: 0 })
  }
  const finish = (key: string) => {
    return yard.settle(
      workflow,
      nodeId,
      world.of(key).map((item) => done(item)),
    )
  }
  await finish('a')
  const slice = { nodeId, receipts: REST, fromPage: 0, pagesMax: REST.pages, keepMs: 0 }
  await chores.moveEndings(slice)
  await finish('d')
  return world
}
