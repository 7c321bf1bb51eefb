import { FetchyardError } from '../../../src/core/errors.js'
import type { Chore, ChoreStatus } from '../../../src/store/chores.js'
import { pauseChores, readChores } from '../../../src/store/chores.js'
import type { Sql } from '../../../src/store/client.js'
import { createStore } from '../../../src/store/store.js'
import { OPERATOR } from '../../steering-desk.js'
import { type Command, type Invocation, isGiven, textGiven } from '../command.js'
import { orderer } from '../orderer.js'
import { databaseRequest, withDatabase } from '../session.js'
import { print, printJson } from '../streams.js'
import { tableLines } from '../table.js'

export const housekeepingCommand: Command = {
  syntax: 'housekeeping [verb]',
  summary: 'Show what was removed for its age, when and by whom; pause and resume that',
  examples: [
    ['fetchyard housekeeping', 'what each chore did last'],
    ['fetchyard housekeeping pause', 'nothing is removed in the whole cluster from now on'],
    ['fetchyard housekeeping resume', 'it goes on'],
  ],
  groups: ['database'],
  flags: { json: { type: 'switch', sentence: 'Print the chores as JSON' } },
  run: runHousekeeping,
}

async function runHousekeeping(invocation: Invocation): Promise<number> {
  const { streams } = invocation
  const verb = textGiven(invocation, 'verb')
  if (verb !== null && verb !== 'pause' && verb !== 'resume') {
    throw new FetchyardError('USAGE', `Expected pause, resume or nothing, got \`${verb}\`.`)
  }
  const request = databaseRequest(invocation, { purpose: 'housekeeping', exclusive: false })
  const chores = await withDatabase(request, async ({ sql }) => {
    if (verb !== null) await change(sql, verb)
    return readChores(sql)
  })
  if (isGiven(invocation, 'json')) await printJson(streams, { schema: 1, chores })
  else for (const line of choreLines(chores)) await print(streams, line)
  return 0
}

async function change(sql: Sql, verb: 'pause' | 'resume'): Promise<void> {
  if (!(await pauseChores(sql, verb === 'pause' ? OPERATOR : null))) return
  const by = orderer()
  await createStore(sql).storeEvent({
    level: 'info',
    name: verb === 'pause' ? 'housekeeping.paused' : 'housekeeping.resumed',
    workflowId: null,
    nodeId: null,
    message: `by ${by.name}, ${by.via}`,
    fields: { by: by.name, via: by.via },
  })
}

/** What a chore removes, in words. */
const WORDS: { readonly [chore in Chore]: string } = {
  receipts: 'receipts',
  runs: 'runs',
  items: 'finished items',
  events: 'events',
  nodes: 'ended nodes',
}

/** The chores as lines of words. */
function choreLines(chores: readonly ChoreStatus[]): readonly string[] {
  const rows = chores.map((chore) => [
    WORDS[chore.chore],
    chore.passedAt ?? 'never',
    chore.passedBy,
    chore.passedRows,
    chore.removed,
    standing(chore),
  ])
  const failures = chores.flatMap(({ chore, failedAt, failure }) =>
    failedAt === null ? [] : [`${WORDS[chore]} failed at ${failedAt}: ${failure}`],
  )
  return [
    ...tableLines(['removes', 'last', 'by', 'rows then', 'rows ever', 'now'], rows),
    ...(failures.length === 0 ? [] : ['', ...failures]),
  ]
}

function standing({ pausedWhy, worker }: ChoreStatus): string {
  if (pausedWhy !== null) return `paused by ${pausedWhy}`
  return worker === null ? 'at rest' : `${worker} is at it`
}
