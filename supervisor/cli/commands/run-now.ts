import { FetchyardError } from '../../../src/core/errors.js'
import type { RunNow } from '../../../src/store/schedules.js'
import { openInstance } from '../../../src/store/schedules.js'
import { createStore } from '../../../src/store/store.js'
import type { Command, Invocation } from '../command.js'
import { orderer } from '../orderer.js'
import { databaseRequest, givenWorkflowRow, withDatabase } from '../session.js'
import { print } from '../streams.js'

export const runNowCommand: Command = {
  syntax: 'run-now <workflow>',
  summary: 'Let a scheduled workflow work what is ready now, without waiting for its next tick',
  examples: [['fetchyard run-now deep-scan', 'one instance, worked by the nodes that are up']],
  groups: ['database'],
  flags: {},
  run: runNow,
}

async function runNow(invocation: Invocation): Promise<number> {
  const request = databaseRequest(invocation, { purpose: 'run-now', exclusive: false })
  await withDatabase(request, async ({ sql }) => {
    const { workflowId, name, pausedBy } = await givenWorkflowRow(sql, invocation)
    const outcome = await openInstance(sql, workflowId)
    if (outcome === 'unscheduled') {
      throw new FetchyardError(
        'USAGE',
        `${name} has no schedule, so it works whenever a node is up that has it.`,
      )
    }
    if (outcome === 'opened') {
      const by = orderer()
      await createStore(sql).storeEvent({
        level: 'info',
        name: 'schedule.run_now',
        workflowId,
        nodeId: null,
        message: `by ${by.name}, ${by.via}`,
        fields: { by: by.name, via: by.via },
      })
    }
    await print(invocation.streams, wordsOf(outcome, name, pausedBy))
  })
  return 0
}

function wordsOf(
  outcome: Exclude<RunNow, 'unscheduled'>,
  name: string,
  pausedBy: readonly string[],
): string {
  if (outcome === 'running') return `${name} has as many instances open as it may have.`
  if (pausedBy.length === 0) return `${name} works what is ready now.`
  return `${name} works what is ready once it is resumed; it is paused by ${pausedBy.join(', ')}.`
}
