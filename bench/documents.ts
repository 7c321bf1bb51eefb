// Documents through browser contexts: five contexts beside one, fixed turns beside dynamic ones,
// pages with and without what can be blocked, and a long run under kills with its memory.
//
//   npm run bench:documents -- [--documents 300] [--pairs 30] [--contexts 5] [--latency 1500]
//     [--night-latency 50] [--rounds 3] [--only night|compare] [--json]
//
// `--documents 2000` is the night that this is for; `--pairs` is the size of each comparison;
// `--latency` is what the site takes for each answer, in milliseconds, and `--night-latency` what it
// takes by night.

import { loadavg } from 'node:os'
import type { Settings } from '../config/settings.js'
import { CALM, type SitePlan } from '../test/support/document-site/plan.js'
import { type BenchDatabase, startBenchDatabase } from './support/bench-database.js'
import { type Night, nightNotes, spendNight } from './support/documents-night.js'
import {
  countRight,
  countServedAgain,
  ratePerMinute,
  startRound,
  untilFinished,
} from './support/documents-site.js'
import { describeMachine, formatSpread, spreadOf } from './support/measure.js'
import { printReport, readNumbers, say } from './support/report.js'

const FURNITURE = /^.furniture/
const BLOCKED = ['stylesheet', 'image', 'font', 'media'] as const

interface Compared {
  readonly way: string
  readonly documents: number
  readonly perMinute: number
  readonly right: number
  /** Documents that the site handed over more than once. */
  readonly twice: number
  readonly furniture: number
  readonly load: number
}

type Plan = Partial<SitePlan> & { readonly documents: number }

interface Way {
  readonly way: string
  readonly plan: Plan
  readonly changes: Partial<Settings>
}

async function compare(database: BenchDatabase, { way, plan, changes }: Way): Promise<Compared> {
  const round = await startRound(database, plan, changes)
  try {
    await untilFinished(database.sql, plan.documents)
    const { documents } = plan
    const compared = {
      way,
      documents,
      perMinute: await ratePerMinute(database.sql, changes.contexts ?? 1),
      right: await countRight(round.directory, documents, CALM.bytes),
      twice: countServedAgain(round.site),
      furniture: round.site.requestsOf(FURNITURE),
      load: loadavg()[0] ?? 0,
    }
    say(`${way}: ${compared.perMinute.toFixed(1)} a minute, load ${compared.load.toFixed(1)}`)
    return compared
  } finally {
    await round.close()
  }
}

function waysOf(plan: Plan, contexts: number): readonly Way[] {
  const furnished = { ...plan, hasFurniture: true }
  const fixed = { contexts, assign: 'round-robin' as const }
  const many = `${contexts} contexts`
  return [
    { way: '1 context', plan, changes: { contexts: 1 } },
    { way: many, plan, changes: { contexts } },
    { way: `${many}, fixed turns`, plan, changes: fixed },
    { way: `${many}, whole pages`, plan: furnished, changes: { contexts } },
    { way: `${many}, blocked`, plan: furnished, changes: { contexts, blockTypes: [...BLOCKED] } },
  ]
}

type Rounds = readonly (readonly Compared[])[]

/** How many times as fast one way is as another, round by round. */
function ratioOf(rounds: Rounds, [one, other]: readonly [number, number]): string {
  const ratios = rounds.map((round) => {
    return (round[one]?.perMinute ?? Number.NaN) / (round[other]?.perMinute ?? Number.NaN)
  })
  return formatSpread(spreadOf(ratios), 2)
}

function rowsOf(rounds: Rounds): readonly (readonly string[])[] {
  const [first = []] = rounds
  return first.map(({ way, documents }, index) => {
    const own = rounds.flatMap((round) => round[index] ?? [])
    const least = (pick: (row: Compared) => number) => String(Math.min(...own.map(pick)))
    const most = (pick: (row: Compared) => number) => String(Math.max(...own.map(pick)))
    return [
      way,
      String(documents),
      formatSpread(spreadOf(own.map(({ perMinute }) => perMinute))),
      least(({ right }) => right),
      most(({ twice }) => twice),
      most(({ furniture }) => furniture),
      formatSpread(spreadOf(own.map(({ load }) => load))),
    ]
  })
}

function ratioNotes(rounds: Rounds, contexts: number): readonly string[] {
  if (rounds.length === 0) return []
  return [
    `${contexts} contexts over one: ${ratioOf(rounds, [1, 0])} times (aim with 5: 4.5).`,
    `Fixed turns over dynamic ones: ${ratioOf(rounds, [2, 1])} times.`,
    `Blocked over whole pages: ${ratioOf(rounds, [4, 3])} times.`,
  ]
}

async function main(): Promise<void> {
  const { numbers, text, isJson } = readNumbers(
    {
      ...{ documents: 300, pairs: 30, contexts: 5, latency: 1_500 },
      ...{ 'night-latency': 50, rounds: 3 },
    },
    ['only'],
  )
  const { documents, pairs, contexts, latency: latencyMs } = numbers
  if (pairs < 4 * contexts) throw new Error('Expected --pairs to be at least 4 times --contexts.')
  const only = text('only')
  const database = await startBenchDatabase()
  try {
    const rounds: Compared[][] = []
    while (only !== 'night' && rounds.length < numbers.rounds) {
      const round: Compared[] = []
      for (const way of waysOf({ documents: pairs, latencyMs }, contexts)) {
        round.push(await compare(database, way))
      }
      rounds.push(round)
    }
    const nightPlan = { documents, latencyMs: numbers['night-latency'] }
    const terms = { contexts, stepTimeoutMs: 5_000 }
    const night: Night | null =
      only === 'compare' ? null : await spendNight(database, nightPlan, terms)
    printReport(
      {
        title: `Documents through browser contexts, ${latencyMs} ms an answer`,
        machine: describeMachine(database.version),
        head: ['Way', 'Documents', 'A minute', 'Right', 'Again', 'Furniture', 'Load'],
        rows: rowsOf(rounds),
        notes: [...ratioNotes(rounds, contexts), ...(night === null ? [] : nightNotes(night))],
        figures: { rounds, night },
      },
      isJson,
    )
  } finally {
    await database.close()
  }
}

await main()
