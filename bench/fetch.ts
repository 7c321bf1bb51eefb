// What durability costs: settled pages a second, and CPU seconds for 1,000 pages, of the whole
// cluster (supervisor, workers, Postgres) beside a bare loop around undici that forgets everything,
// and beside other crawlers.
//
//   npm run bench:fetch -- [--rounds 3] [--pages 3000] [--concurrency 50] [--processes 2]
//     [--latency 0] [--directory PAGES] [--peers] [--kill] [--only WORDS]
//     [--charts] [--json]
//
// All do the same pages from the same page server with the same extraction, each from a fresh
// process that has warmed up on a tenth of the pages before. They take turns within each round, so
// that whatever else the machine does falls on all. The page server's CPU is nobody's.
//
// `--peers` adds Crawlee, installed by a lockfile of its own on the first use, and the Scrapy of the
// machine, where there is one; then all find e-mail addresses and telephone numbers by the same two
// patterns. `--kill` kills each that keeps something half-way, starts it again by the same command,
// and counts what is missing and what is done twice. `--only Scrapy` runs those whose name has the
// word, and the bare loop. `--charts` redraws the picture in docs/images.

import { LIMITS } from '../src/core/limits.js'
import { startBenchDatabase } from './support/bench-database.js'
import { barChart, writeChart } from './support/chart.js'
import { type KillResult, killCluster, killPeer } from './support/fetch-kill.js'
import { findPeers, runPeer } from './support/fetch-peers.js'
import { type Plan, type Run, runBare, runCluster, type Shares } from './support/fetch-runs.js'
import type { PageServerOptions } from './support/fork-page-server.js'
import { forkPageServer } from './support/fork-page-server.js'
import { describeMachine, formatSpread, spreadOf } from './support/measure.js'
import type { Peer } from './support/peer-process.js'
import { printReport, readNumbers, say } from './support/report.js'

const BARE = 'bare undici loop'
const MEGABYTE = 1_048_576
const AIM = 0.8

interface Contender {
  readonly name: string
  readonly run: (plan: Plan) => Promise<Run>
}

function contendersOf(processes: number, peers: readonly Peer[]): readonly Contender[] {
  const several = {
    name: `Fetchyard, ${processes} workers`,
    run: (plan: Plan) => runCluster(plan, processes),
  }
  return [
    { name: BARE, run: runBare },
    { name: 'Fetchyard, 1 worker', run: (plan) => runCluster(plan, 1) },
    ...(processes > 1 ? [several] : []),
    ...peers.map((peer) => ({ name: peer.name, run: (plan: Plan) => runPeer(peer, plan) })),
  ]
}

async function measure(
  contenders: readonly Contender[],
  rounds: number,
  plan: Plan,
): Promise<ReadonlyMap<string, readonly Run[]>> {
  const runs = new Map<string, Run[]>(contenders.map(({ name }) => [name, []]))
  for (let round = 1; round <= rounds; round += 1) {
    for (const { name, run } of contenders) {
      const result = await run(plan)
      runs.get(name)?.push(result)
      say(`round ${round} of ${rounds}: ${name}: ${wordsOf(result)}`)
    }
  }
  return runs
}

function wordsOf(run: Run): string {
  const words = `${run.pagesPerSecond.toFixed(0)} pages/s, ${run.connections} connections, `
  const cpu = `${run.cpuSecondsPer1000.toFixed(2)} s CPU per 1,000 pages`
  return run.shares === null ? words + cpu : `${words}${cpu} (${shareWords(run.shares)})`
}

function shareWords({ supervisor, workers, postgres }: Shares): string {
  const [s, w, p] = [supervisor, workers, postgres].map((seconds) => seconds.toFixed(2))
  return `supervisor ${s}, workers ${w}, Postgres ${p}`
}

/** Bare over another in CPU time a page, round by round: 1 would be durability for nothing. */
function ratiosOf(bare: readonly Run[], runs: readonly Run[]): readonly number[] {
  return runs.map(({ cpuSecondsPer1000 }, round) => {
    return (bare[round]?.cpuSecondsPer1000 ?? Number.NaN) / cpuSecondsPer1000
  })
}

function rowOf(name: string, runs: readonly Run[], bare: readonly Run[]): readonly string[] {
  return [
    name,
    formatSpread(spreadOf(runs.map((run) => run.pagesPerSecond)), 0),
    formatSpread(spreadOf(runs.map((run) => run.cpuSecondsPer1000)), 2),
    formatSpread(spreadOf(ratiosOf(bare, runs)), 2),
    sharesOf(runs),
    peaksOf(runs),
    String(runs.reduce((sum, run) => sum + run.failed, 0)),
  ]
}

/** Medians of the shares over the rounds. */
function sharesOf(runs: readonly Run[]): string {
  const shares = runs.flatMap((run) => run.shares ?? [])
  if (shares.length === 0) return ''
  const median = (of: keyof Shares): string =>
    spreadOf(shares.map((each) => each[of])).median.toFixed(2)
  return `${median('supervisor')} + ${median('workers')} + ${median('postgres')}`
}

function peaksOf(runs: readonly Run[]): string {
  const megabytes = (bytes: readonly number[]) => (spreadOf(bytes).median / MEGABYTE).toFixed(0)
  const supervisors = runs.flatMap((run) => run.supervisorPeakBytes ?? [])
  const client = megabytes(runs.map((run) => run.peakBytes))
  return supervisors.length === 0 ? client : `${client}, supervisor ${megabytes(supervisors)}`
}

type Options = Readonly<Record<keyof typeof DEFAULTS, number>>
const DEFAULTS = { rounds: 3, pages: 3_000, concurrency: 50, processes: 2, latency: 0 }

interface Request {
  readonly numbers: Options
  readonly site: PageServerOptions & { readonly directory: string | null }
  /** What the names of those that are run contain. */
  readonly only: string
  readonly hasPeers: boolean
  readonly isDrawn: boolean
  readonly isJson: boolean
}

function versionsOf(peers: readonly Peer[]): readonly string[] {
  const versions = [...new Set(peers.map(({ version }) => version))]
  return versions.length === 0 ? [] : [`${versions.join(', ')}.`]
}

function drawCpu(runs: ReadonlyMap<string, readonly Run[]>, concurrency: number): void {
  const bars = [...runs].map(([name, own]) => {
    const { median, min, max } = spreadOf(own.map((run) => run.cpuSecondsPer1000))
    const isOurs = name.startsWith('Fetchyard')
    return { name, value: median, spread: [min, max] as const, isOurs }
  })
  const title = `CPU seconds for 1,000 pages, ${concurrency} at once, Postgres included`
  const x = { label: 'CPU seconds of the whole system for 1,000 pages' }
  say(`wrote ${writeChart('fetch-cpu', barChart({ title, x, bars }))}`)
}

async function compare(request: Request): Promise<void> {
  const { numbers, site, only, hasPeers, isDrawn, isJson } = request
  const { rounds, pages, concurrency, processes } = numbers
  const peers = hasPeers ? await findPeers() : []
  const server = await forkPageServer(site)
  const database = await startBenchDatabase()
  try {
    const extraction = hasPeers ? 'light' : 'contacts'
    const plan: Plan = { pages, concurrency, extraction, database, server }
    const contenders = contendersOf(processes, peers).filter(
      ({ name }) => name === BARE || name.includes(only),
    )
    const runs = await measure(contenders, rounds, plan)
    const source = site.directory === null ? 'generated pages' : 'pages of a directory'
    printReport(
      {
        title:
          `Fetching and extracting: ${pages} ${source}, ${server.meanBytes} bytes each, ` +
          `${concurrency} at once, answers after ${numbers.latency} ms`,
        machine: describeMachine(database.version),
        head: [
          ...['', 'pages/s', 'CPU s / 1,000 pages', 'pages per CPU s, of the bare loop'],
          ...['supervisor + workers + Postgres', 'peak MB of the client', 'failed'],
        ],
        rows: [...runs].map(([name, own]) => rowOf(name, own, runs.get(BARE) ?? [])),
        notes: [
          `Median (lowest to highest) of ${rounds} rounds.`,
          `Aim: ${AIM} of the bare loop's pages per CPU second.`,
          ...versionsOf(peers),
        ],
        figures: { ...numbers, meanBytes: server.meanBytes, runs: Object.fromEntries(runs) },
      },
      isJson,
    )
    if (isDrawn) drawCpu(runs, concurrency)
  } finally {
    await server.close()
    await database.close()
  }
}

async function killAll(request: Request): Promise<void> {
  const { numbers, site, only, hasPeers, isJson } = request
  const { rounds, pages, concurrency, processes } = numbers
  const peers = hasPeers ? (await findPeers()).filter(({ isKept }) => isKept) : []
  const database = await startBenchDatabase()
  try {
    const plan = { pages, concurrency, database, site }
    const victims = [
      { name: `Fetchyard, ${processes} workers`, run: () => killCluster(plan, processes) },
      ...peers.map((peer) => ({ name: peer.name, run: () => killPeer(peer, plan) })),
    ].filter(({ name }) => name.includes(only))
    const results: (KillResult & { readonly name: string })[] = []
    for (let round = 1; round <= rounds; round += 1) {
      for (const { name, run } of victims) {
        const result = { name, ...(await run()) }
        results.push(result)
        say(`round ${round} of ${rounds}: ${killRow(result).join(', ')}`)
      }
    }
    printReport(
      {
        title: `Killed half-way and started again: ${pages} pages, ${concurrency} at once`,
        machine: describeMachine(database.version),
        head: [
          ...['', 'asked for at the kill', 'results missing', 'results doubled'],
          ...['pages asked for twice', 'of which answered before', 's of the second start', 'end'],
        ],
        rows: results.map(killRow),
        notes: [
          'A row a kill. The bare loop and what keeps nothing on disk would begin anew.',
          ...versionsOf(peers),
        ],
        figures: { ...numbers, results },
      },
      isJson,
    )
  } finally {
    await database.close()
  }
}

function killRow(result: KillResult & { readonly name: string }): readonly string[] {
  const { askedAtKill, missing, doubled, askedTwice, answeredTwice } = result
  const counts = [askedAtKill, missing, doubled, askedTwice, answeredTwice].map(String)
  return [result.name, ...counts, result.seconds.toFixed(1), result.end]
}

async function main(): Promise<void> {
  const { numbers, text, has, isJson } = readNumbers(
    DEFAULTS,
    ['directory', 'only'],
    ['peers', 'kill', 'charts'],
  )
  // A worker opens no more sockets to one host than its limit.
  const hosts = Math.ceil(numbers.concurrency / LIMITS.socketsPerHostMax)
  const site = { directory: text('directory'), hosts, latencyMs: numbers.latency }
  const request: Request = {
    numbers,
    site,
    only: text('only') ?? '',
    hasPeers: has('peers'),
    isDrawn: has('charts'),
    isJson,
  }
  if (has('kill')) await killAll(request)
  else await compare(request)
}

await main()
