// How well a plan is used: a proxy API with room for 50 calls and 2 % of failures, drained by a real
// supervisor and a real worker. The API counts by itself: the share of its slots that were busy,
// over time, and the calls that it refused.
//
//   npm run bench:plan -- [--calls 2000] [--plan 50] [--low 10] [--scale 200] [--rounds 3] [--json]
//
// `scale` is real milliseconds for a second of the API, whose calls take 4.4 s on average and up to
// 70 s. Three cases: the node has as many slots as the plan has; it has four times as many and knows
// the plan from the account alone; the plan drops to `low` after 30 % of the calls and rises again
// after 50 %.

import type { BenchDatabase } from './support/bench-database.js'
import { emptyBenchDatabase, enqueueUrls, startBenchDatabase } from './support/bench-database.js'
import { benchSettings, forkBenchNode } from './support/fork-bench-node.js'
import { forkProxyServer, madeUpUrls, type ProxyServer } from './support/fork-proxy-server.js'
import { describeMachine, formatSpread, spreadOf } from './support/measure.js'
import type { RefereeLook } from './support/proxy-server.js'
import { printReport, readNumbers, say } from './support/report.js'
import { LIGHT_PAGES } from './support/workflow-path.js'

const CASES = ['known', 'wide', 'moving'] as const
type Case = (typeof CASES)[number]

const WORDS: Readonly<Record<Case, string>> = {
  known: 'as many slots as the plan',
  wide: 'four times as many slots',
  moving: 'the plan drops and rises',
}
const FAILED_PER_MILLE = 20
const AIMS = 'Aims: 95 % busy after warm-up; 1 % of the calls refused; no stall.'

interface Request {
  readonly calls: number
  readonly plan: number
  readonly low: number
  readonly scale: number
}

interface Run {
  readonly name: Case
  readonly busyShare: number
  readonly refusedShare: number
  readonly refused: number
  readonly calls: number
  /** Longest time with less than half of the plan in use, in milliseconds. */
  readonly slackMsMax: number
  readonly failed: number
}

/** Waits until so many calls have ended at the API. */
async function untilEnded(api: ProxyServer, ended: number): Promise<RefereeLook> {
  for (;;) {
    const look = await api.look()
    if (look.counts.ended >= ended) return look
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

/** From the first calls' end on until what is left no longer fills the plan. */
async function watch(api: ProxyServer, name: Case, request: Request): Promise<Run> {
  const { calls, plan, low } = request
  const first = await untilEnded(api, calls / 10)
  await api.mark()
  if (name === 'moving') {
    await untilEnded(api, calls * 0.3)
    await api.setLimit(low)
    await untilEnded(api, calls * 0.5)
    await api.setLimit(plan)
  }
  const { counts: last, slackMsMax } = await untilEnded(api, calls * 0.92)
  const busyMs = last.busySlotMs - first.counts.busySlotMs
  const offeredMs = last.offeredSlotMs - first.counts.offeredSlotMs
  const { calls: made, refused } = last
  return {
    name,
    busyShare: busyMs / offeredMs,
    refusedShare: refused.limit / made,
    refused: refused.limit,
    calls: made,
    slackMsMax,
    failed: last.failed,
  }
}

async function runOnce(name: Case, request: Request, database: BenchDatabase): Promise<Run> {
  const { calls, plan, scale } = request
  const api = await forkProxyServer({
    limit: plan,
    timeScale: scale / 1_000,
    faults: { failPerMille: FAILED_PER_MILLE },
  })
  await emptyBenchDatabase(database.sql, LIGHT_PAGES)
  const slots = name === 'wide' ? plan * 4 : plan
  const settings = benchSettings({
    ...api.settings,
    databaseUrl: database.url,
    concurrency: slots,
    sockets: slots,
    socketsPerHost: slots,
    backoffMs: scale,
  })
  const node = await forkBenchNode({ settings, workflow: LIGHT_PAGES })
  try {
    if (node.workers.size === 0) await node.nextWorker()
    const finished = node.finished(calls)
    await enqueueUrls(database.sql, LIGHT_PAGES, madeUpUrls(calls))
    const run = await watch(api, name, request)
    await finished
    const { refused, calls: made } = (await api.look()).counts
    return { ...run, refused: refused.limit, refusedShare: refused.limit / made, calls: made }
  } finally {
    await node.stop()
    await api.close()
  }
}

function rowOf(name: Case, runs: readonly Run[]): readonly string[] {
  const own = runs.filter((run) => run.name === name)
  const percents = (figure: (run: Run) => number) =>
    formatSpread(spreadOf(own.map((run) => figure(run) * 100)), 2)
  return [
    WORDS[name],
    percents((run) => run.busyShare),
    percents((run) => run.refusedShare),
    formatSpread(spreadOf(own.map((run) => run.slackMsMax)), 0),
    String(own.reduce((sum, run) => sum + run.failed, 0)),
  ]
}

async function main(): Promise<void> {
  const defaults = { calls: 2_000, plan: 50, low: 10, scale: 200, rounds: 3 }
  const { numbers, isJson } = readNumbers(defaults)
  const database = await startBenchDatabase()
  try {
    const runs: Run[] = []
    for (let round = 1; round <= numbers.rounds; round += 1) {
      for (const name of CASES) {
        const run = await runOnce(name, numbers, database)
        runs.push(run)
        const busy = (run.busyShare * 100).toFixed(2)
        say(`round ${round}: ${WORDS[name]}: ${busy} % busy, ${run.refused} refused`)
      }
    }
    const head = ['case', 'busy, %', 'refused, %', 'longest below half, ms', 'failed (500)']
    printReport(
      {
        title: `${numbers.calls} calls against a plan of ${numbers.plan}, 2 % of failures`,
        machine: describeMachine(database.version),
        head,
        rows: CASES.map((name) => rowOf(name, runs)),
        notes: [
          'Counted by the API itself: slots busy over slots offered, by time; from 10 % of the calls',
          'to 92 %, when the queue no longer fills the plan. Refusals are those of the whole run.',
          `Median (lowest to highest) of ${numbers.rounds} rounds. ${AIMS}`,
        ],
        figures: { ...numbers, runs },
      },
      isJson,
    )
  } finally {
    await database.close()
  }
}

await main()
