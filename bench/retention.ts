// How long it takes to remove a past, how long each slice holds what it holds, and what the work
// beside it feels.
//
//   npm run bench:retention -- [--items 1000000] [--json]
//
// The queue has a past of ten days. First its receipts go, which leaves endings, then its finished
// items. Meanwhile items are enqueued, leased and settled as before.

import { randomUUID } from 'node:crypto'
import { systemClock } from '../src/core/clock.js'
import { audit } from '../src/store/audit.js'
import type { ChoreStore } from '../src/store/chore-store.js'
import type { Sql } from '../src/store/client.js'
import { enqueueItems } from '../src/store/enqueue.js'
import { createStore } from '../src/store/store.js'
import { createEventBus } from '../src/telemetry/events.js'
import { createRemover } from '../supervisor/remover.js'
import { startBenchDatabase } from './support/bench-database.js'
import { fillPast } from './support/finished-queue.js'
import { describeMachine } from './support/measure.js'
import { printReport, readNumbers, say } from './support/report.js'

const DAY_MS = 86_400_000
const BASELINE_MS = 5_000
const ROUND_ITEMS = 100

/** Times in milliseconds, by what took them. */
type Times = Map<string, number[]>

async function timed<T>(times: Times, name: string, work: () => Promise<T>): Promise<T> {
  const startedMs = performance.now()
  const answer = await work()
  times.set(name, [...(times.get(name) ?? []), performance.now() - startedMs])
  return answer
}

function timedChores(chores: ChoreStore, times: Times): ChoreStore {
  return {
    ...chores,
    moveEndings: (slice) => timed(times, 'move', () => chores.moveEndings(slice)),
    dropReceipts: (of) => timed(times, 'drop', () => chores.dropReceipts(of)),
    retireItems: (old) => timed(times, 'retire', () => chores.retireItems(old)),
  }
}

/** Works small batches until it is stopped. */
async function workBeside(sql: Sql, times: Times, isOver: () => boolean): Promise<void> {
  const store = createStore(sql)
  const nodeId = randomUUID()
  const identity = { name: 'bench', host: 'host', machine: 'machine', pid: 1, pidStarted: '1' }
  await store.registerNode({ nodeId, ...identity }, DAY_MS)
  const flow = await store.openWorkflow({ name: 'beside', sinks: {} })
  const { workflowId } = flow
  while (!isOver()) {
    const items = Array.from({ length: ROUND_ITEMS }, () => ({
      key: randomUUID(),
      payload: null,
      lane: '',
    }))
    await enqueueItems(sql, { workflowId, items, again: 'never' })
    const wish = { nodeId, packsMax: 8, itemsMax: ROUND_ITEMS, deadlineMs: DAY_MS }
    const packs = await store.leasePacks(flow, wish)
    const settlements = packs.flatMap(({ packId, leaseId, items: leased }) =>
      leased.map(({ itemId }) => ({
        ...({ itemId, packId, leaseId, attempt: 1, event: 'complete', code: 'ok' } as const),
        ...{ httpStatus: 200, durationMs: 1, credits: null, error: null, next: null, rows: {} },
      })),
    )
    await timed(times, 'settle', () => store.settleItems(flow, { nodeId, settlements }))
  }
}

/** Runs the service until it has nothing left to remove. */
async function removeAll(sql: Sql, times: Times): Promise<number> {
  const store = createStore(sql)
  const nodeId = randomUUID()
  const identity = { name: 'remover', host: 'host', machine: 'machine', pid: 2, pidStarted: '1' }
  await store.registerNode({ nodeId, ...identity }, DAY_MS)
  const events = createEventBus()
  const startedMs = performance.now()
  await new Promise<void>((resolve, reject) => {
    events.subscribe((event) => {
      if (event.name === 'housekeeping.removed') say(JSON.stringify(event))
      if (event.name === 'housekeeping.removed' && event.chore === 'items') resolve()
      if (event.name === 'housekeeping.failed') reject(new Error(event.message))
    })
    const chores = timedChores(store.chores, times)
    const keep = { receiptsMs: DAY_MS, itemsMs: DAY_MS }
    const remover = createRemover({ chores, nodeId, keep, clock: systemClock, events })
    remover.start()
  })
  return (performance.now() - startedMs) / 1_000
}

function row(name: string, list: readonly number[]): readonly string[] {
  const sorted = [...list].sort((a, b) => a - b)
  const at = (share: number) => sorted[Math.floor((sorted.length - 1) * share)] ?? 0
  const figures = [at(0.5), at(0.99), at(1)].map((ms) => ms.toFixed(1))
  return [name, `${sorted.length}`, ...figures]
}

async function main(): Promise<void> {
  const { numbers, isJson } = readNumbers({ items: 1_000_000 })
  const database = await startBenchDatabase()
  try {
    const { sql } = database
    say(`Filling ${numbers.items} items`)
    await fillPast(sql, { finished: numbers.items, boundPercent: 10 })
    const alone: Times = new Map()
    const untilMs = performance.now() + BASELINE_MS
    await workBeside(sql, alone, () => performance.now() > untilMs)
    const times: Times = new Map()
    let isOver = false
    const beside = workBeside(sql, times, () => isOver)
    const seconds = await removeAll(sql, times)
    isOver = true
    await beside
    const report = await audit(sql)
    if (!report.isClean) throw new Error(JSON.stringify(report.checks))
    printReport(
      {
        title: `Removing a past of ${numbers.items} items`,
        machine: describeMachine(database.version),
        head: ['statement', 'times', 'median ms', '99 % ms', 'longest ms'],
        rows: [
          row('settle of 100, alone', alone.get('settle') ?? []),
          row('settle of 100, beside', times.get('settle') ?? []),
          ...['move', 'drop', 'retire'].map((name) => row(name, times.get(name) ?? [])),
        ],
        notes: [
          `All was removed after ${seconds.toFixed(1)} s; retired ${report.retired}, ` +
            `finished ${report.finished}, lost ${report.lost}.`,
        ],
        figures: { items: numbers.items, seconds, times: Object.fromEntries(times) },
      },
      isJson,
    )
  } finally {
    await database.close()
  }
}

await main()
process.exit(0)
