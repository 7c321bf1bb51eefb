import { resolve } from 'node:path'
import { suggestion } from '../../../config/suggest.js'
import { FetchyardError } from '../../../src/core/errors.js'
import type { RunDetails } from '../../../src/core/run-details.js'
import { audit } from '../../../src/store/audit.js'
import type { Sql } from '../../../src/store/client.js'
import { findRuns, type NamedRun, readRunDetails } from '../../../src/store/run-details.js'
import { printable } from '../../../src/telemetry/redact.js'
import { type Command, type Invocation, isGiven, textGiven } from '../command.js'
import { detailLines, slotWords } from '../detail-lines.js'
import { readSpentOfRun } from '../make-report.js'
import { writeOutput } from '../output.js'
import { showCount, showSeconds } from '../progress.js'
import { type PageFigures, reportPage } from '../report-page.js'
import { databaseRequest, withDatabase } from '../session.js'
import { print, printJson, say } from '../streams.js'
import { tableLines } from '../table.js'

export const reportCommand: Command = {
  syntax: 'report [run]',
  summary: 'Show what became of a run: rates, durations, hosts, credits, and what to do next',
  examples: [
    ['fetchyard report', 'the newest run'],
    ['fetchyard report contacts-0a1b2c --html report.html', 'one by its name, as a page to keep'],
    ['fetchyard report --json', 'for programs'],
  ],
  groups: ['database'],
  flags: {
    workflow: { type: 'text', sentence: 'Workflow of the run, where two have runs of one name' },
    html: { type: 'text', sentence: 'File for the report as one HTML page' },
    json: { type: 'switch', sentence: 'Print the report as JSON' },
  },
  run: runReport,
}

/** Names that an error lists. */
const LISTED_MAX = 20

async function runReport(invocation: Invocation): Promise<number> {
  const { streams, cwd, clock } = invocation
  const request = databaseRequest(invocation, { purpose: 'report', exclusive: false })
  const madeAt = new Date(clock.wallMs()).toISOString()
  const page = await withDatabase(request, async ({ sql }) => {
    const { runId } = await chosenRun(sql, invocation)
    const details = await readRunDetails(sql, runId)
    if (details === null) throw new FetchyardError('USAGE', 'The run is gone.')
    const { lost, appliedTwice } = await audit(sql)
    return { details, spent: await readSpentOfRun(sql, runId), lost, appliedTwice, madeAt }
  })
  await writePage(invocation, page)
  if (isGiven(invocation, 'json')) {
    const { details, ...rest } = page
    await printJson(streams, { schema: 1, ...details, ...rest })
    return 0
  }
  for (const line of reportLines(page)) await print(streams, line)
  const file = textGiven(invocation, 'html')
  if (file !== null) say(streams, `Written to ${resolve(cwd, file)}.`)
  return 0
}

/** Writes the page to the file that `--html` names, where it does. */
export async function writePage(invocation: Invocation, page: PageFigures): Promise<void> {
  const file = textGiven(invocation, 'html')
  if (file === null) return
  await writeOutput(resolve(invocation.cwd, file), (open) => open.appendFile(reportPage(page)))
}

async function chosenRun(sql: Sql, invocation: Invocation): Promise<NamedRun> {
  const name = textGiven(invocation, 'run')
  const workflow = textGiven(invocation, 'workflow')
  const found = await findRuns(sql, { name, workflow, max: 2 })
  const [first, second] = found
  if (first === undefined) throw await unknownRun(sql, { name, workflow })
  if (name === null || second === undefined) return first
  const both = found.map((own) => own.workflow).join(' and ')
  throw new FetchyardError(
    'USAGE',
    `Expected one run of the name \`${printable(name)}\`, but ${both} have one: name one of them ` +
      'with --workflow.',
  )
}

async function unknownRun(
  sql: Sql,
  wanted: { readonly name: string | null; readonly workflow: string | null },
): Promise<FetchyardError> {
  const { workflow } = wanted
  const known = await findRuns(sql, { name: null, workflow, max: LISTED_MAX })
  const names = known.map(({ run }) => run)
  const list = names.length === 0 ? 'It knows none yet.' : `The newest are ${names.join(', ')}.`
  const name = wanted.name ?? ''
  const which = name === '' ? 'a run' : `a run \`${printable(name)}\``
  const hint = name === '' ? '' : suggestion(name, names)
  return new FetchyardError(
    'USAGE',
    printable(`The database knows no such thing as ${which}.${hint} ${list}`),
  )
}

function countRows(details: RunDetails): readonly (readonly [string, string])[] {
  const sum = (status: string) =>
    details.outcomes.filter((own) => own.status === status).reduce((all, own) => all + own.items, 0)
  return [
    ['completed', `${showCount(sum('success'))} of ${showCount(details.items)}`],
    ['failed', showCount(sum('error'))],
    ...(sum('cancelled') > 0 ? ([['cancelled', showCount(sum('cancelled'))]] as const) : []),
    ...(details.open > 0 ? ([['still open', showCount(details.open)]] as const) : []),
    ['tried again', `${showCount(details.retried)} attempts`],
    ['fetched again', details.reclaimed === 0 ? '0' : `at most ${showCount(details.reclaimed)}`],
    ['worked', showSeconds(details.workedMs / 1_000)],
    ['slots', slotWords(details)],
  ]
}

function reportLines(page: PageFigures): readonly string[] {
  const { details, spent, lost, appliedTwice } = page
  const { workflow, run, startedAt, withoutReceipt, outcomes } = details
  const rows: (readonly [string, string])[] = [
    ...countRows(details),
    ...(spent.calls > 0
      ? ([['credits', `${showCount(spent.credits)} for ${showCount(spent.calls)} calls`]] as const)
      : []),
    ['lost', showCount(lost)],
    ['applied twice', showCount(appliedTwice)],
    ...(withoutReceipt > 0
      ? ([['counted alone', `${showCount(withoutReceipt)}, whose receipts were removed`]] as const)
      : []),
  ]
  const width = Math.max(...rows.map(([label]) => label.length))
  const codes = outcomes.map(({ status, code, items }) => [status, code, items])
  return [
    printable(`${workflow}, run ${run}, started ${startedAt}.`),
    ...rows.map(([label, words]) => `  ${label.padEnd(width)}  ${words}`),
    '',
    ...(codes.length > 0 ? [...tableLines(['ended as', 'code', 'items'], codes), ''] : []),
    ...detailLines(details),
  ]
}
