// How long people wait for what they look up, on a queue with a past of ten days: pages of items by
// every kind of filter, counts, an item's history, events, and all that `status` reads.
//
//   npm run bench:look-ups -- [--items 10000000] [--rounds 5] [--slow 250] [--plans 1] [--json]
//
// `--plans 1` prints the plan of every statement that took `--slow` milliseconds or longer.

import postgres from 'postgres'
import type { ItemFilter } from '../src/core/item-filter.js'
import { countItems } from '../src/store/act-on-items.js'
import type { Sql } from '../src/store/client.js'
import { driverTarget } from '../src/store/embedded.js'
import { findItems } from '../src/store/find-items.js'
import { readHistory } from '../src/store/history.js'
import { readPace } from '../src/store/pace.js'
import { readEvents } from '../src/store/read-events.js'
import { readStatus } from '../src/store/status.js'
import { findWorkflow } from '../src/store/workflows.js'
import { emptyBenchDatabase, startBenchDatabase } from './support/bench-database.js'
import { fillPast } from './support/finished-queue.js'
import { describeMachine, formatSpread, type Spread, spreadOf } from './support/measure.js'
import { printReport, readNumbers, say } from './support/report.js'

type Question = readonly [name: string, ask: (sql: Sql) => Promise<unknown>]

const EVENTS = 200_000

function questionsOf(workflowId: number, items: number): readonly Question[] {
  const filter = (own: Partial<ItemFilter>): ItemFilter => ({
    ...{ workflowId, state: null, code: null, host: null, text: null },
    ...own,
  })
  const page = (own: Partial<ItemFilter>, after: string | null = null) => {
    return (sql: Sql) => findItems(sql, filter(own), after)
  }
  const deep = JSON.stringify([String(Math.floor(items / 2)), 1])
  return [
    ['items, any', page({})],
    ['items, any, from the middle', page({}, deep)],
    ['items, Queued', page({ state: 'Queued' })],
    ['items, Error', page({ state: 'Error' })],
    ['items, Cancelled', page({ state: 'Cancelled' })],
    ['items, Complete', page({ state: 'Complete' })],
    ['items, Delayed, none there', page({ state: 'Delayed' })],
    ['items, by code', page({ code: 'ok' })],
    ['items, by code, none there', page({ code: 'poison' })],
    ['items, by host', page({ host: 'host-7.example' })],
    ['items, by host, failed', page({ host: 'host-20.example', state: 'Error' })],
    ['items, by host, none there', page({ host: 'nowhere.example' })],
    ['items, by text', page({ text: 'host-123.example/' })],
    ['items, by text, none there', page({ text: 'no such words' })],
    ['items, by whole key', page({ text: String(Math.floor(items / 3)) })],
    ['count to cancel', (sql) => countItems(sql, { action: 'cancel', filter: filter({}) })],
    ['count to retry', (sql) => countItems(sql, { action: 'retry', filter: filter({}) })],
    [
      'count to retry, by text',
      (sql) => countItems(sql, { action: 'retry', filter: filter({ text: 'example/1' }) }),
    ],
    ['history of an item', (sql) => readHistory(sql, { workflowId, key: '4711' })],
    ['events', (sql) => readEvents(sql, { level: null, workflow: null, before: null })],
    [
      'events, of a level',
      (sql) => readEvents(sql, { level: 'error', workflow: null, before: null }),
    ],
    ['pace of the last hour', readPace],
    ['status', readStatus],
  ]
}

async function fill(sql: Sql, items: number): Promise<number> {
  await emptyBenchDatabase(sql, 'contacts')
  say(`Filling ${items} items`)
  await fillPast(sql, { finished: items, boundPercent: 10 })
  await sql`
    insert into fetchyard.event (happened_at, level, name, message)
    select now() - n * interval '1 second', case when n % 50 = 0 then 'warn' else 'info' end,
           'a.test', 'number ' || n from generate_series(${EVENTS}::int, 1, -1) as n`
  await sql`vacuum (analyze) fetchyard.event`
  return (await findWorkflow(sql, 'pushed'))?.workflowId ?? 0
}

/** Asks everything once in a session that tells the plan of each slow statement. */
async function printPlans(
  url: string,
  questions: readonly Question[],
  slow: number,
): Promise<void> {
  const target = driverTarget(url)
  let asked = ''
  const onnotice = ({ message }: { readonly message?: string }) => say(`${asked}: ${message}`)
  const sql = postgres(target.url, { ...target.options, max: 1, onnotice })
  await sql.unsafe(`
    load 'auto_explain';
    set auto_explain.log_min_duration = ${slow};
    set auto_explain.log_analyze = on;
    set auto_explain.log_buffers = on;
    set auto_explain.log_timing = off;
    set client_min_messages = log`)
  for (const [name, ask] of questions) {
    asked = name
    await ask(sql)
  }
  await sql.end()
}

async function measure(sql: Sql, ask: Question[1], rounds: number): Promise<Spread> {
  const took: number[] = []
  for (let round = 0; round <= rounds; round += 1) {
    const startedMs = performance.now()
    await ask(sql)
    // The first one brings pages into memory.
    if (round > 0) took.push(performance.now() - startedMs)
  }
  return spreadOf(took)
}

async function main(): Promise<void> {
  const defaults = { items: 10_000_000, rounds: 5, slow: 250 }
  const { numbers, text, isJson } = readNumbers(defaults, ['plans'])
  const { items, rounds, slow } = numbers
  const database = await startBenchDatabase()
  try {
    const questions = questionsOf(await fill(database.sql, items), items)
    const measured: { readonly name: string; readonly ms: Spread }[] = []
    for (const [name, ask] of questions) {
      const ms = await measure(database.sql, ask, rounds)
      measured.push({ name, ms })
      say(`${name}: ${formatSpread(ms, 1)} ms`)
    }
    if (text('plans') !== null) await printPlans(database.url, questions, slow)
    printReport(
      {
        title: `Looking things up among ${items} finished items`,
        machine: describeMachine(database.version),
        head: ['what', 'ms: median (min to max)'],
        rows: measured.map(({ name, ms }) => [name, formatSpread(ms, 1)]),
        notes: [
          `Receipts in 10 daily partitions, up to 100 000 more items queued, ${EVENTS} events.`,
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
