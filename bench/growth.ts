// Whether the queue stays as fast as it grows: lease and settle by the store alone, with many items
// finished before, free and while a transaction holds the xmin horizon for the whole run.
//
//   npm run bench:growth -- [--items 1000000] [--finished 1000000] [--charts 1] [--json]
//
// Sizes are 10 k, 100 k, 1 M and 10 M queued items, as far as `--items` goes. Each is enqueued and
// drained to the end, first free, then held; what was drained before stays behind as finished items.
// Before each drain a node that dies with a lease in hand is reclaimed from, and after it, while the
// horizon is still held, a sweep finds nothing. `--charts` redraws the picture of docs/images. The
// time of an audit over as many items is `bench:audit`'s.

import { LIMITS } from '../src/core/limits.js'
import { enqueueItems } from '../src/store/enqueue.js'
import { createStore, type Store, type WorkflowHandle } from '../src/store/store.js'
import { drainStore, registerDrainer } from './queue/drain-store.js'
import { chartGrowth, reportGrowth, type Sample, type Size } from './queue/report-growth.js'
import { walPosition } from './queue/run-contender.js'
import { benchItems } from './queue/serve-contender.js'
import {
  type BenchDatabase,
  emptyBenchDatabase,
  startBenchDatabase,
} from './support/bench-database.js'
import { fillPast } from './support/finished-queue.js'
import { holdHorizon } from './support/hold-horizon.js'
import { cpuSeconds, describeMachine, spreadOf } from './support/measure.js'
import { printReport, readNumbers, say } from './support/report.js'

const SIZES = [10_000, 100_000, 1_000_000, 10_000_000] as const
const CONNECTIONS = 2

interface Growing {
  readonly database: BenchDatabase
  readonly workflowId: number
  /** Number of the next item, so that keys come once. */
  next: number
}

/** @returns rates of the slices of an enqueue, in items a second. */
async function fill(growing: Growing, items: number): Promise<readonly number[]> {
  const rates: number[] = []
  for (let at = 0; at < items; at += LIMITS.enqueueRowsMax) {
    const slice = benchItems(growing.next, Math.min(LIMITS.enqueueRowsMax, items - at))
    const startedMs = performance.now()
    const { workflowId } = growing
    await enqueueItems(growing.database.sql, { workflowId, items: slice, again: 'never' })
    rates.push((slice.length * 1_000) / (performance.now() - startedMs))
    growing.next += slice.length
  }
  return rates
}

const SWEEPS = 5

/** Time of a statement that frees what is to be freed. @returns milliseconds. */
async function sweep(store: Store, workflow: WorkflowHandle): Promise<number> {
  const startedMs = performance.now()
  await store.reclaimPacks(workflow, LIMITS.reclaimPacksMax)
  return performance.now() - startedMs
}

/** A node takes as much as a lease may bring, and dies. @returns milliseconds to free it. */
async function reclaimOne(store: Store, workflow: WorkflowHandle): Promise<number> {
  const nodeId = await registerDrainer(store)
  const { leasePacksMax: packsMax, leaseItemsMax: itemsMax } = LIMITS
  await store.leasePacks(workflow, { nodeId, packsMax, itemsMax, deadlineMs: 60_000 })
  await store.fenceNode({ nodeId, reason: 'the benchmark' })
  return sweep(store, workflow)
}

async function sweepNothing(store: Store, workflow: WorkflowHandle): Promise<number> {
  const times: number[] = []
  for (let time = 0; time < SWEEPS; time += 1) times.push(await sweep(store, workflow))
  return spreadOf(times).median
}

async function measure(
  growing: Growing,
  of: { readonly items: number; readonly isHeld: boolean },
): Promise<Size> {
  const { sql, postmasterPid, url } = growing.database
  const { items, isHeld } = of
  await sql`checkpoint`
  const fillRates = await fill(growing, items)
  await sql`vacuum (analyze)`
  const store = createStore(sql)
  const workflow = await store.openWorkflow({ name: 'growth', sinks: {} })
  const nodeId = await registerDrainer(store)
  const letGo = isHeld ? await holdHorizon(url) : async () => {}
  const reclaimMs = await reclaimOne(store, workflow)
  const before = { cpu: cpuSeconds([postmasterPid]), wal: await walPosition(sql) }
  const startedMs = performance.now()
  const [leases, settles]: [Sample[], Sample[]] = [[], []]
  let done = 0
  const settled = await drainStore(
    { store, workflow, nodeId, connections: CONNECTIONS },
    {
      onLeased: (count, ms) => leases.push({ done, ms, items: count }),
      onSettled: (count, ms) => {
        settles.push({ done, ms, items: count })
        done += count
      },
    },
  )
  const seconds = (performance.now() - startedMs) / 1_000
  const after = { cpu: cpuSeconds([postmasterPid]), wal: await walPosition(sql) }
  const idleSweepMs = await sweepNothing(store, workflow)
  await letGo()
  if (settled !== items) throw new Error(`Expected ${items} items, settled ${settled}.`)
  return {
    items,
    isHeld,
    seconds,
    serverCpuSeconds: after.cpu - before.cpu,
    walBytes: after.wal - before.wal,
    leases,
    settles,
    fillRates,
    reclaimMs,
    idleSweepMs,
  }
}

async function main(): Promise<void> {
  const defaults = { items: 1_000_000, finished: 1_000_000 }
  const { numbers, text, isJson } = readNumbers(defaults, ['charts'])
  const { items, finished } = numbers
  const database = await startBenchDatabase()
  try {
    await emptyBenchDatabase(database.sql, 'contacts')
    say(`Filling a past of ${finished} items`)
    await fillPast(database.sql, { finished, boundPercent: 10 })
    const opened = await createStore(database.sql).openWorkflow({ name: 'growth', sinks: {} })
    const growing: Growing = { database, workflowId: opened.workflowId, next: 0 }
    const measured: Size[] = []
    for (const size of SIZES.filter((each) => each <= items)) {
      for (const isHeld of [false, true]) {
        const one = await measure(growing, { items: size, isHeld })
        measured.push(one)
        say(reportGrowth([one]).rows.flat().join(' | '))
      }
    }
    const { head, rows, notes } = reportGrowth(measured)
    printReport(
      {
        title: `Lease and settle as the queue grows, ${finished} items finished before`,
        machine: describeMachine(database.version),
        head,
        rows,
        notes,
        figures: { ...numbers, measured },
      },
      isJson,
    )
    if (text('charts') !== null) chartGrowth(measured)
  } finally {
    await database.close()
  }
}

await main()
