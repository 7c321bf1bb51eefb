import { createStore } from '../../../src/store/store.js'
import { pauseWorkflow, resumeWorkflow } from '../../../src/store/workflows.js'
import type { Command, Invocation } from '../command.js'
import { databaseRequest, givenWorkflowRow, withDatabase } from '../session.js'
import { print } from '../streams.js'

/** Reason under which a person holds a workflow back. */
const OPERATOR = 'operator'

export const pauseCommand: Command = {
  syntax: 'pause <workflow>',
  summary: 'Stop leasing items of a workflow, on all nodes; what is in flight is finished',
  examples: [['fetchyard pause contacts', 'in effect within two seconds']],
  groups: ['database'],
  flags: {},
  run: (invocation) => change(invocation, 'pause'),
}

export const resumeCommand: Command = {
  syntax: 'resume <workflow>',
  summary: 'Lease items of a workflow again, whatever it was paused by',
  examples: [['fetchyard resume contacts', 'in effect within two seconds']],
  groups: ['database'],
  flags: {},
  run: (invocation) => change(invocation, 'resume'),
}

async function change(invocation: Invocation, verb: 'pause' | 'resume'): Promise<number> {
  const request = databaseRequest(invocation, { purpose: verb, exclusive: false })
  await withDatabase(request, async ({ sql }) => {
    const { workflowId, name, pausedBy } = await givenWorkflowRow(sql, invocation)
    const isPause = verb === 'pause'
    const isChanged = isPause
      ? await pauseWorkflow(sql, { workflowId, reason: OPERATOR })
      : await resumeWorkflow(sql, { workflowId, reason: null })
    const words = isPause
      ? `${name} is paused${isChanged ? '' : ' already'}. Go on with fetchyard resume ${name}.`
      : isChanged
        ? `${name} runs again; it was paused by ${pausedBy.join(', ')}.`
        : `${name} was not paused.`
    if (isChanged) {
      await createStore(sql).storeEvent({
        level: 'info',
        name: isPause ? 'workflow.paused' : 'workflow.resumed',
        workflowId,
        nodeId: null,
        message: `by an operator, from the command line`,
        fields: { reason: isPause ? OPERATOR : pausedBy.join(', ') },
      })
    }
    await print(invocation.streams, words)
  })
  return 0
}
