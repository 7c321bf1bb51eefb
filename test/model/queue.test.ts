// The store against its model: random sequences of commands on a real Postgres, whose clock the
// test sets. FETCHYARD_MODEL_RUNS says how many; a failure prints the seed and the path that replay
// it.

import { expect } from 'chai'
import { useDatabase } from '../support/database.js'
import { useDatabaseClock } from '../support/database-clock.js'
import { runLane } from './run.js'
import { createTables } from './tables.js'
import { Ground } from './world.js'

const LANES = 3
const RUNS = Number(process.env.FETCHYARD_MODEL_RUNS ?? 2_000)
const SEED = Number(process.env.FETCHYARD_SEED ?? Math.floor(Math.random() * 2 ** 31))
const PATH = process.env.FETCHYARD_PATH
const RUN_TIME_MS = 1_000

/** Sequences by which every kind of command has found something to do. */
const RUNS_THAT_REACH_ALL = 1_000

/** Kinds of commands that are answered with what they did. */
const TELLING = [
  ...[
    'archive',
    'ask',
    'cancel',
    'crash',
    'enqueue',
    'fence',
    'fenceExpired',
    'fold',
    'heartbeat',
    'lease',
  ],
  ...[
    'pause',
    'promote',
    'reclaim',
    'releaseNode',
    'resend',
    'resume',
    'retire',
    'settle',
    'settleAll',
  ],
]

function expectEffects(grounds: readonly Ground[]): void {
  const reached = new Set(grounds.flatMap(({ effects }) => [...effects.keys()]))
  expect([...reached].sort(), 'commands that did something').to.deep.equal(TELLING)
}

describe(`model/queue (FETCHYARD_SEED=${SEED})`, () => {
  const databases = Array.from({ length: LANES }, () => useDatabaseClock(useDatabase()))

  it(`keeps I1 to I7 as the model has them, over ${RUNS} sequences`, async function () {
    this.timeout(60_000 + RUNS * RUN_TIME_MS)
    const lanes = databases.slice(0, PATH === undefined ? LANES : 1).map(async (clocked, n) => {
      await createTables(clocked.sql)
      const ground = await Ground.open(clocked)
      const runs = Math.ceil(RUNS / LANES)
      const verdict = await runLane({ ground, seed: SEED + n, runs, path: PATH })
      return { ...verdict, ground }
    })
    const verdicts = await Promise.all(lanes)
    const failures = verdicts.flatMap(({ failure }) => failure ?? [])
    expect(failures.join('\n\n')).to.equal('')
    if (PATH === undefined && RUNS >= RUNS_THAT_REACH_ALL)
      expectEffects(verdicts.map(({ ground }) => ground))
  })
})
