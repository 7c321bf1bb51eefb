// `documents run`: asks for the documents of a list and works them to the end. Run again, it does
// what is new, what failed, and what is no longer right.

import { resolve } from 'node:path'
import type { Settings } from '../../../config/settings.js'
import { FetchyardError } from '../../../src/core/errors.js'
import { openRun } from '../../../src/store/runs.js'
import type { OpenDatabase } from '../../database.js'
import { DOCUMENTS, settingsFor } from '../../documents/settings.js'
import type { LoadedWorkflow } from '../../node.js'
import { listenForStop, type StopListener } from '../../signals.js'
import { type Invocation, isGiven, textGiven } from '../command.js'
import { configuredWorkflow } from '../configured.js'
import { finishedExit, workRun } from '../finite-run.js'
import { openInput } from '../input.js'
import { showCount } from '../progress.js'
import { databaseRequest, installToWork, withDatabase } from '../session.js'
import { print, printJson, say } from '../streams.js'
import { type Asked, askFor, filesOf } from './ask.js'
import { readReferences } from './read-references.js'
import { type DocumentReport, documentLines, reportOf } from './report.js'

const BAD_LINES_SHOWN = 20

export async function runDocuments(invocation: Invocation): Promise<number> {
  const { streams, signals, clock } = invocation
  // First, since without a browser nothing is to be begun.
  const workflow = await configuredWorkflow(DOCUMENTS, invocation)
  const stop = listenForStop({ source: signals, clock })
  stop.onRequest(() => streams.stdin.destroy())
  try {
    const request = databaseRequest(invocation, { purpose: 'documents run', exclusive: true })
    const report = await withDatabase(request, (database) =>
      workList({ invocation, workflow, database, stop }),
    )
    if (isGiven(invocation, 'json')) await printJson(streams, { schema: 1, ...report })
    else for (const line of documentLines(report)) await print(streams, line)
    return finishedExit(invocation)
  } finally {
    stop.close()
  }
}

async function workList(parts: {
  readonly invocation: Invocation
  readonly workflow: LoadedWorkflow
  readonly database: OpenDatabase
  readonly stop: StopListener
}): Promise<DocumentReport> {
  const { invocation, workflow, database, stop } = parts
  const { streams, clock, cwd } = invocation
  const { sql } = database
  const path = textGiven(invocation, 'path')
  if (path === null) throw new FetchyardError('USAGE', 'Expected a file of references, or -.')
  const input = await openInput(path, { cwd, stdin: streams.stdin })
  const handle = await installToWork(sql, workflow, invocation)
  const { workflowId } = handle
  const own: Settings = { ...invocation.settings, ...workflow.overrides }
  const settings = settingsFor(DOCUMENTS, own)
  const name = `documents-${new Date(clock.wallMs()).toISOString()}`
  const { runId } = await openRun(sql, { workflowId, name })
  await filesOf(settings, cwd).tidy()
  const isStopped = () => stop.request() !== null
  let badLines = 0
  const asked = await askFor(readReferences(input), {
    ...{ sql, settings, cwd, workflowId, runId, isStopped },
    onBadLine: (line, problem) => {
      badLines += 1
      if (badLines <= BAD_LINES_SHOWN) say(streams, `Line ${line} is not used: ${problem}.`)
    },
  })
  if (isStopped()) {
    throw new FetchyardError('INTERRUPTED', 'Stopped; run the same command again to continue.')
  }
  say(streams, startWords(asked))
  const directory = resolve(cwd, settings.documentDirectory)
  if (asked.asked === 0) return reportOf(sql, { runId, directory, asked, finished: null })
  const running = { invocation, settings: invocation.settings, database, workflow, handle }
  const finished = await workRun({ ...running, runId, stop, log: 'auto' })
  return reportOf(sql, { runId, directory, asked, finished })
}

function startWords({ given, there, spoilt, asked }: Asked): string {
  const words = [`${showCount(given)} references: ${showCount(there)} are there`]
  if (spoilt > 0) words.push(`${showCount(spoilt)} are no longer right`)
  return `${words.join(', ')}, ${showCount(asked)} to get.`
}
