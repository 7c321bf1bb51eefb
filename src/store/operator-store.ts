// What an operator looks up and orders beside what steers a workflow, behind one interface.

import type { ItemFilter } from '../core/item-filter.js'
import type { ActedSlice, ItemAction, ItemOrder, MatchCount } from './act-on-items.js'
import { actOnItems, countItems } from './act-on-items.js'
import type { ChoreStatus } from './chores.js'
import { readChores } from './chores.js'
import type { Sql } from './client.js'
import type { StoredEvent } from './events.js'
import { storeEvent } from './events.js'
import type { ItemPage } from './find-items.js'
import { findItems } from './find-items.js'
import type { ItemName, ItemRound } from './history.js'
import { readHistory } from './history.js'
import type { StoredLoad } from './loads.js'
import { readLoads } from './loads.js'
import { cancelItems, promoteItems } from './operate.js'
import type { PaceMinute } from './pace.js'
import { readPace } from './pace.js'
import type { EventFilter, EventRow } from './read-events.js'
import { readEvents } from './read-events.js'
import { retryItem } from './retry-items.js'
import type { RunNow, ScheduleStatus } from './schedules.js'
import { openInstance, readSchedules } from './schedules.js'
import type { StatusDocument } from './status.js'
import { readStatus } from './status.js'
import type { WorkflowRow } from './workflows.js'
import { findWorkflow, readWorkflows } from './workflows.js'

export interface OperatorStore {
  readonly findWorkflow: (name: string) => Promise<WorkflowRow | null>
  readonly readWorkflows: () => Promise<readonly WorkflowRow[]>
  readonly findItems: (filter: ItemFilter, after: string | null) => Promise<ItemPage>
  readonly countItems: (of: {
    readonly action: ItemAction
    readonly filter: ItemFilter
  }) => Promise<MatchCount>
  readonly actOnItems: (order: ItemOrder, after: string | null) => Promise<ActedSlice>
  /** @returns items acted on: one or none. */
  readonly actOnItem: (
    workflow: WorkflowRow,
    act: { readonly action: ItemAction; readonly key: string; readonly reason: string },
  ) => Promise<number>
  readonly readHistory: (item: ItemName) => Promise<readonly ItemRound[]>
  readonly readEvents: (filter: EventFilter) => ReturnType<typeof readEvents>
  readonly readStatus: () => Promise<StatusDocument>
  readonly readLoads: () => Promise<readonly StoredLoad[]>
  readonly readPace: () => Promise<readonly PaceMinute[]>
  readonly readSchedules: () => Promise<readonly ScheduleStatus[]>
  readonly readChores: () => Promise<readonly ChoreStatus[]>
  readonly openInstance: (workflowId: number) => Promise<RunNow>
  readonly storeEvent: (event: StoredEvent) => Promise<void>
}

export type {
  ChoreStatus,
  EventRow,
  ItemPage,
  ItemRound,
  PaceMinute,
  ScheduleStatus,
  StatusDocument,
  StoredLoad,
}

export function createOperatorStore(sql: Sql): OperatorStore {
  return {
    findWorkflow: (name) => findWorkflow(sql, name),
    readWorkflows: () => readWorkflows(sql),
    findItems: (filter, after) => findItems(sql, filter, after),
    countItems: (of) => countItems(sql, of),
    actOnItems: (order, after) => actOnItems(sql, order, after),
    actOnItem: async ({ workflowId, binding }, { action, key, reason }) => {
      const choice = { workflowId, binding, keys: [key] }
      if (action === 'cancel') return cancelItems(sql, { ...choice, reason })
      if (action === 'promote') return promoteItems(sql, choice)
      return (await retryItem(sql, { workflowId, binding, key })) ? 1 : 0
    },
    readHistory: (item) => readHistory(sql, item),
    readEvents: (filter) => readEvents(sql, filter),
    readStatus: () => readStatus(sql),
    readLoads: () => readLoads(sql),
    readPace: () => readPace(sql),
    readSchedules: () => readSchedules(sql),
    readChores: () => readChores(sql),
    openInstance: (workflowId) => openInstance(sql, workflowId),
    storeEvent: (event) => storeEvent(sql, event),
  }
}
