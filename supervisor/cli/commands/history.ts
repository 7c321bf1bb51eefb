import { suggestion } from '../../../config/suggest.js'
import { FetchyardError } from '../../../src/core/errors.js'
import type { Sql } from '../../../src/store/client.js'
import type { AttemptEnd, ItemName, ItemRound } from '../../../src/store/history.js'
import { readHistory, readNearbyKeys } from '../../../src/store/history.js'
import { printable } from '../../../src/telemetry/redact.js'
import { type Command, type Invocation, isGiven, textGiven } from '../command.js'
import { databaseRequest, givenWorkflowRow, withDatabase } from '../session.js'
import { print, printJson } from '../streams.js'
import { tableLines } from '../table.js'

export const historyCommand: Command = {
  syntax: 'history <workflow> <key>',
  summary: 'Show what became of an item: every attempt, how it ended, and by whose hand',
  examples: [
    ['fetchyard history contacts https://example.com/contact', 'the item of a URL'],
    ['fetchyard history contacts 17 --json', 'that of a row of the bound table, for programs'],
    ['fetchyard history contacts -- -odd', 'a key that looks like a flag'],
  ],
  groups: ['database'],
  flags: { json: { type: 'switch', sentence: 'Print the history as JSON' } },
  run: runHistory,
}

async function runHistory(invocation: Invocation): Promise<number> {
  const { streams } = invocation
  const key = textGiven(invocation, 'key')
  if (key === null) throw new FetchyardError('USAGE', 'Expected the key of an item, got nothing.')
  const request = databaseRequest(invocation, { purpose: 'history', exclusive: false })
  const { workflow, rounds } = await withDatabase(request, async ({ sql }) => {
    const { workflowId, name } = await givenWorkflowRow(sql, invocation)
    const found = await readHistory(sql, { workflowId, key })
    if (found.length === 0) throw await unknownItem(sql, { workflowId, key, workflow: name })
    return { workflow: name, rounds: found }
  })
  if (isGiven(invocation, 'json')) await printJson(streams, { schema: 1, workflow, key, rounds })
  else for (const line of historyLines({ workflow, key, rounds })) await print(streams, line)
  return 0
}

async function unknownItem(
  sql: Sql,
  item: ItemName & { readonly workflow: string },
): Promise<FetchyardError> {
  const nearby = await readNearbyKeys(sql, item)
  const meant = suggestion(item.key, nearby)
  const [example] = nearby
  const likeThese =
    example === undefined ? 'It has none yet.' : `Its keys look like \`${example}\`.`
  return new FetchyardError(
    'ITEM_UNKNOWN',
    printable(
      `The workflow ${item.workflow} has no item \`${item.key}\`.${meant === '' ? ` ${likeThese}` : meant}`,
    ),
  )
}

/** The history as lines of words, the latest round first. */
function historyLines(history: {
  readonly workflow: string
  readonly key: string
  readonly rounds: readonly ItemRound[]
}): readonly string[] {
  const { workflow, key, rounds } = history
  const lines = rounds.flatMap((round) => ['', ...roundLines(round)])
  return [`${key} of ${workflow}`, ...lines].map(printable)
}

function roundLines(round: ItemRound): readonly string[] {
  const { attempts } = round
  const head = `round ${round.round}, enqueued ${round.enqueuedAt}: ${standing(round)}`
  if (attempts.length === 0) return [head, 'No attempt has ended yet.']
  const [headings = '', ...rows] = tableLines(
    ['ended', 'attempt', 'status', 'outcome', 'http', 'ms', 'lease', 'supervisor'],
    attempts.map(attemptCells),
  )
  const ends = rows.flatMap((row, index) => {
    const error = attempts[index]?.error ?? null
    return error === null ? [row] : [row, `  ${error}`]
  })
  return [head, headings, ...ends]
}

/** How an item stands, in words. */
function standing({ state, attempt, leaseHolder, leaseId, leaseExpiresAt, readyAt }: ItemRound) {
  const charged = `attempts charged ${attempt}`
  if (state === 'Processing') {
    return `Processing by ${leaseHolder} under lease ${leaseId} until ${leaseExpiresAt}, ${charged}`
  }
  if (state === 'Delayed') return `Delayed until ${readyAt}, ${charged}`
  return `${state ?? 'Unknown'}, ${charged}`
}

function attemptCells(end: AttemptEnd) {
  const { node } = end
  const who = node === null ? null : `${node.name} (pid ${node.pid} on ${node.host})`
  const { endedAt, attempt, status, code, httpStatus, durationMs, leaseId } = end
  return [endedAt, attempt, status, code, httpStatus, durationMs, Number(leaseId), who]
}
