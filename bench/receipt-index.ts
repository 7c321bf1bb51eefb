// What an index of the receipts costs the settle path: bytes of WAL and time an item, for the index
// there is and for those that could stand in its place.
//
//   npm run bench:index -- [--items 20000] [--rounds 3] [--json]
//
// Variants take turns, so that a machine which is busy for a while is busy for all of them.

import { randomUUID } from 'node:crypto'
import { LIMITS } from '../src/core/limits.js'
import type { Sql } from '../src/store/client.js'
import { enqueueItems } from '../src/store/enqueue.js'
import { ensureReceiptPartitions } from '../src/store/housekeeping.js'
import { createStore } from '../src/store/store.js'
import { emptyBenchDatabase, startBenchDatabase } from './support/bench-database.js'
import { describeMachine, formatSpread, spreadOf } from './support/measure.js'
import { printReport, readNumbers, say } from './support/report.js'

const FINAL = `where status in ('success', 'error', 'cancelled')`
const REST = `where status in ('retry', 'reclaimed')`

const VARIANTS: readonly { readonly name: string; readonly indexes: readonly string[] }[] = [
  { name: '(item_id)', indexes: ['(item_id)'] },
  { name: '(item_id) include (status)', indexes: ['(item_id) include (status)'] },
  { name: '(item_id, status)', indexes: ['(item_id, status)'] },
  { name: 'two partial, final and not', indexes: [`(item_id) ${FINAL}`, `(item_id) ${REST}`] },
  {
    name: '(item_id) include (status, lease_id)',
    indexes: ['(item_id) include (status, lease_id)'],
  },
]

interface Cost {
  readonly walBytes: number
  readonly microseconds: number
  readonly indexBytes: number
}

async function readPosition(sql: Sql): Promise<number> {
  const [row] = await sql<{ at: number }[]>`
    select (pg_current_wal_insert_lsn() - '0/0')::float8 as at`
  return row?.at ?? Number.NaN
}

async function indexBytes(sql: Sql): Promise<number> {
  const [row] = await sql<{ bytes: number }[]>`
    select coalesce(sum(pg_indexes_size(inhrelid::regclass)), 0)::float8 as bytes
      from pg_inherits where inhparent = 'fetchyard.processing_log'::regclass`
  return row?.bytes ?? Number.NaN
}

/** Settles so many items as complete, a full batch at a time. */
async function settleAll(sql: Sql, indexes: readonly string[], items: number): Promise<Cost> {
  await emptyBenchDatabase(sql, 'contacts')
  await ensureReceiptPartitions(sql)
  await sql`drop index fetchyard.processing_log_item_status_idx`
  for (const index of indexes) {
    await sql.unsafe(`create index on fetchyard.processing_log ${index}`)
  }
  const store = createStore(sql)
  const workflow = await store.openWorkflow({ name: 'settled', sinks: {} })
  const { workflowId } = workflow
  const nodeId = randomUUID()
  const identity = { name: 'bench', host: 'bench', machine: 'bench', pid: 1, pidStarted: '1' }
  await store.registerNode({ nodeId, ...identity }, 3_600_000)
  const all = Array.from({ length: items }, (_none, n) => ({
    key: `k${n}`,
    payload: null,
    lane: '',
  }))
  for (let at = 0; at < items; at += LIMITS.enqueueRowsMax) {
    const slice = all.slice(at, at + LIMITS.enqueueRowsMax)
    await enqueueItems(sql, { workflowId, items: slice, again: 'never' })
  }
  await sql`checkpoint`
  let [walBytes, milliseconds] = [0, 0]
  for (let settled = 0; settled < items; ) {
    const request = { nodeId, packsMax: 1, itemsMax: LIMITS.settleItemsMax, deadlineMs: 600_000 }
    const [pack] = await store.leasePacks(workflow, request)
    if (pack === undefined) throw new Error(`The queue is empty after ${settled} items.`)
    const settlements = pack.items.map(({ itemId }) => ({
      ...{ itemId, packId: pack.packId, leaseId: pack.leaseId, event: 'complete' as const },
      ...{ code: 'ok' as const, attempt: 1, httpStatus: 200, durationMs: 120, credits: null },
      ...{ error: null, rows: {}, next: null },
    }))
    const before = await readPosition(sql)
    const startedMs = performance.now()
    await store.settleItems(workflow, { nodeId, settlements })
    milliseconds += performance.now() - startedMs
    walBytes += (await readPosition(sql)) - before
    settled += settlements.length
  }
  return {
    walBytes: walBytes / items,
    microseconds: (milliseconds * 1_000) / items,
    indexBytes: (await indexBytes(sql)) / items,
  }
}

async function main(): Promise<void> {
  const { numbers, isJson } = readNumbers({ items: 20_000, rounds: 3 })
  const database = await startBenchDatabase()
  try {
    const costs = new Map<string, Cost[]>(VARIANTS.map(({ name }) => [name, []]))
    for (let round = 1; round <= numbers.rounds; round += 1) {
      for (const { name, indexes } of VARIANTS) {
        const cost = await settleAll(database.sql, indexes, numbers.items)
        costs.get(name)?.push(cost)
        say(
          `Round ${round}, ${name}: ${cost.walBytes.toFixed(0)} B, ${cost.microseconds.toFixed(0)} µs`,
        )
      }
    }
    const spread = (name: string, of: keyof Cost, digits: number) =>
      formatSpread(spreadOf((costs.get(name) ?? []).map((cost) => cost[of])), digits)
    printReport(
      {
        title: 'Cost of an index of the receipts, an item settled',
        machine: describeMachine(database.version),
        head: ['index', 'WAL bytes', 'µs', 'index bytes'],
        rows: VARIANTS.map(({ name }) => [
          name,
          spread(name, 'walBytes', 0),
          spread(name, 'microseconds', 0),
          spread(name, 'indexBytes', 0),
        ]),
        notes: [`${numbers.items} items complete, ${LIMITS.settleItemsMax} a statement.`],
        figures: Object.fromEntries(costs),
      },
      isJson,
    )
  } finally {
    await database.close()
  }
}

await main()
