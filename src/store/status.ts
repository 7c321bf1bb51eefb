// How everything stands, as one document: what `fetchyard status` shows and `/api/status` answers.
// One reader, so that both say the same in the same words.

import type { ConnectionUse } from '../core/connection-use.js'
import type { ClusterFigures } from '../core/figures.js'
import type { ChoreStatus } from './chores.js'
import { readChores } from './chores.js'
import type { Sql } from './client.js'
import { readConnections } from './connections.js'
import { readFigures } from './figures.js'
import type { StoredLoad } from './loads.js'
import { readLoads } from './loads.js'
import type { Budgets } from './money.js'
import { readBudgets } from './money.js'
import type { Pause } from './pauses.js'
import { readPauses } from './pauses.js'
import type { ScheduleStatus } from './schedules.js'
import { readSchedules } from './schedules.js'
import { readWorkflows } from './workflows.js'

export interface ErrorCount {
  readonly workflow: string
  readonly code: string
  readonly items: number
}

export interface OwnBudgets extends Budgets {
  readonly workflow: string
}

export interface StatusDocument extends ClusterFigures {
  readonly schema: 1
  /** Items that ended in an error, by workflow and code. */
  readonly errors: readonly ErrorCount[]
  /** Of the workflows that have one. */
  readonly budgets: readonly OwnBudgets[]
  /** What each living node works at once, and what holds it back: breakers among them. */
  readonly loads: readonly StoredLoad[]
  readonly connections: ConnectionUse
  readonly schedules: readonly ScheduleStatus[]
  readonly chores: readonly ChoreStatus[]
  /** Why workflows are paused, restart intensity among the reasons, with what was said of it. */
  readonly pauses: readonly Pause[]
}

export async function readStatus(sql: Sql): Promise<StatusDocument> {
  const figures = await readFigures(sql)
  return {
    schema: 1,
    ...figures,
    errors: errorsOf(figures),
    budgets: await readAllBudgets(sql),
    loads: await readLoads(sql),
    connections: await readConnections(sql),
    schedules: await readSchedules(sql),
    chores: await readChores(sql),
    pauses: await readPauses(sql),
  }
}

export function errorsOf({ workflows }: ClusterFigures): readonly ErrorCount[] {
  return workflows.flatMap(({ workflow, errors }) =>
    Object.entries(errors).map(([code, items]) => ({ workflow, code, items })),
  )
}

async function readAllBudgets(sql: Sql): Promise<readonly OwnBudgets[]> {
  const all: OwnBudgets[] = []
  for (const { workflowId, name } of await readWorkflows(sql)) {
    const budgets = await readBudgets(sql, workflowId)
    if (budgets !== null && budgets.left !== null) all.push({ workflow: name, ...budgets })
  }
  return all
}
