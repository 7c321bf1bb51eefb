import { suggestion } from '../../../config/suggest.js'
import type { SinkDefinition } from '../../../src/core/definition.js'
import { FetchyardError } from '../../../src/core/errors.js'
import { exportStatement } from '../../../src/store/export.js'
import { findRun } from '../../../src/store/results.js'
import type { LoadedWorkflow } from '../../node.js'
import { type Command, type Invocation, textGiven } from '../command.js'
import { checkOutput, exportToFile, exportToStream } from '../output.js'
import { showCount } from '../progress.js'
import { rowFormatOf } from '../rows.js'
import { databaseRequest, givenWorkflow, installWorkflow, withDatabase } from '../session.js'
import { say } from '../streams.js'

export const exportCommand: Command = {
  syntax: 'export <workflow>',
  summary: 'Write the results of a workflow as CSV or JSONL',
  examples: [
    ['fetchyard export contacts --output contacts.csv', 'a file, whole or not at all'],
    ['fetchyard export contacts --format jsonl | head', 'standard output'],
  ],
  groups: ['database'],
  flags: {
    output: { type: 'text', sentence: 'File to write, .csv or .jsonl; standard output without it' },
    format: { type: 'text', sentence: 'csv or jsonl, instead of what the file name says' },
    sink: { type: 'text', sentence: 'Which results, where a workflow has several' },
    run: { type: 'text', sentence: 'Only the results of this run' },
  },
  run: runExport,
}

async function runExport(invocation: Invocation): Promise<number> {
  const { cwd, streams } = invocation
  const workflow = await givenWorkflow(invocation)
  const sink = sinkOf(workflow, textGiven(invocation, 'sink'))
  const output = textGiven(invocation, 'output')
  const format = rowFormatOf(textGiven(invocation, 'format'), output)
  const path = output === null ? null : await checkOutput(output, cwd)
  const request = databaseRequest(invocation, { purpose: 'export', exclusive: false })
  await withDatabase(request, async ({ sql }) => {
    const { workflowId, name } = await installWorkflow(sql, workflow)
    const runName = textGiven(invocation, 'run')
    const runId = runName === null ? null : await findRun(sql, { workflowId, name: runName })
    if (runName !== null && runId === null) {
      throw new FetchyardError('USAGE', `There is no run \`${runName}\` of ${name}.`)
    }
    const source = workflow.definition.source ?? null
    const statement = exportStatement({ workflowId, source, sink, runId })
    const job = { sql, statement, format }
    if (path === null) await exportToStream(job, streams.stdout)
    else say(streams, `Wrote ${showCount(await exportToFile(job, path))} rows to ${path}.`)
  })
  return 0
}

function sinkOf({ definition }: LoadedWorkflow, named: string | null): SinkDefinition {
  const names = Object.keys(definition.sinks)
  const name = named ?? names[0]
  const sink = name === undefined ? undefined : definition.sinks[name]
  if (sink !== undefined) return sink
  throw new FetchyardError(
    'USAGE',
    name === undefined
      ? `${definition.name} has no results to export.`
      : `${definition.name} has no results \`${name}\`.${suggestion(name, names)}`,
  )
}
