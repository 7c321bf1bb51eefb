// Everything that can be wrong with a workflow, on one node beside two that are well: how fast are
// these, against the same two alone? And how long until each sick one is held, and why?
//
//   npm run bench:isolation -- [--rounds 3] [--seconds 60] [--concurrency 10] [--json]
//
// A round is one run with the healthy workflows alone and one with all of them, on a fresh database
// each; which comes first alternates. A rate is what the healthy ones finished from the first of
// their items to the end of the run, so that it holds the time in which the sick ones are found out.

import { createServer, type Server } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Settings } from '../config/settings.js'
import type { Sql } from '../src/store/client.js'
import { enqueueItems } from '../src/store/enqueue.js'
import { readLoads } from '../src/store/loads.js'
import { readPauses } from '../src/store/pauses.js'
import { registerWorkflow } from '../src/store/workflows.js'
import { SICK_WAYS, type SickWay } from '../test/support/handlers/sick.js'
import type { BenchDatabase } from './support/bench-database.js'
import { emptyBenchDatabase, enqueueUrls, startBenchDatabase } from './support/bench-database.js'
import { type BenchNode, benchSettings, forkBenchNode } from './support/fork-bench-node.js'
import type { PageServer } from './support/fork-page-server.js'
import { forkPageServer } from './support/fork-page-server.js'
import { describeMachine, formatSpread, spreadOf } from './support/measure.js'
import { printReport, readNumbers, say } from './support/report.js'
import { LIGHT_PAGES } from './support/workflow-path.js'

const STEADY_URL = new URL('../test/support/handlers/steady-pages.js', import.meta.url).href
const SICK_URL = new URL('../test/support/handlers/sick.js', import.meta.url).href
const HEALTHY = ['light-pages', 'steady-pages'] as const
const LATENCY_MS = 100
const SICK_ITEMS = 500
const LOOK_MS = 500

/** What differs from the defaults, so that a run of a minute or two shows all of it. */
const SICK_SETTINGS: { readonly [way in SickWay]: Partial<Settings> } = {
  hangs: { headersTimeoutMs: 5_000 },
  throws: {},
  blocks: {},
  leaks: { memoryMb: 256 },
  kills: {},
  refused: {},
}

interface Held {
  readonly way: SickWay
  readonly reason: string
  readonly seconds: number
}

interface Run {
  readonly isWithSick: boolean
  /** Items a second, by healthy workflow. */
  readonly rates: readonly number[]
  readonly held: readonly Held[]
}

interface Numbers {
  readonly rounds: number
  readonly seconds: number
  readonly concurrency: number
}

interface Parts {
  readonly database: BenchDatabase
  readonly server: PageServer
  readonly silentUrl: string
  readonly numbers: Numbers
}

/** Takes every request and answers none. */
async function startSilent(): Promise<Server> {
  const silent = createServer((socket) => socket.on('error', () => {}))
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
  return silent
}

function urlOf(silent: Server): string {
  const address = silent.address()
  if (typeof address !== 'object' || address === null) throw new Error('the server has no port')
  return `http://127.0.0.1:${address.port}/`
}

async function push(sql: Sql, name: string, urls: readonly string[], lane = ''): Promise<void> {
  const { workflowId } = await registerWorkflow(sql, name)
  for (let at = 0; at < urls.length; at += 5_000) {
    const items = urls.slice(at, at + 5_000).map((url, n) => {
      return { key: `${name}-${at + n}`, payload: { url }, lane }
    })
    await enqueueItems(sql, { workflowId, items, again: 'never' })
  }
}

async function fill({ database, server, silentUrl, numbers }: Parts): Promise<void> {
  const { sql } = database
  // Three times what can be done at the very best: nobody may run dry.
  const count = Math.ceil(3 * numbers.seconds * numbers.concurrency * (1_000 / LATENCY_MS))
  await enqueueUrls(sql, LIGHT_PAGES, server.urls(count))
  await push(sql, 'steady-pages', server.urls(count, count))
  const sickUrls = Array.from({ length: SICK_ITEMS }, (_none, n) => `${silentUrl}${n}`)
  for (const way of SICK_WAYS) {
    await push(sql, `sick-${way}`, sickUrls, way === 'hangs' ? '127.0.0.1' : '')
  }
}

/** Items finished by each healthy workflow, and seconds since the first of all of them. */
async function readDone(sql: Sql) {
  return sql<{ name: string; done: number; seconds: number }[]>`
    select name, done::int, seconds::float8
      from (select workflow_id, count(*) as done,
                   extract(epoch from clock_timestamp() - min(ended_at)) as seconds
              from fetchyard.processing_log where status = 'success' group by workflow_id) as ended
      join fetchyard.workflow using (workflow_id)
     where name = any (${[...HEALTHY]}::text[])`
}

/** Which sick workflows are held now, by what. */
async function readHeld(sql: Sql): Promise<readonly Omit<Held, 'seconds'>[]> {
  const pauses = await readPauses(sql)
  const loads = await readLoads(sql)
  return SICK_WAYS.flatMap((way) => {
    const pause = pauses.find(({ workflow }) => workflow === `sick-${way}`)
    if (pause !== undefined) return [{ way, reason: pause.reason }]
    const lanes = loads.find(({ workflow }) => workflow === `sick-${way}`)?.lanesOpen ?? 0
    return lanes > 0 ? [{ way, reason: 'breaker' }] : []
  })
}

function startNode({ database, numbers }: Parts, isWithSick: boolean): Promise<BenchNode> {
  const { concurrency } = numbers
  const settings = benchSettings({
    ...{ databaseUrl: database.url, concurrency, processes: 1, drainMs: 1_000 },
    ...{ hostConcurrency: concurrency, socketsPerHost: concurrency },
  })
  const sick = SICK_WAYS.map((way) => {
    return { moduleUrl: `${SICK_URL}?way=${way}`, overrides: SICK_SETTINGS[way] }
  })
  const alsoWorks = [{ moduleUrl: STEADY_URL, overrides: {} }, ...(isWithSick ? sick : [])]
  return forkBenchNode({ settings, workflow: LIGHT_PAGES, alsoWorks })
}

async function runOnce(parts: Parts, isWithSick: boolean): Promise<Run> {
  const { database, numbers } = parts
  const { sql } = database
  await emptyBenchDatabase(sql, LIGHT_PAGES)
  await sql`drop table if exists public.sick_row`
  await fill(parts)
  const node = await startNode(parts, isWithSick)
  const startMs = performance.now()
  const held = new Map<SickWay, Held>()
  try {
    for (;;) {
      await sleep(LOOK_MS)
      const seconds = (performance.now() - startMs) / 1_000
      for (const one of await readHeld(sql)) {
        if (!held.has(one.way)) held.set(one.way, { ...one, seconds })
      }
      if (seconds >= numbers.seconds) break
    }
    const done = await readDone(sql)
    const rates = HEALTHY.map((name) => {
      const own = done.find((row) => row.name === name)
      return own === undefined ? 0 : own.done / own.seconds
    })
    return { isWithSick, rates, held: [...held.values()] }
  } finally {
    await node.stop()
  }
}

function rowsOf(runs: readonly Run[]): readonly (readonly string[])[] {
  return HEALTHY.map((name, at) => {
    const of = (isWithSick: boolean) =>
      runs.filter((run) => run.isWithSick === isWithSick).map(({ rates }) => rates[at] ?? 0)
    const [alone, beside] = [of(false), of(true)]
    const ratios = beside.map((rate, round) => (100 * rate) / (alone[round] ?? 0))
    const words = [alone, beside, ratios].map((values) => formatSpread(spreadOf(values)))
    return [name, ...words]
  })
}

function heldNotes(runs: readonly Run[]): readonly string[] {
  const sickRuns = runs.filter(({ isWithSick }) => isWithSick)
  return SICK_WAYS.map((way) => {
    const held = sickRuns.flatMap((run) => run.held.filter((one) => one.way === way))
    if (held.length === 0) return `${way}: held in none of ${sickRuns.length} runs.`
    const after = formatSpread(spreadOf(held.map(({ seconds }) => seconds)))
    const reasons = [...new Set(held.map(({ reason }) => reason))].join(', ')
    return `${way}: held by ${reasons} after ${after} s, in ${held.length} of ${sickRuns.length} runs.`
  })
}

async function main(): Promise<void> {
  const { numbers, isJson } = readNumbers({ rounds: 3, seconds: 60, concurrency: 10 })
  const server = await forkPageServer({ latencyMs: LATENCY_MS, smallBytes: 1_024 })
  const silent = await startSilent()
  const database = await startBenchDatabase()
  try {
    const parts = { database, server, silentUrl: urlOf(silent), numbers }
    const runs: Run[] = []
    for (let round = 0; round < numbers.rounds; round += 1) {
      for (const isWithSick of round % 2 === 0 ? [false, true] : [true, false]) {
        const run = await runOnce(parts, isWithSick)
        runs.push(run)
        const rates = run.rates.map((rate) => rate.toFixed(1)).join(' and ')
        say(`${isWithSick ? 'with sick ones' : 'alone'}: ${rates} a second`)
      }
    }
    printReport(
      {
        title: `Two healthy workflows, alone and beside ${SICK_WAYS.length} sick ones`,
        machine: describeMachine(database.version),
        head: ['', 'alone, a second', 'beside sick ones', 'percent of alone'],
        rows: rowsOf(runs),
        notes: heldNotes(runs),
        figures: { ...numbers, runs },
      },
      isJson,
    )
  } finally {
    silent.close()
    await server.close()
    await database.close()
  }
}

await main()
