// Where a person's questions about items and orders to them are carried out. An order leaves an
// event that names who gave it and what it was about.

import { FetchyardError } from '../src/core/errors.js'
import type { ItemFilter } from '../src/core/item-filter.js'
import type { ItemAction, MatchCount } from '../src/store/act-on-items.js'
import type {
  ChoreStatus,
  EventRow,
  ItemPage,
  ItemRound,
  OperatorStore,
  PaceMinute,
  ScheduleStatus,
  StatusDocument,
  StoredLoad,
} from '../src/store/operator-store.js'
import type { WorkflowRow } from '../src/store/workflows.js'
import type { Orderer } from './steering-desk.js'

/** A filter whose workflow is named. */
export interface NamedFilter extends Omit<ItemFilter, 'workflowId'> {
  readonly workflow: string
}

export interface ItemDeed {
  readonly action: ItemAction
  readonly filter: NamedFilter
  /** One item by its key; null: all that match the filter. */
  readonly key: string | null
  /** Where the deed goes on; null: at its beginning. */
  readonly after: string | null
}

export interface Done {
  readonly items: number
  /** Where it goes on; null when it is done. */
  readonly next: string | null
  readonly words: string
}

export interface EventQuestion {
  readonly level: 'info' | 'warn' | 'error' | null
  readonly workflow: string | null
  readonly before: string | null
}

export interface OperatorDesk {
  readonly find: (filter: NamedFilter, after: string | null) => Promise<ItemPage>
  readonly count: (action: ItemAction, filter: NamedFilter) => Promise<MatchCount>
  readonly history: (of: {
    readonly workflow: string
    readonly key: string
  }) => Promise<readonly ItemRound[]>
  readonly act: (deed: ItemDeed, by: Orderer) => Promise<Done>
  /** Opens an instance of a scheduled workflow. */
  readonly runNow: (workflow: string, by: Orderer) => Promise<string>
  readonly events: (question: EventQuestion) => Promise<{
    readonly events: readonly EventRow[]
    readonly next: string | null
  }>
  /** How everything stands, as `fetchyard status --json` prints it. */
  readonly status: () => Promise<StatusDocument>
  /** What each living node has in hand, and its limit, as its last heartbeat told. */
  readonly loads: () => Promise<readonly StoredLoad[]>
  readonly pace: () => Promise<readonly PaceMinute[]>
  readonly schedules: () => Promise<readonly ScheduleStatus[]>
  readonly chores: () => Promise<readonly ChoreStatus[]>
}

export interface OperatorDeskDeps {
  readonly store: OperatorStore
  readonly nowMs: () => number
}

/** Time after which an order about many items answers with what it has done so far. */
const ACT_MS = 4_000
/** Characters of what an order was about, in its event. */
const ABOUT_MAX = 200

export function createOperatorDesk({ store, nowMs }: OperatorDeskDeps): OperatorDesk {
  const filterOf = async ({ workflow, ...rest }: NamedFilter): Promise<ItemFilter> => {
    const { workflowId } = await rowOf(store, workflow)
    return { workflowId, ...rest }
  }
  return {
    find: async (filter, after) => store.findItems(await filterOf(filter), after),
    count: async (action, filter) => store.countItems({ action, filter: await filterOf(filter) }),
    history: async ({ workflow, key }) => {
      const { workflowId } = await rowOf(store, workflow)
      return store.readHistory({ workflowId, key })
    },
    act: (deed, by) => act({ store, nowMs }, deed, by),
    runNow: (workflow, by) => runNow(store, workflow, by),
    events: (question) => store.readEvents(question),
    status: store.readStatus,
    loads: store.readLoads,
    pace: store.readPace,
    schedules: store.readSchedules,
    chores: store.readChores,
  }
}

/** @throws {FetchyardError} WORKFLOW_UNKNOWN */
async function rowOf(store: OperatorStore, name: string): Promise<WorkflowRow> {
  const found = await store.findWorkflow(name)
  if (found !== null) return found
  throw new FetchyardError('WORKFLOW_UNKNOWN', `The database knows no workflow \`${name}\`.`)
}

interface Verb {
  readonly ordered: string
  readonly done: string
  readonly event: string
}

const VERBS: { readonly [action in ItemAction]: Verb } = {
  cancel: { ordered: 'Cancel', done: 'Cancelled', event: 'items.cancelled' },
  promote: { ordered: 'Make ready now', done: 'Made ready now', event: 'items.promoted' },
  retry: { ordered: 'Ask again for', done: 'Asked again for', event: 'items.retried' },
}

/**
 * Slice after slice, until it is done or an answer is due: an order about a million items is many
 * requests, each of which has done what it says, also when nobody sends the next one.
 */
async function act({ store, nowMs }: OperatorDeskDeps, deed: ItemDeed, by: Orderer): Promise<Done> {
  const { action, key } = deed
  const row = await rowOf(store, deed.filter.workflow)
  const reason = `cancelled by ${by.name}, ${by.via}`
  let items = 0
  let next: string | null = null
  if (key !== null) items = await store.actOnItem(row, { action, key, reason })
  else {
    const { workflow: _, ...rest } = deed.filter
    const filter = { workflowId: row.workflowId, ...rest }
    const order = { action, filter, binding: row.binding, reason }
    const untilMs = nowMs() + ACT_MS
    next = deed.after
    if (next === null) await leaveOrder(store, { row, deed, by })
    do {
      try {
        const slice = await store.actOnItems(order, next)
        items += slice.items
        next = slice.next
      } catch (error) {
        // What was done is told, and kept as an event; the next request meets the failure.
        if (items === 0 || next === null) throw error
        break
      }
    } while (next !== null && nowMs() < untilMs)
  }
  const { done, event: name } = VERBS[action]
  const words = `${done} ${count(items)} of ${row.name}${aboutWords(deed)}.`
  if (items > 0) await leaveEvent(store, { name, row, words, deed, items, by })
  return { items, next, words }
}

const count = (items: number) => `${items} item${items === 1 ? '' : 's'}`

/** What of a workflow's items an order was about. */
function aboutWords({ filter, key }: ItemDeed): string {
  const { state, code, host, text } = filter
  const parts =
    key !== null
      ? [`with the key ${key}`]
      : [
          ...(state === null ? [] : [`in state ${state}`]),
          ...(code === null ? [] : [`ended by ${code}`]),
          ...(host === null ? [] : [`of the host ${host}`]),
          ...(text === null ? [] : [`with “${text}” in key or URL`]),
        ]
  return parts.length === 0 ? '' : `, ${parts.join(', ')}`.slice(0, ABOUT_MAX)
}

interface Given {
  readonly row: WorkflowRow
  readonly deed: ItemDeed
  readonly by: Orderer
}

/** Before the first slice: it tells who asked for what a supervisor did that dies among them. */
async function leaveOrder(store: OperatorStore, { row, deed, by }: Given): Promise<void> {
  const words = `${VERBS[deed.action].ordered} all of ${row.name}${aboutWords(deed)}.`
  await leaveEvent(store, { name: 'items.ordered', row, words, deed, items: null, by })
}

async function leaveEvent(
  store: OperatorStore,
  of: Given & {
    readonly name: string
    readonly words: string
    /** Null: not known yet. */
    readonly items: number | null
  },
): Promise<void> {
  const { state, code, host, text } = of.deed.filter
  await store.storeEvent({
    level: 'info',
    name: of.name,
    workflowId: of.row.workflowId,
    nodeId: null,
    message: `by ${of.by.name}, ${of.by.via}: ${of.words}`,
    fields: {
      ...{ items: of.items, key: of.deed.key, state, code, host, text },
      ...{ by: of.by.name, via: of.by.via },
    },
  })
}

async function runNow(store: OperatorStore, workflow: string, by: Orderer): Promise<string> {
  const { workflowId, name, pausedBy } = await rowOf(store, workflow)
  const outcome = await store.openInstance(workflowId)
  if (outcome === 'unscheduled') return `${name} has no schedule: it works whenever a node has it.`
  if (outcome === 'running') return `${name} has as many instances open as it may have.`
  await store.storeEvent({
    ...{ level: 'info', name: 'schedule.run_now', workflowId, nodeId: null },
    message: `by ${by.name}, ${by.via}`,
    fields: { by: by.name, via: by.via },
  })
  return pausedBy.length === 0
    ? `${name} works what is ready now.`
    : `${name} works what is ready once it is resumed; it is paused by ${pausedBy.join(', ')}.`
}
