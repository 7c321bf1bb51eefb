import { dirname } from 'node:path'
import { EXIT_CODES, FetchyardError } from '../../../src/core/errors.js'
import { type LoadedWorkflow, startNode } from '../../node.js'
import { listenForStop } from '../../signals.js'
import { isModulePath, loadWorkflow, SHIPPED_NAMES } from '../../workflows.js'
import { type Command, type Invocation, wordsGiven } from '../command.js'
import { fencedWords, obeyStop } from '../finite-run.js'
import {
  databaseRequest,
  installWorkflow,
  schemaFor,
  withDatabase,
  withOverrides,
} from '../session.js'
import { say } from '../streams.js'

export const upCommand: Command = {
  syntax: 'up [workflow..]',
  summary: 'Run a node that works the queue until it is stopped; what PM2 starts',
  examples: [
    ['fetchyard up', 'all shipped workflows, and those of the configuration file'],
    ['fetchyard up contacts ./my.workflow.js', 'these workflows only'],
  ],
  groups: ['database', 'node', 'work', 'fetch', 'upstream', 'web'],
  flags: {},
  run: runUp,
}

async function runUp(invocation: Invocation): Promise<number> {
  const { settings, signals, clock, streams } = invocation
  const workflows = await chosenWorkflows(invocation)
  const stop = listenForStop({ source: signals, clock })
  try {
    const request = databaseRequest(invocation, { purpose: 'up', exclusive: true })
    return await withDatabase(request, async (database) => {
      for (const workflow of workflows) await installWorkflow(database.sql, workflow)
      if (stop.request() !== null) return EXIT_CODES.ok
      const node = await startNode({ settings, database, workflows, log: 'auto' })
      if (node.dashboardUrl !== null) say(streams, `Dashboard: ${node.dashboardUrl}`)
      obeyStop(node, stop, invocation)
      invocation.notifyManager('ready')
      if ((await node.stopped) === 'stopped') return EXIT_CODES.ok
      throw new FetchyardError('FENCED', fencedWords(node))
    })
  } finally {
    stop.close()
  }
}

/** Those that were named; without any, the shipped ones and the modules of the file. */
async function chosenWorkflows(invocation: Invocation): Promise<readonly LoadedWorkflow[]> {
  const { cwd, configuration } = invocation
  const named = wordsGiven(invocation, 'workflow')
  const fileDirectory = configuration.file === null ? cwd : dirname(configuration.file)
  const modules = [...configuration.workflows.keys()].filter(isModulePath)
  const choices =
    named.length > 0
      ? named.map((word) => ({ word, directory: cwd }))
      : [
          ...SHIPPED_NAMES.map((word) => ({ word, directory: cwd })),
          ...modules.map((word) => ({ word, directory: fileDirectory })),
        ]
  const loaded: LoadedWorkflow[] = []
  for (const { word, directory } of choices) {
    const found = await loadWorkflow(word, directory, schemaFor(word, invocation))
    const workflow = withOverrides(found, word, invocation)
    const { name } = workflow.definition
    if (loaded.some((other) => other.definition.name === name)) {
      throw new FetchyardError('USAGE', `Two workflows are called \`${name}\`. Rename one.`)
    }
    loaded.push(workflow)
  }
  return loaded
}
