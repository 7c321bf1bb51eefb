// Feeding with words: what `run` and `enqueue` say while they read an input.

import type { WorkflowHandle } from '../../src/store/store.js'
import type { OpenDatabase } from '../database.js'
import type { LoadedWorkflow } from '../node.js'
import { type Invocation, isGiven } from './command.js'
import { BAD_LINES_SHOWN, type FeedResult, feed } from './feed.js'
import { type Input, readInput } from './input.js'
import { showCount } from './progress.js'
import { say } from './streams.js'

export interface FeedParts {
  readonly invocation: Invocation
  readonly database: OpenDatabase
  readonly workflow: LoadedWorkflow
  readonly handle: WorkflowHandle
  readonly input: Input
  readonly runId: number | null
  readonly isStopped: () => boolean
}

/** Pause between two words on how far the reading is. */
export const SAY_EVERY_MS = 5_000

export async function feedWorkflow(parts: FeedParts): Promise<FeedResult> {
  const { invocation, database, workflow, handle, input, runId, isStopped } = parts
  const { streams, clock } = invocation
  if (input.name === '-' && streams.stdin.isTTY === true) {
    say(streams, 'Reading URLs from the terminal; Ctrl-D ends them.')
  }
  let saidMs = clock.nowMs()
  const fed = await feed(readInput(input), {
    sql: database.sql,
    workflow,
    handle,
    runId,
    isStopped,
    again: isGiven(invocation, 'again') ? 'when-finished' : 'never',
    onBadLine: (line, problem) => say(streams, `Line ${line} is not used: ${problem}.`),
    onSlice: ({ good }) => {
      if (clock.nowMs() - saidMs < SAY_EVERY_MS) return
      saidMs = clock.nowMs()
      say(streams, `Read ${showCount(good)} URLs so far.`)
    },
  })
  if (fed.bad > BAD_LINES_SHOWN) {
    say(streams, `${showCount(fed.bad - BAD_LINES_SHOWN)} more lines are not used.`)
  }
  return fed
}
