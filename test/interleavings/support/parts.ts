// The statements of the store as parts of a scenario. Each answers with names, which are the same in
// every order: keys of items instead of their numbers.

import type { HeldItem, Settlement } from '../../../src/core/settlement.js'
import type { Again } from '../../../src/store/enqueue.js'
import { enqueueItems } from '../../../src/store/enqueue.js'
import { cancelItems, promoteItems } from '../../../src/store/operate.js'
import { FIRST } from '../../../src/store/retention.js'
import { joinRun } from '../../../src/store/runs.js'
import type { WorkflowHandle } from '../../../src/store/store.js'
import { createStore } from '../../../src/store/store.js'
import { nextTry, settlement } from '../../support/values.js'
import type { Part } from './actor.js'

type How = Omit<Part, 'does' | 'name'> & { readonly name?: string }

const part = (name: string, how: How, does: Part['does']): Part => ({ name, ...how, does })

/** What a settler sends for an item that is done: its own row in the sink. */
export function done(held: HeldItem, names: readonly string[] = [held.itemKey]): Settlement {
  const rows = names.map((name) => ({ name, item: `${held.itemKey}#1` }))
  return settlement(held, { rows: { harvest: rows } })
}

/** The ends of items that are all complete. */
export function allDone(items: readonly HeldItem[]): Settlement[] {
  return items.map((item) => done(item))
}

/** What a settler sends for an item that is to be tried again later. */
export function again(held: HeldItem): Settlement {
  const next = nextTry({ delayMs: 3_600_000, attempt: held.attempt + 1 })
  return settlement(held, { event: 'retry', code: 'timeout_total', next })
}

/** Answers with the keys that were accepted. */
export function settles(
  of: {
    readonly workflow: WorkflowHandle
    readonly nodeId: string
    readonly held: readonly HeldItem[]
  },
  settlements: readonly Settlement[],
  how: How = {},
): Part {
  return part('settle', how, async (sql) => {
    const { workflow, nodeId, held } = of
    const applied = await createStore(sql).settleItems(workflow, { nodeId, settlements })
    return held.flatMap(({ itemId, itemKey }) => (applied.has(itemId) ? [itemKey] : [])).sort()
  })
}

/** Answers with the keys it got. */
export function leases(
  workflow: WorkflowHandle,
  request: { readonly nodeId: string; readonly itemsMax?: number; readonly packsMax?: number },
  how: How = {},
): Part {
  const { nodeId, itemsMax = 100, packsMax = 10 } = request
  const wish = { nodeId, itemsMax, packsMax, deadlineMs: 3_600_000 }
  return part('lease', how, async (sql) => {
    const packs = await createStore(sql).leasePacks(workflow, wish)
    return packs.flatMap(({ items }) => items.map(({ itemKey }) => itemKey)).sort()
  })
}

/** Answers with the number of items freed. */
export function reclaims(
  workflow: WorkflowHandle,
  how: How & { readonly packsMax?: number } = {},
): Part {
  const { packsMax = 100, ...rest } = how
  return part('reclaim', rest, async (sql) => {
    const { items } = await createStore(sql).reclaimPacks(workflow, packsMax)
    return items
  })
}

/** Answers with the number of items given back. */
export function releases(workflow: WorkflowHandle, nodeId: string, how: How = {}): Part {
  return part('release', how, async (sql) => {
    const { items } = await createStore(sql).releaseNode(workflow, nodeId)
    return items
  })
}

export function cancels(
  { workflowId, binding }: WorkflowHandle,
  keys: readonly string[] | null,
  how: How = {},
): Part {
  const reason = 'a test'
  return part('cancel', how, (sql) => cancelItems(sql, { workflowId, binding, keys, reason }))
}

export function promotes(
  { workflowId, binding }: WorkflowHandle,
  keys: readonly string[] | null,
  how: How = {},
): Part {
  return part('promote', how, (sql) => promoteItems(sql, { workflowId, binding, keys }))
}

export function pauses({ workflowId }: WorkflowHandle, how: How = {}): Part {
  return part('pause', how, (sql) =>
    createStore(sql).pauseWorkflow({ workflowId, reason: 'a test' }),
  )
}

/** Of an hour, like those of the yard's nodes here; whoever lives is heard. */
const LEASE = { leaseMs: 3_600_000, gapMs: 3_600_000 }

export function beats(nodeId: string, how: How = {}): Part {
  return part('heartbeat', how, (sql) =>
    createStore(sql).sendHeartbeat({ nodeId, ...LEASE, stats: {} }),
  )
}

export function fences(nodeId: string, how: How = {}): Part {
  return part('fence', how, (sql) => createStore(sql).fenceNode({ nodeId, reason: 'a test' }))
}

/** Answers with the names of the nodes it fenced. */
export function fencesExpired(nodeId: string, how: How = {}): Part {
  return part('fence expired', how, async (sql) => {
    const fenced = await createStore(sql).fenceExpired({ nodeId, ...LEASE, steadyMs: 0 })
    return fenced.map(({ name }) => name).sort()
  })
}

export function enqueues(
  { workflowId }: WorkflowHandle,
  keys: readonly string[],
  how: How & { readonly again?: Again } = {},
): Part {
  const { again: when = 'never', ...rest } = how
  const items = keys.map((key) => ({ key, payload: null, lane: '' }))
  return part('enqueue', rest, (sql) => enqueueItems(sql, { workflowId, items, again: when }))
}

/** The owner of the bound table writes a column of one row. */
export function ownerSets(
  key: string,
  set: { readonly [column in 'status' | 'note']?: string },
  how: How = {},
): Part {
  return part('owner', how, async (sql) => {
    const [[column, value] = ['note', '']] = Object.entries(set)
    const rows = await sql`
      update public.pages set ${sql(column)} = ${value} where page_id = ${key} returning 1`
    return rows.length
  })
}

export function ownerDeletes(key: string, how: How = {}): Part {
  return part('owner', how, async (sql) => {
    const rows = await sql`delete from public.pages where page_id = ${key} returning 1`
    return rows.length
  })
}

export const REST = { partition: 'processing_log_rest', pages: 1_000, isRest: true } as const

/** Moves what ends items out of the receipts. Answers with the number of receipts that went. */
export function moves(nodeId: string, how: How = {}): Part {
  const slice = { nodeId, receipts: REST, fromPage: 0, pagesMax: REST.pages, keepMs: 0 }
  return part('move', how, async (sql) => (await createStore(sql).chores.moveEndings(slice)).rows)
}

/** Answers with the number of items that went. */
export function retires(nodeId: string, how: How = {}): Part {
  const slice = { nodeId, keepMs: 0, rowsMax: 100, after: FIRST }
  return part('retire', how, async (sql) => (await createStore(sql).chores.retireItems(slice)).rows)
}

/** Books one refused answer that was charged a credit. Answers with nothing. */
export function booksRefused(
  { workflowId }: WorkflowHandle,
  nodeId: string,
  how: How & { readonly booking?: number } = {},
): Part {
  const { booking = 1, ...rest } = how
  const bill = { nodeId, workflowId, booking, items: 1, calls: 1, credits: 1, unsure: 0 }
  return part('book', rest, (sql) => createStore(sql).bookRefused(bill))
}

/** The first reserve of a node, for calls at a credit each. Answers with how many may be begun. */
export function reserves(
  { workflowId }: WorkflowHandle,
  of: { readonly nodeId: string; readonly wanted: number },
  how: How = {},
): Part {
  const request = { workflowId, ...of, serial: 1, open: 0, kept: 0, creditsEach: 1 }
  return part('reserve', how, (sql) => createStore(sql).reserveCalls(request))
}

/** Puts the latest items of keys into a run. Answers with how many joined. */
export function joins(
  { workflowId }: WorkflowHandle,
  runId: number,
  keys: readonly string[],
  how: How = {},
): Part {
  return part('join', how, async (sql) => {
    const { joined } = await joinRun(sql, { runId, workflowId, keys })
    return joined
  })
}
