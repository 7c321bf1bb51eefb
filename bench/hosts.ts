// One slow host with a long queue that stands before everybody else's: how fast are the others?
// And a single fast host: what does keeping its pace cost?
//
//   npm run bench:hosts -- [--slow 10000] [--hosts 999] [--pages 5] [--seconds 60] [--json]
//
// Each run has a fresh database. Without hosts the items name none, so that they are worked in the
// order of the queue; a run in which the others are never through ends after `seconds`.

import { setTimeout as sleep } from 'node:timers/promises'
import type { Sql } from '../src/store/client.js'
import type { BenchDatabase } from './support/bench-database.js'
import { emptyBenchDatabase, enqueueUrls, startBenchDatabase } from './support/bench-database.js'
import { benchSettings, forkBenchNode } from './support/fork-bench-node.js'
import type { PageServer } from './support/fork-page-server.js'
import { forkPageServer } from './support/fork-page-server.js'
import { describeMachine } from './support/measure.js'
import { printReport, readNumbers, say } from './support/report.js'
import { LIGHT_PAGES } from './support/workflow-path.js'

const CONCURRENCY = 50
const HOST_CONCURRENCY = 4
const SLOW_MS = 5_000
const QUICK_MS = 100
const LOOK_MS = 250

const hostOf = (url: string) => new URL(url).hostname
const NOBODY = () => ''

interface Scenario {
  readonly name: string
  readonly slow: readonly string[]
  readonly quick: readonly string[]
  readonly laneOf: (url: string) => string
}

interface Run {
  readonly name: string
  /** Pages of the quick hosts that were done, and when the last of them was. */
  readonly done: number
  readonly of: number
  readonly seconds: number
  readonly slowDone: number
  /** Most items that the node held under lease at once. */
  readonly leasedMax: number
}

async function countDone(sql: Sql, slowHost: string) {
  const [row] = await sql<{ quick: number; slow: number; leased: number }[]>`
    select count(*) filter (where url not like ${`http://${slowHost}:%`})::int as quick,
           count(*) filter (where url like ${`http://${slowHost}:%`})::int as slow,
           (select coalesce(sum(cardinality(item_ids)), 0)::int from fetchyard.work_queue
             where lease_id is not null) as leased
      from public.light_page`
  return row ?? { quick: 0, slow: 0, leased: 0 }
}

async function runOnce(
  { name, slow, quick, laneOf }: Scenario,
  parts: { readonly database: BenchDatabase; readonly secondsMax: number },
): Promise<Run> {
  const { database, secondsMax } = parts
  const { sql } = database
  await emptyBenchDatabase(sql, LIGHT_PAGES)
  await enqueueUrls(sql, LIGHT_PAGES, slow, laneOf)
  await enqueueUrls(sql, LIGHT_PAGES, quick, laneOf)
  const settings = benchSettings({
    databaseUrl: database.url,
    concurrency: CONCURRENCY,
    processes: 1,
    sockets: CONCURRENCY,
    socketsPerHost: slow.length === 0 ? CONCURRENCY : 20,
    hostConcurrency: slow.length === 0 ? null : HOST_CONCURRENCY,
    drainMs: 1_000,
  })
  const node = await forkBenchNode({ settings, workflow: LIGHT_PAGES })
  const slowHost = slow[0] === undefined ? 'none' : hostOf(slow[0])
  try {
    if (node.workers.size === 0) await node.nextWorker()
    const startMs = performance.now()
    const seconds = () => (performance.now() - startMs) / 1_000
    let leasedMax = 0
    for (;;) {
      const { quick: done, slow: slowDone, leased } = await countDone(sql, slowHost)
      leasedMax = Math.max(leasedMax, leased)
      const run = { name, done, of: quick.length, seconds: seconds(), slowDone, leasedMax }
      if (done >= quick.length || run.seconds >= secondsMax) return run
      await sleep(LOOK_MS)
    }
  } finally {
    await node.stop()
  }
}

function scenariosOf(server: PageServer, given: Record<'slow' | 'hosts' | 'pages', number>) {
  const all = given.hosts + 1
  // Page n is on host n modulo all of them: the first is the slow one.
  const slow = Array.from({ length: given.slow }, (_none, n) => {
    const [url = ''] = server.urls(1, n * all)
    return `${url}?latency=${SLOW_MS}`
  })
  const quick = server.urls(all * given.pages).filter((_url, n) => n % all !== 0)
  const one = Array.from({ length: quick.length }, (_none, n) => server.urls(1, n * all)[0] ?? '')
  return [
    { name: 'others alone', slow: [], quick, laneOf: hostOf },
    { name: 'slow host first, by host', slow, quick, laneOf: hostOf },
    { name: 'slow host first, no hosts', slow, quick, laneOf: NOBODY },
    { name: 'one fast host, by host', slow: [], quick: one, laneOf: hostOf },
    { name: 'one fast host, no hosts', slow: [], quick: one, laneOf: NOBODY },
  ] as const
}

const rowOf = ({ name, done, of, seconds, slowDone, leasedMax }: Run): readonly string[] => [
  name,
  `${done} of ${of}`,
  seconds.toFixed(1),
  (done / seconds).toFixed(1),
  String(slowDone),
  String(leasedMax),
]

async function main(): Promise<void> {
  const defaults = { slow: 10_000, hosts: 999, pages: 5, seconds: 60 }
  const { numbers, isJson } = readNumbers(defaults)
  const server = await forkPageServer({
    latencyMs: QUICK_MS,
    hosts: numbers.hosts + 1,
    smallBytes: 1_024,
  })
  const database = await startBenchDatabase()
  try {
    const runs: Run[] = []
    for (const scenario of scenariosOf(server, numbers)) {
      const run = await runOnce(scenario, { database, secondsMax: numbers.seconds })
      runs.push(run)
      say(rowOf(run).join(', '))
    }
    const quickest = `${CONCURRENCY} at once and ${QUICK_MS} ms an answer`
    printReport(
      {
        title:
          `${numbers.slow} items of a host that takes ${SLOW_MS} ms, before those of ` +
          `${numbers.hosts} others (${QUICK_MS} ms)`,
        machine: describeMachine(database.version),
        head: ['', 'pages of the others', 's', 'a second', 'slow pages', 'leased at most'],
        rows: runs.map(rowOf),
        notes: [
          `${quickest} are ${(CONCURRENCY / QUICK_MS) * 1_000} pages a second at the very best.`,
          `A host is asked for ${HOST_CONCURRENCY} pages at once; a single fast one for as many ` +
            'as there are sockets.',
        ],
        figures: { ...numbers, runs },
      },
      isJson,
    )
  } finally {
    await server.close()
    await database.close()
  }
}

await main()
