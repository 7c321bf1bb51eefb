// Commands of housekeeping that remove what is old; here everything is, a moment later.

import type { Chore } from '../../../src/store/chores.js'
import { FIRST } from '../../../src/store/retention.js'
import type { StepOf } from '../steps.js'
import type { Answer, World } from '../world.js'

const REST = { partition: 'processing_log_rest', pages: 10_000, isRest: true } as const

/** Works a slice of a chore within a turn of its own. */
async function inTurn<T>(
  world: World,
  chore: Chore,
  slice: (nodeId: string) => Promise<T>,
): Promise<T> {
  const { chores } = world.store
  const nodeId = world.nodes[0] ?? ''
  if (!(await chores.takeTurn({ chore, nodeId, gapMs: 0 }))) throw new Error('no turn')
  const done = await slice(nodeId)
  await chores.endTurn({ chore, nodeId, rows: 0, failure: null })
  return done
}

export async function archive(world: World, _step: StepOf<'archive'>): Promise<Answer> {
  const { rows } = await inTurn(world, 'receipts', (nodeId) => {
    const where = { receipts: REST, fromPage: 0, pagesMax: REST.pages }
    return world.store.chores.moveEndings({ nodeId, keepMs: 0, ...where })
  })
  const expected = world.model.archive()
  return { real: rows, expected: () => expected }
}

export async function retire(world: World, _step: StepOf<'retire'>): Promise<Answer> {
  const { rows } = await inTurn(world, 'items', (nodeId) =>
    world.store.chores.retireItems({ nodeId, keepMs: 0, rowsMax: 1_000, after: FIRST }),
  )
  const expected = world.model.retire()
  return { real: rows, expected: () => expected }
}
