import { createHash } from 'node:crypto'
import { FetchyardError } from '../../../src/core/errors.js'
import { exportStatement } from '../../../src/store/export.js'
import { setBudgets } from '../../../src/store/money.js'
import type { Run } from '../../../src/store/runs.js'
import { openRun } from '../../../src/store/runs.js'
import type { WorkflowHandle } from '../../../src/store/store.js'
import type { OpenDatabase } from '../../database.js'
import type { LoadedWorkflow } from '../../node.js'
import { listenForStop, type StopListener } from '../../signals.js'
import { creditsPerCallMinOf, creditsPerCallOf } from '../../workflow-options.js'
import { type Command, type Invocation, isGiven, textGiven } from '../command.js'
import { estimate, estimateLines } from '../estimate.js'
import { finishedExit, workRun } from '../finite-run.js'
import { makeReport } from '../make-report.js'
import { checkOutput, exportToFile } from '../output.js'
import { showCount } from '../progress.js'
import { type RunReport, reportLines } from '../report.js'
import { type RowFormat, rowFormatOf } from '../rows.js'
import { openRunSource, type RunSource } from '../run-source.js'
import { databaseRequest, givenWorkflow, installToWork, withDatabase } from '../session.js'
import { print, printJson, say } from '../streams.js'
import { writePage } from './report.js'

export const runCommand: Command = {
  syntax: 'run <workflow>',
  summary: 'Work a file of URLs or records to its end; run again to continue',
  examples: [
    ['fetchyard run contacts --input pages.csv --output contacts.csv', 'a file to a file'],
    ['cat urls.txt | fetchyard run contacts --input - --json', 'the report as JSON'],
    ['fetchyard run contacts --input pages.csv --again', 'fetch everything once more'],
    ['fetchyard run contacts --input pages.csv --estimate', 'what it would cost'],
    ['fetchyard run contacts --input pages.csv --budget 5000', 'stops before it costs more'],
    ['fetchyard run ./sizes.mjs', 'the file that the workflow itself names as its source'],
  ],
  groups: [
    'database',
    'node',
    'work',
    'fetch',
    'politeness',
    'upstream',
    'alert',
    'webhook',
    'web',
  ],
  flags: {
    input: {
      type: 'text',
      sentence:
        'File with lines of URLs, CSV (column url) or JSONL (field url), also packed by gzip; ' +
        '- reads stdin. Without it: the file that the workflow names as its source',
    },
    output: { type: 'text', sentence: 'File for the results, .csv or .jsonl; written at the end' },
    again: { type: 'switch', sentence: 'Ask again for what is finished' },
    budget: {
      type: 'text',
      sentence:
        'Credits that the run may cost in all, over all nodes and however often it is killed',
    },
    estimate: { type: 'switch', sentence: 'Say what the run would cost, and do nothing else' },
    name: { type: 'text', sentence: 'Name of the run, instead of one made from workflow and file' },
    html: { type: 'text', sentence: 'File for the report as one HTML page' },
    json: { type: 'switch', sentence: 'Print the report as JSON' },
  },
  // The report counts what failed; a line for each would bury it.
  preferences: { logLevel: 'error' },
  run: runRun,
}

interface Target {
  readonly path: string
  readonly format: RowFormat
}

async function runRun(invocation: Invocation): Promise<number> {
  const { streams } = invocation
  const workflow = await givenWorkflow(invocation)
  const budget = budgetGiven(invocation)
  const input = await openRunSource(invocation, workflow)
  if (isGiven(invocation, 'estimate')) return sayEstimate(invocation, workflow, input)
  const target = await targetOf(invocation, workflow)
  const stop = listenForStop({ source: invocation.signals, clock: invocation.clock })
  // Reading that waits for more input has to end as well.
  stop.onRequest(() => streams.stdin.destroy())
  try {
    const purpose = `run ${workflow.definition.name}`
    const request = databaseRequest(invocation, { purpose, exclusive: true })
    const report = await withDatabase(request, (database) =>
      workInput({ invocation, database, workflow, input, target, stop, budget }),
    )
    await printReport(invocation, report)
    await keepPage(invocation, report)
    return finishedExit(invocation)
  } finally {
    stop.close()
  }
}

function budgetGiven(invocation: Invocation): number | null {
  const text = textGiven(invocation, 'budget')
  if (text === null) return null
  if (/^[1-9]\d{0,9}$/.test(text)) return Number(text)
  throw new FetchyardError(
    'USAGE',
    `Expected --budget to be a whole number of credits from 1, got \`${text}\`.`,
  )
}

async function sayEstimate(
  invocation: Invocation,
  workflow: LoadedWorkflow,
  input: RunSource,
): Promise<number> {
  const { streams } = invocation
  const settings = { ...invocation.settings, ...workflow.overrides }
  const request = databaseRequest(invocation, { purpose: 'estimate', exclusive: false })
  const made = await withDatabase(request, ({ sql }) =>
    estimate({
      sql,
      workflow: workflow.definition.name,
      keys: input.keys(),
      creditsPerCall: creditsPerCallOf(settings),
      creditsPerCallMin: creditsPerCallMinOf(settings),
      attempts: settings.attempts,
    }),
  )
  if (isGiven(invocation, 'json')) await printJson(streams, { schema: 1, ...made })
  else for (const line of estimateLines(made)) await print(streams, line)
  return 0
}

async function targetOf(
  invocation: Invocation,
  { definition }: LoadedWorkflow,
): Promise<Target | null> {
  const path = textGiven(invocation, 'output')
  if (path === null) return null
  if (Object.keys(definition.sinks).length === 0) {
    throw new FetchyardError('USAGE', `${definition.name} has no results to write; drop --output.`)
  }
  const format = rowFormatOf(null, path)
  return { format, path: await checkOutput(path, invocation.cwd) }
}

interface Work {
  readonly invocation: Invocation
  readonly database: OpenDatabase
  readonly workflow: LoadedWorkflow
  readonly input: RunSource
  readonly target: Target | null
  readonly stop: StopListener
  /** Credits; null for no budget. */
  readonly budget: number | null
}

async function workInput(work: Work): Promise<RunReport> {
  const { invocation, database, workflow, input, stop } = work
  const { sql } = database
  const handle = await installToWork(sql, workflow, invocation)
  const name = runName(work)
  const run = await openRun(sql, { workflowId: handle.workflowId, name })
  const { runId, startedAt } = run
  const total = { credits: work.budget, since: startedAt }
  await setBudgets(sql, { workflowId: handle.workflowId, total })
  const isStopped = () => stop.request() !== null
  const fed = await input.feed({ invocation, database, workflow, handle, runId, isStopped })
  if (isStopped()) {
    const what = `Stopped while the input was read, after ${showCount(fed.good)} items`
    throw new FetchyardError('INTERRUPTED', `${what}; run the same command again to continue.`)
  }
  sayStart(work, run, fed.added)
  const { settings } = invocation
  const running = { invocation, settings, database, workflow, handle, runId, stop }
  const watched = await workRun({ ...running, log: 'auto' })
  const written = await exportRun(work, handle, runId)
  return makeReport({
    sql,
    definition: workflow.definition,
    handle,
    run: { runId, name, continued: run.resumed },
    watched,
    badLines: fed.bad,
    truth: null,
    output: written,
  })
}

/**
 * The same workflow and file are the same run, so that starting it again continues. What is asked
 * for again, and what comes from standard input, is a run of its own.
 */
function runName({ invocation, workflow, input }: Work): string {
  const given = textGiven(invocation, 'name')
  if (given !== null) return given
  const { name } = workflow.definition
  const startedAt = new Date(invocation.clock.wallMs()).toISOString()
  if (input.name === '-') return `${name}-stdin-${startedAt}`
  const digest = createHash('sha256').update(`${name}\0${input.name}`).digest('hex').slice(0, 12)
  return isGiven(invocation, 'again') ? `${name}-${digest}-${startedAt}` : `${name}-${digest}`
}

function sayStart({ invocation, input }: Work, run: Run, added: number): void {
  const { streams } = invocation
  const from = input.name === '-' ? 'standard input' : input.name
  const words = run.resumed ? 'Continuing the run of' : 'Running over'
  say(streams, `${words} ${from}: ${showCount(added)} new items.`)
}

async function exportRun(
  work: Work,
  handle: WorkflowHandle,
  runId: number,
): Promise<string | null> {
  const { target, workflow, database } = work
  const { definition } = workflow
  const [sink] = Object.values(definition.sinks)
  if (target === null || sink === undefined) return null
  const { workflowId } = handle
  const source = definition.source ?? null
  const statement = exportStatement({ workflowId, source, sink, runId })
  await exportToFile({ sql: database.sql, statement, format: target.format }, target.path)
  return target.path
}

async function keepPage(invocation: Invocation, report: RunReport): Promise<void> {
  const { details = null, spent, lost, appliedTwice } = report
  if (details === null) return
  const madeAt = new Date(invocation.clock.wallMs()).toISOString()
  await writePage(invocation, { details, spent, lost, appliedTwice, madeAt })
}

/** The report goes to standard output: it is what the command was for. */
export async function printReport(invocation: Invocation, report: RunReport): Promise<void> {
  const { streams } = invocation
  if (isGiven(invocation, 'json')) await printJson(streams, { schema: 1, ...report })
  else for (const line of reportLines(report)) await print(streams, line)
}
