// Sequences that random runs found and shrank, each by the name of what it found.

import { useDatabase } from '../support/database.js'
import { useDatabaseClock } from '../support/database-clock.js'
import { runSteps } from './run.js'
import type { Step } from './steps.js'
import { createTables } from './tables.js'
import { Ground } from './world.js'

const LEASE = { do: 'lease', itemsMax: 100, packsMax: 64, deadlineMs: 60_000 } as const
const COMPLETE = {
  do: 'settle',
  pick: 0,
  part: 255,
  ends: ['complete'],
  isStranger: false,
  isDoubled: false,
} as const
const QUEUED = { word: 'Queued', isSelected: true } as const

const FOUND: { readonly [name: string]: readonly Step[] } = {
  'an outcome under an old lease does not stand in for the one that counts': [
    { do: 'ownerInsert', keys: ['a'], ...QUEUED },
    { ...LEASE, flow: 'bound', node: 2 },
    { do: 'crash', pick: 0, isAlone: false, mayQuarantine: false },
    { ...LEASE, flow: 'bound', node: 2 },
    { do: 'settleAll', node: 2, flow: 'bound', end: 'complete' },
  ],
  'I5: a row that is deleted and inserted again in mid-flight is done once more': [
    { do: 'ownerInsert', keys: ['a'], ...QUEUED },
    { ...LEASE, flow: 'bound', node: 0 },
    { do: 'ownerDelete', keys: ['a'] },
    { do: 'ownerInsert', keys: ['a'], ...QUEUED },
    COMPLETE,
  ],
  'I5: a row that is set back while its filter is off is done once more when it is on': [
    { do: 'ownerInsert', keys: ['a'], ...QUEUED },
    { ...LEASE, flow: 'bound', node: 0 },
    { do: 'ownerUpdate', keys: ['a'], word: 'Queued', isSelected: false },
    { do: 'ownerUpdate', keys: ['a'], isSelected: true },
    COMPLETE,
  ],
  'a row that waits for its next round opens no third': [
    { do: 'ownerInsert', keys: ['a'], ...QUEUED },
    { ...LEASE, flow: 'bound', node: 0 },
    { do: 'ownerUpdate', keys: ['a'], word: 'Queued' },
    { do: 'ownerUpdate', keys: ['a'], word: null },
    { do: 'ask', keys: ['a'], again: 'never' },
    COMPLETE,
  ],
  'I2: nobody could reclaim a pack while all nodes were silent for hours': [
    { do: 'enqueue', keys: ['a'], again: 1, delayMs: 0, priority: 0 },
    { ...LEASE, flow: 'pushed', node: 0 },
    { do: 'wait', ms: 3_700_000 },
    { do: 'wait', ms: 3_700_000 },
    { do: 'heartbeat', node: 2, leaseMs: 30_000, gapMs: 1_000 },
  ],
  'I2: a pack that a node leased right after sleeping for hours was not kept for hours': [
    { do: 'wait', ms: 3_700_000 },
    { do: 'wait', ms: 3_700_000 },
    { do: 'enqueue', keys: ['a'], again: 1, delayMs: 0, priority: 0 },
    { ...LEASE, flow: 'pushed', node: 0 },
    { do: 'heartbeat', node: 2, leaseMs: 30_000, gapMs: 1_000 },
    { do: 'fenceExpired', node: 2, rule: { leaseMs: 30_000, gapMs: 30_000, steadyMs: 0 } },
  ],
}

describe('model/regressions', () => {
  const clocked = useDatabaseClock(useDatabase())
  let ground: Ground

  before(async () => {
    await createTables(clocked.sql)
    ground = await Ground.open(clocked)
  })

  for (const [name, steps] of Object.entries(FOUND)) {
    it(name, () => runSteps(ground, steps))
  }
})
