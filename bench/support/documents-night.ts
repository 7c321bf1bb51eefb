// A night of documents: faults on the site, the worker killed three times and the browser five
// times, and what is there in the morning.

import { readdir } from 'node:fs/promises'
import { loadavg } from 'node:os'
import type { Settings } from '../../config/settings.js'
import { audit } from '../../src/store/audit.js'
import { CALM, everyThird, referenceAt } from '../../test/support/document-site/plan.js'
import { browserOf } from '../../test/support/document-site/processes.js'
import type { BenchDatabase } from './bench-database.js'
import {
  countRight,
  countServedAgain,
  type DocumentsRound,
  ratePerMinute,
  startRound,
  untilFinished,
} from './documents-site.js'
import { say } from './report.js'

type Kind = 'worker' | 'browser'
const KILLS: readonly Kind[] = [
  ...(['worker', 'browser', 'worker', 'browser', 'browser', 'worker'] as const),
  ...(['browser', 'browser'] as const),
]

/** What a quarter of the documents were saved with: middle and largest value, in megabytes. */
export interface Quarter {
  readonly browserMb: number | null
  readonly browserMbMax: number | null
  readonly workerMb: number
  readonly workerMbMax: number
}

export interface Night {
  readonly documents: number
  /** Files on disk that are, byte for byte, what the site has. */
  readonly right: number
  /** Names in the directory beside those of its documents, temporary ones included. */
  readonly strange: readonly string[]
  /** Rows of the table of files, and what the audit says of the queue. */
  readonly rows: number
  readonly isClean: boolean
  /** Documents that the site handed over more than once. */
  readonly twice: number
  readonly perMinute: number
  readonly kills: { readonly [kind in Kind]: number }
  readonly quarters: readonly Quarter[]
  readonly load: readonly number[]
}

/** Kills one that was not killed before. @returns its pid, or null while there is none. */
async function killOne(
  round: DocumentsRound,
  kind: Kind,
  killed: ReadonlySet<number>,
): Promise<number | null> {
  const worker = [...round.node.workers].filter((pid) => !killed.has(pid)).at(-1)
  if (worker === undefined) return null
  const pid = kind === 'worker' ? worker : await browserOf(worker)
  if (pid === null || killed.has(pid)) return null
  try {
    process.kill(pid, 'SIGKILL')
    return pid
  } catch {
    return null
  }
}

export async function spendNight(
  database: BenchDatabase,
  plan: { readonly documents: number; readonly latencyMs: number },
  changes: Partial<Settings>,
): Promise<Night> {
  const { documents } = plan
  const round = await startRound(database, { ...plan, faultOf: everyThird }, changes)
  const kills = { worker: 0, browser: 0 }
  const killed = new Set<number>()
  try {
    // All in the first quarter: memory is compared between the second and the last.
    const step = documents / 4 / KILLS.length
    for (const [index, kind] of KILLS.entries()) {
      await untilFinished(database.sql, Math.ceil(step * (index + 1)))
      let pid = await killOne(round, kind, killed)
      while (pid === null) {
        await new Promise((done) => setTimeout(done, 100))
        pid = await killOne(round, kind, killed)
      }
      killed.add(pid)
      kills[kind] += 1
    }
    say(`killed ${kills.worker} workers and ${kills.browser} browsers`)
    for (const share of [0.25, 0.5, 0.75, 1]) {
      await untilFinished(database.sql, Math.floor(documents * share))
      say(`${Math.floor(documents * share)} documents finished`)
    }
    return {
      ...{ documents, kills, load: loadavg() },
      ...(await countThere(round, documents)),
      rows: await countRows(database),
      isClean: (await audit(database.sql)).isClean,
      twice: countServedAgain(round.site),
      perMinute: await ratePerMinute(database.sql, changes.contexts ?? 1),
      quarters: await readQuarters(database),
    }
  } finally {
    await round.close()
  }
}

async function countThere(
  { directory }: DocumentsRound,
  documents: number,
): Promise<Pick<Night, 'right' | 'strange'>> {
  const expected = new Set(
    Array.from({ length: documents }, (_, index) => `${referenceAt(index)}.pdf`),
  )
  const names = await readdir(directory)
  return {
    right: await countRight(directory, documents, CALM.bytes),
    strange: names.filter((name) => name !== '.fetchyard' && !expected.has(name)),
  }
}

async function countRows({ sql }: BenchDatabase): Promise<number> {
  const [row] = await sql<{ n: number }[]>`select count(*)::int as n from public.document_files`
  return row?.n ?? 0
}

function readQuarters({ sql }: BenchDatabase): Promise<readonly Quarter[]> {
  return sql<Quarter[]>`
    with own as (
      select browser_mb, worker_mb, ntile(4) over (order by saved_at) as quarter
        from public.document_files
    )
    select percentile_disc(0.5) within group (order by browser_mb) as "browserMb",
           max(browser_mb) as "browserMbMax",
           percentile_disc(0.5) within group (order by worker_mb) as "workerMb",
           max(worker_mb) as "workerMbMax"
      from own group by quarter order by quarter`.then((rows) => [...rows])
}

export function nightNotes(night: Night): readonly string[] {
  const [, second, , last] = night.quarters
  const { worker, browser } = night.kills
  const load = night.load.map((value) => value.toFixed(1)).join(', ')
  return [
    `${night.documents} documents under faults, worker killed ${worker} times and browser ` +
      `${browser} times: ${night.right} right on disk, ${night.strange.length} other names, ` +
      `${night.rows} rows, audit ${night.isClean ? 'clean' : 'NOT CLEAN'}, ${night.twice} handed ` +
      `over again, ${night.perMinute.toFixed(1)} a minute, load ${load}.`,
    `Memory by quarters, in MB, middle (most): browser ${night.quarters
      .map(({ browserMb, browserMbMax }) => `${browserMb ?? '?'} (${browserMbMax ?? '?'})`)
      .join(', ')}; worker ${night.quarters
      .map(({ workerMb, workerMbMax }) => `${workerMb} (${workerMbMax})`)
      .join(', ')}.`,
    `From the second quarter to the last: browser ${growthOf(
      second?.browserMb,
      last?.browserMb,
    )}, worker ${growthOf(second?.workerMb, last?.workerMb)} (aim: within 10 %).`,
  ]
}

function growthOf(from: number | null | undefined, to: number | null | undefined): string {
  if (from == null || to == null) return 'unknown'
  const growth = (to / from - 1) * 100
  return `${growth < 0 ? '' : '+'}${growth.toFixed(1)} %`
}
