import { type Command, type Invocation, isGiven, textGiven } from '../command.js'
import { feedWorkflow } from '../feed-workflow.js'
import { openInput } from '../input.js'
import { showCount } from '../progress.js'
import { databaseRequest, givenWorkflow, installWorkflow, withDatabase } from '../session.js'
import { print, printJson } from '../streams.js'

export const enqueueCommand: Command = {
  syntax: 'enqueue <workflow> [file]',
  summary: 'Put URLs into the queue of a workflow; a running node works them',
  examples: [
    ['fetchyard enqueue contacts pages.csv', 'a file'],
    ['echo https://example.com/ | fetchyard enqueue contacts', 'standard input'],
  ],
  groups: ['database'],
  flags: {
    again: { type: 'switch', sentence: 'Ask again for what is finished' },
    json: { type: 'switch', sentence: 'Print the figures as JSON' },
  },
  run: runEnqueue,
}

async function runEnqueue(invocation: Invocation): Promise<number> {
  const { cwd, streams } = invocation
  const workflow = await givenWorkflow(invocation)
  const path = textGiven(invocation, 'file') ?? '-'
  const input = await openInput(path, { cwd, stdin: streams.stdin })
  const { name } = workflow.definition
  const request = databaseRequest(invocation, { purpose: `enqueue ${name}`, exclusive: false })
  const fed = await withDatabase(request, async (database) => {
    const handle = await installWorkflow(database.sql, workflow)
    const isStopped = () => false
    return feedWorkflow({ invocation, database, workflow, handle, input, runId: null, isStopped })
  })
  const { good, bad, added } = fed
  if (isGiven(invocation, 'json')) {
    await printJson(streams, { schema: 1, workflow: name, read: good, added, badLines: bad })
  } else {
    const rest = bad === 0 ? '' : `, ${showCount(bad)} lines not used`
    await print(streams, `Enqueued ${showCount(added)} of ${showCount(good)} URLs${rest}.`)
  }
  return 0
}
