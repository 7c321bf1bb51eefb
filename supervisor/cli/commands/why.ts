import type { Verdict } from '../../../src/core/why-plan.js'
import { createStore } from '../../../src/store/store.js'
import { createSteeringDesk } from '../../steering-desk.js'
import type { Command, Invocation } from '../command.js'
import { isGiven } from '../command.js'
import { databaseRequest, withDatabase } from '../session.js'
import { print, printJson } from '../streams.js'

export const whyCommand: Command = {
  syntax: 'why',
  summary: 'Say which limit holds each workflow back right now',
  examples: [
    ['fetchyard why', 'the plan, the queue, the database, or a person: in words with figures'],
    ['fetchyard why --json', 'the same for programs'],
  ],
  groups: ['database'],
  flags: { json: { type: 'switch', sentence: 'Print the verdicts as JSON' } },
  run: runWhy,
}

async function runWhy(invocation: Invocation): Promise<number> {
  const { streams } = invocation
  const request = databaseRequest(invocation, { purpose: 'why', exclusive: false })
  const verdicts = await withDatabase(request, ({ sql }) =>
    createSteeringDesk(createStore(sql)).why(),
  )
  if (isGiven(invocation, 'json')) await printJson(streams, { schema: 1, verdicts })
  else for (const line of whyLines(verdicts)) await print(streams, line)
  return 0
}

function whyLines(verdicts: readonly Verdict[]): readonly string[] {
  if (verdicts.length === 0) return ['No workflow yet. Fill one with fetchyard enqueue.']
  return verdicts.flatMap(({ workflow, words, advice }) => [
    `${workflow}: ${words}`,
    ...(advice === null ? [] : [`  to change it: ${advice}`]),
  ])
}
