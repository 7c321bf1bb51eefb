// The ledger of a storm: what was done, what came of it, what is wrong. For programs as JSON, for
// people as lines, for a report as Markdown.

import type { Figures, Problem } from './check.js'
import { FAULT_KINDS, FAULT_NAMES } from './faults.js'
import type { FaultRecord } from './storm.js'

export interface Ledger {
  readonly seed: number
  /** The command that makes the same choices again. */
  readonly replay: string
  readonly versions: {
    readonly fetchyard: string
    readonly node: string
    readonly postgres: string
  }
  readonly database: string
  readonly workflow: string
  readonly nodes: number
  /** Slots of one supervisor. */
  readonly slots: number
  readonly leaseMs: number
  readonly durationMs: number
  /** What held throughout, such as a clock that is wrong. */
  readonly conditions: readonly string[]
  /** Faults that could not be had here, each with the reason. */
  readonly leftOut: readonly string[]
  readonly faults: { readonly [kind: string]: number }
  /** Each fault with its instant and whom it met, in the order they were over. */
  readonly log: readonly FaultRecord[]
  /** Processes that were ended by SIGKILL. */
  readonly kills: number
  readonly missed: readonly string[]
  /** Pauses by which the program protected itself and that were lifted, by reason. */
  readonly resumed: { readonly [reason: string]: number }
  readonly figures: Figures
  /** Longest time in which no attempt of any item ended. */
  readonly standstillMs: number
  readonly drainBoundMs: number
  readonly problems: readonly Problem[]
  readonly isClean: boolean
}

const seconds = (ms: number) => `${(ms / 1_000).toFixed(1)} s`
const listed = (counts: { readonly [name: string]: number }) =>
  Object.entries(counts)
    .map(([name, count]) => `${name} ${count}`)
    .join(', ')

/** Rows of the ledger as pairs of a name and its words. */
function ledgerRows(ledger: Ledger): readonly (readonly [string, string])[] {
  const { figures, versions } = ledger
  const total = Object.values(ledger.faults).reduce((sum, count) => sum + count, 0)
  return [
    ['seed', String(ledger.seed)],
    [
      'versions',
      `Fetchyard ${versions.fetchyard}, Node ${versions.node}, Postgres ${versions.postgres}`,
    ],
    ['database', ledger.database],
    ['workflow', `${ledger.workflow}, ${ledger.nodes} supervisors of ${ledger.slots} slots`],
    ['storm', `${seconds(ledger.durationMs)}, lease ${seconds(ledger.leaseMs)}`],
    ...ledger.conditions.map((words) => ['throughout', words] as const),
    ['faults', `${total}: ${listed(ledger.faults)}`],
    ['killed with -9', String(ledger.kills)],
    ...ledger.leftOut.map((words) => ['left out', words] as const),
    ...(ledger.missed.length === 0 ? [] : [['missed', `${ledger.missed.length} faults`] as const]),
    ...(Object.keys(ledger.resumed).length === 0
      ? []
      : [['pauses lifted', listed(ledger.resumed)] as const]),
    ['items', `${figures.items} = complete ${figures.complete} + failed ${figures.failed}`],
    ...(figures.failed === 0 ? [] : [['failed by', listed(figures.failedBy)] as const]),
    ...fetchRows(ledger),
    ['lost', String(figures.lost)],
    ['applied twice', String(figures.appliedTwice)],
    ['longest standstill', seconds(ledger.standstillMs)],
    ['drained', drainedWords(ledger)],
  ]
}

function fetchRows({ figures }: Ledger): readonly (readonly [string, string])[] {
  const { fetches, fetchedAgain, fetchedAgainByDeath, fetchedAgainMax } = figures
  if (fetches === null) {
    return [['leases lost', `${figures.reclaims}; that many pages may have been fetched again`]]
  }
  return [
    ['fetches', String(fetches)],
    [
      'fetched again',
      `${fetchedAgain}: ${fetchedAgainByDeath} after a death (at most ${fetchedAgainMax}), the rest ` +
        'after an attempt that failed',
    ],
  ]
}

function drainedWords({ figures, drainBoundMs }: Ledger): string {
  if (figures.drainedMs === null) return 'never'
  return `${seconds(figures.drainedMs)} after the last fault, of ${seconds(drainBoundMs)} allowed`
}

function problemLines(problems: readonly Problem[]): readonly string[] {
  return problems.flatMap(({ promise, violations, examples }) => [
    `BROKEN  ${promise}: ${violations}`,
    ...examples.map((example) => `          ${example}`),
  ])
}

const RESULT = {
  clean: 'Every promise was kept.',
  broken: 'Promises were broken:',
} as const

/** The ledger as lines for a person. */
export function ledgerLines(ledger: Ledger): readonly string[] {
  const rows = ledgerRows(ledger)
  const width = Math.max(...rows.map(([name]) => name.length))
  return [
    ...rows.map(([name, words]) => `  ${name.padEnd(width)}  ${words}`),
    ledger.isClean ? RESULT.clean : RESULT.broken,
    ...problemLines(ledger.problems),
    `The same choices again: ${ledger.replay}`,
  ]
}

/** The ledger as a page. */
export function ledgerMarkdown(ledger: Ledger): string {
  const kinds = FAULT_NAMES.filter((name) => ledger.faults[name] !== undefined)
  const lines = [
    '# Crash report',
    '',
    `Written by \`${ledger.replay}\`. The seed replays the choices (which fault, at whom, after what`,
    'pause); the instants differ from run to run, because the processes are real. What the rows mean',
    'is in [torture.md](torture.md).',
    '',
    '| | |',
    '| --- | --- |',
    ...ledgerRows(ledger)
      .filter(([name]) => name !== 'faults')
      .map(([name, words]) => `| ${name} | ${words} |`),
    '| left behind | no lease, process, idle transaction or temporary file |',
    '',
    '| Fault | Times | What it is |',
    '| --- | --- | --- |',
    ...kinds.map((name) => `| ${name} | ${ledger.faults[name]} | ${FAULT_KINDS[name].sentence} |`),
    '',
    ledger.isClean ? RESULT.clean : [RESULT.broken, ...problemLines(ledger.problems)].join('\n'),
    '',
  ]
  const isLeft = ledger.problems.some(({ promise }) => / is left/.test(promise))
  return lines.filter((line) => !(isLeft && line.startsWith('| left behind'))).join('\n')
}
