import { EXIT_CODES, FetchyardError, messageOf } from '../../../src/core/errors.js'
import type { RefusedWorkflow } from '../../../src/core/figures.js'
import type { Sql } from '../../../src/store/client.js'
import { classifyFault } from '../../../src/store/client.js'
import { type LoadedWorkflow, startNode } from '../../node.js'
import { listenForStop } from '../../signals.js'
import { announceWeb } from '../announce.js'
import { type Command, type Invocation, wordsGiven } from '../command.js'
import { type ChosenWorkflows, chosenWorkflows } from '../configured.js'
import { fencedWords, obeyStop } from '../finite-run.js'
import { databaseRequest, installToWork, withDatabase } from '../session.js'
import { startSourceFiles } from '../source-file/source-files.js'
import { paint, say } from '../streams.js'

export const upCommand: Command = {
  syntax: 'up [workflow..]',
  summary: 'Run a node that works the queue until it is stopped; what PM2 starts',
  examples: [
    ['fetchyard up', 'what the configuration file lists, or else all shipped workflows'],
    ['fetchyard up contacts ./my.workflow.js', 'these workflows only'],
  ],
  groups: [
    'database',
    'node',
    'work',
    'fetch',
    'politeness',
    'upstream',
    'documents',
    'alert',
    'webhook',
    'web',
  ],
  flags: {},
  // A node that works much needs not hold processes for what is idle.
  preferences: { workerIdleMs: 60_000 },
  run: runUp,
}

async function runUp(invocation: Invocation): Promise<number> {
  const { settings, signals, clock, streams } = invocation
  const chosen = await chosenWorkflows(wordsGiven(invocation, 'workflow'), invocation)
  refuseAll(chosen)
  const stop = listenForStop({ source: signals, clock })
  try {
    const request = databaseRequest(invocation, { purpose: 'up', exclusive: true })
    return await withDatabase(request, async (database) => {
      const { loaded, refused } = await installAll(database.sql, chosen, invocation)
      refuseAll({ loaded, refused })
      for (const { module, reason } of refused) {
        say(streams, `${paint(streams.stderr, 'red', 'Refused')} ${module}: ${reason}`)
      }
      if (stop.request() !== null) return EXIT_CODES.ok
      const node = await startNode({ settings, database, workflows: loaded, refused, log: 'auto' })
      const noteGone = await announceWeb(node, invocation)
      obeyStop(node, stop, invocation)
      const files = startSourceFiles({
        sql: database.sql,
        workflows: loaded,
        say: (words) => say(streams, words),
      })
      invocation.notifyManager('ready')
      const reason = await node.stopped
      await Promise.all([files.stop(), noteGone()])
      if (reason === 'stopped') return EXIT_CODES.ok
      throw new FetchyardError('FENCED', fencedWords(node))
    })
  } finally {
    stop.close()
  }
}

/** A node without a single workflow to work is none. */
function refuseAll({ loaded, refused }: ChosenWorkflows): void {
  if (loaded.length > 0) return
  if (refused.length === 0) {
    throw new FetchyardError(
      'CONFIG_INVALID',
      'The configuration file lists no workflow. Add one to `workflows`, or name one: fetchyard up contacts.',
    )
  }
  const words = refused.map(({ module, reason }) => `${module}: ${reason}`)
  throw new FetchyardError('WORKFLOW_INVALID', `No workflow can be started.\n${words.join('\n')}`)
}

/** Installs what was loaded; what the database has something against joins the refused. */
async function installAll(
  sql: Sql,
  chosen: ChosenWorkflows,
  invocation: Invocation,
): Promise<ChosenWorkflows> {
  const loaded: LoadedWorkflow[] = []
  const refused: RefusedWorkflow[] = [...chosen.refused]
  for (const workflow of chosen.loaded) {
    try {
      await installToWork(sql, workflow, invocation)
      loaded.push(workflow)
    } catch (error) {
      // A database that is away is away for all; and of one workflow, the reason is the answer.
      const isOnly = chosen.loaded.length + chosen.refused.length === 1
      if (isOnly || classifyFault(error) === 'transient') throw error
      refused.push({ module: workflow.definition.name, reason: messageOf(error) })
    }
  }
  return { loaded, refused }
}
