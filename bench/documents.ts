// Documents through browser contexts: five contexts beside one, fixed turns beside dynamic ones,
// pages with and without what can be blocked, and a long run under kills with its memory.
//
//   npm run bench:documents -- [--documents 300] [--pairs 40] [--contexts 5] [--latency 1500] [--json]
//
// `--documents 2000` is the night that this is for; `--pairs` is the size of each comparison;
// `--latency` is what the site takes for each answer, in milliseconds.

import type { Settings } from '../config/settings.js'
import { CALM, everyThird, type SitePlan } from '../test/support/document-site/plan.js'
import { browserOf } from '../test/support/document-site/processes.js'
import { type BenchDatabase, startBenchDatabase } from './support/bench-database.js'
import {
  countFinished,
  countRight,
  type DocumentsRound,
  ratePerMinute,
  startRound,
  untilFinished,
} from './support/documents-site.js'
import { describeMachine } from './support/measure.js'
import { printReport, readNumbers, say } from './support/report.js'

const WORKER_KILLS = 3
const BROWSER_KILLS = 5
const FURNITURE = /^.furniture/

interface Compared {
  readonly way: string
  readonly documents: number
  readonly perMinute: number
  readonly right: number
  /** Documents that the site handed over more than once. */
  readonly twice: number
  readonly furniture: number
}

type Plan = Partial<SitePlan> & { readonly documents: number }

async function compare(
  way: string,
  database: BenchDatabase,
  plan: Plan,
  changes: Partial<Settings>,
): Promise<Compared> {
  const round = await startRound(database, plan, changes)
  try {
    await untilFinished(database.sql, plan.documents)
    const { documents } = plan
    const compared = {
      way,
      documents,
      perMinute: await ratePerMinute(database.sql, changes.contexts ?? 1),
      right: await countRight(round.directory, documents, CALM.bytes),
      twice: [...round.site.served.values()].filter((times) => times > 1).length,
      furniture: round.site.requestsOf(FURNITURE),
    }
    say(`${way}: ${compared.perMinute.toFixed(1)} a minute`)
    return compared
  } finally {
    await round.close()
  }
}

interface Night {
  readonly documents: number
  readonly right: number
  readonly twice: number
  readonly perMinute: number
  readonly kills: { readonly workers: number; readonly browsers: number }
  readonly quarters: readonly { readonly browserMb: number | null; readonly workerMb: number }[]
}

async function killOne(round: DocumentsRound, what: 'worker' | 'browser'): Promise<boolean> {
  const [worker] = [...round.node.workers].slice(-1)
  const pid = worker === undefined || what === 'worker' ? worker : await browserOf(worker)
  if (pid === undefined || pid === null) return false
  process.kill(pid, 'SIGKILL')
  return true
}

/** A run with faults, in which the worker is killed three times and the browser five times. */
async function spendNight(
  database: BenchDatabase,
  plan: Plan,
  changes: Partial<Settings>,
): Promise<Night> {
  const round = await startRound(database, plan, changes)
  const { documents } = plan
  const kinds = Array.from({ length: WORKER_KILLS + BROWSER_KILLS }, (_, index) =>
    index % 3 === 2 || index === 0 ? ('worker' as const) : ('browser' as const),
  )
  const kills = { workers: 0, browsers: 0 }
  try {
    // All in the first half: memory is compared between the second quarter and the last.
    const step = documents / 4 / kinds.length
    for (const [index, kind] of kinds.entries()) {
      await untilFinished(database.sql, Math.ceil(step * (index + 1)))
      while (!(await killOne(round, kind))) await new Promise((done) => setTimeout(done, 100))
      kills[`${kind}s`] += 1
    }
    await untilFinished(database.sql, documents)
    say(`${await countFinished(database.sql)} documents finished`)
    return {
      documents,
      right: await countRight(round.directory, documents, CALM.bytes),
      twice: [...round.site.served.values()].filter((times) => times > 1).length,
      perMinute: await ratePerMinute(database.sql, changes.contexts ?? 1),
      kills,
      quarters: await readQuarters(database),
    }
  } finally {
    await round.close()
  }
}

function readQuarters({ sql }: BenchDatabase): Promise<Night['quarters']> {
  return sql<{ browserMb: number | null; workerMb: number }[]>`
    with own as (
      select browser_mb, worker_mb, ntile(4) over (order by saved_at) as quarter
        from public.document_files
    )
    select percentile_disc(0.5) within group (order by browser_mb) as "browserMb",
           percentile_disc(0.5) within group (order by worker_mb) as "workerMb"
      from own group by quarter order by quarter`.then((rows) => [...rows])
}

function nightNotes(night: Night): readonly string[] {
  const [, second, , last] = night.quarters
  const growth = (from: number | null | undefined, to: number | null | undefined) =>
    from == null || to == null ? 'unknown' : `${((to / from - 1) * 100).toFixed(1)} %`
  return [
    `${night.documents} documents under faults, worker killed ${night.kills.workers} times and ` +
      `browser ${night.kills.browsers} times: ${night.right} right on disk, ` +
      `${night.perMinute.toFixed(1)} a minute.`,
    `Memory by quarters, browser and worker in MB: ${night.quarters
      .map(({ browserMb, workerMb }) => `${browserMb ?? '?'} and ${workerMb}`)
      .join(', ')}. From the second to the last: browser ${growth(
      second?.browserMb,
      last?.browserMb,
    )}, worker ${growth(second?.workerMb, last?.workerMb)} (aim: within 10 %).`,
  ]
}

async function main(): Promise<void> {
  const { numbers, isJson } = readNumbers({
    ...{ documents: 300, pairs: 40, contexts: 5, latency: 1_500 },
  })
  const { documents, pairs, contexts, latency: latencyMs } = numbers
  const database = await startBenchDatabase()
  try {
    const plan = { documents: pairs, latencyMs }
    const furnished = { ...plan, hasFurniture: true }
    const blockTypes = ['stylesheet', 'image', 'font', 'media'] as const
    const one = await compare('1 context', database, plan, { contexts: 1 })
    const many = await compare(`${contexts} contexts`, database, plan, { contexts })
    const fixed = { contexts, assign: 'round-robin' as const }
    const rows = [
      one,
      many,
      await compare(`${contexts} contexts, fixed turns`, database, plan, fixed),
      await compare(`${contexts} contexts, whole pages`, database, furnished, { contexts }),
      await compare(`${contexts} contexts, blocked`, database, furnished, { contexts, blockTypes }),
    ]
    const nightPlan = { documents, latencyMs: 50, faultOf: everyThird }
    const night = await spendNight(database, nightPlan, { contexts, stepTimeoutMs: 5_000 })
    const speedUp = many.perMinute / one.perMinute
    printReport(
      {
        title: `Documents through browser contexts, ${latencyMs} ms an answer`,
        machine: describeMachine(database.version),
        head: ['Way', 'Documents', 'A minute', 'Right', 'Handed over twice', 'Furniture asked for'],
        rows: rows.map((row) => [
          row.way,
          String(row.documents),
          row.perMinute.toFixed(1),
          String(row.right),
          String(row.twice),
          String(row.furniture),
        ]),
        notes: [
          `${contexts} contexts over one: ${speedUp.toFixed(2)} times.`,
          ...nightNotes(night),
        ],
        figures: { rows, speedUp, night },
      },
      isJson,
    )
  } finally {
    await database.close()
  }
}

await main()
