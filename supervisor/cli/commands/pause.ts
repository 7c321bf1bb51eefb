import { createStore } from '../../../src/store/store.js'
import { createSteeringDesk } from '../../steering-desk.js'
import type { Command, Invocation } from '../command.js'
import { orderer } from '../orderer.js'
import { databaseRequest, givenWorkflowRow, withDatabase } from '../session.js'
import { print } from '../streams.js'

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
    const { name } = await givenWorkflowRow(sql, invocation)
    const { words } = await createSteeringDesk(createStore(sql))[verb](name, orderer())
    await print(invocation.streams, words)
  })
  return 0
}
