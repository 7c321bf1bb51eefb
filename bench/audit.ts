// How long the audit takes as the queue grows, on queues with a past of ten days.
//
//   npm run bench:audit -- [--items 10000000] [--rounds 3] [--bound 10] [--plan 1] [--json]
//
// Sizes are 10 k, 1 M and 10 M items, as far as `--items` goes. `--bound` is how many in 100 items
// are rows of a bound table with a result row each. `--plan 1` prints the plans of the largest size
// with their buffers.

import postgres from 'postgres'
import { audit } from '../src/store/audit.js'
import type { Sql } from '../src/store/client.js'
import { driverTarget } from '../src/store/embedded.js'
import { emptyBenchDatabase, startBenchDatabase } from './support/bench-database.js'
import { fillPast } from './support/finished-queue.js'
import { describeMachine, formatSpread, spreadOf } from './support/measure.js'
import { printReport, readNumbers, say } from './support/report.js'

const SIZES = [10_000, 1_000_000, 10_000_000]

interface Measured {
  readonly items: number
  /** Seconds of the first audit after the tables were filled and vacuumed. */
  readonly firstS: number
  readonly roundsS: readonly number[]
}

async function timedAudit(sql: Sql): Promise<number> {
  const startedMs = performance.now()
  const report = await audit(sql)
  const seconds = (performance.now() - startedMs) / 1_000
  if (!report.isClean || report.notes.length > 0) {
    const broken = report.checks.filter(({ violations }) => violations > 0)
    throw new Error(`The generated queue is not clean: ${JSON.stringify([broken, report.notes])}`)
  }
  return seconds
}

async function measure(
  sql: Sql,
  size: { readonly items: number; readonly rounds: number; readonly bound: number },
): Promise<Measured> {
  await emptyBenchDatabase(sql, 'contacts')
  say(`Filling ${size.items} items`)
  await fillPast(sql, { finished: size.items, boundPercent: size.bound })
  const firstS = await timedAudit(sql)
  const roundsS: number[] = []
  for (let round = 0; round < size.rounds; round += 1) roundsS.push(await timedAudit(sql))
  say(`${size.items} items: ${formatSpread(spreadOf(roundsS), 2)} s`)
  return { items: size.items, firstS, roundsS }
}

/** Runs one audit in a session that tells the plan of every statement. */
async function printPlans(url: string): Promise<void> {
  const target = driverTarget(url)
  const sql = postgres(target.url, {
    ...target.options,
    max: 1,
    onnotice: ({ message }) => say(message ?? ''),
  })
  await sql.unsafe(`
    load 'auto_explain';
    set auto_explain.log_min_duration = 0;
    set auto_explain.log_analyze = on;
    set auto_explain.log_buffers = on;
    set auto_explain.log_timing = off;
    set client_min_messages = log`)
  await audit(sql)
  await sql.end()
}

async function main(): Promise<void> {
  const { numbers, text, isJson } = readNumbers({ items: 10_000_000, rounds: 3, bound: 10 }, [
    'plan',
  ])
  const { items, rounds, bound } = numbers
  const database = await startBenchDatabase()
  try {
    const measured: Measured[] = []
    for (const size of SIZES.filter((each) => each <= items)) {
      measured.push(await measure(database.sql, { items: size, rounds, bound }))
    }
    if (text('plan') !== null) await printPlans(database.url)
    printReport(
      {
        title: 'Time of an audit',
        machine: describeMachine(database.version),
        head: ['finished items', 'first, s', 'then, s: median (min to max)'],
        rows: measured.map(({ items: finished, firstS, roundsS }) => [
          String(finished),
          firstS.toFixed(2),
          formatSpread(spreadOf(roundsS), 2),
        ]),
        notes: [
          `Receipts in 10 daily partitions, up to 100 000 more items queued, ${bound} in 100 items`,
          'are rows of a bound table with a result row each.',
        ],
        figures: measured,
      },
      isJson,
    )
  } finally {
    await database.close()
  }
}

await main()
