// The store against its model: random sequences of commands on a real Postgres, whose clock the
// test sets. FETCHYARD_MODEL_RUNS says how many; a failure prints the seed and the path that replay
// it.

import { expect } from 'chai'
import { migrate } from '../../src/store/migrate.js'
import { useDatabase } from '../support/database.js'
import { useDatabaseClock } from '../support/database-clock.js'
import { runLane } from './run.js'
import { Ground } from './world.js'

const LANES = 3
const RUNS = Number(process.env.FETCHYARD_MODEL_RUNS ?? 2_000)
const SEED = Number(process.env.FETCHYARD_SEED ?? Math.floor(Math.random() * 2 ** 31))
const PATH = process.env.FETCHYARD_PATH
const RUN_TIME_MS = 1_000

describe(`model/queue (FETCHYARD_SEED=${SEED})`, () => {
  const databases = Array.from({ length: LANES }, () => useDatabaseClock(useDatabase()))

  it(`keeps I1 to I7 as the model has them, over ${RUNS} sequences`, async function () {
    this.timeout(60_000 + RUNS * RUN_TIME_MS)
    const lanes = databases.slice(0, PATH === undefined ? LANES : 1).map(async (clocked, n) => {
      await migrate(clocked.sql)
      const ground = await Ground.prepare(clocked)
      const runs = Math.ceil(RUNS / LANES)
      const verdict = await runLane({ ground, seed: SEED + n, runs, path: PATH })
      return { ...verdict, ground }
    })
    const verdicts = await Promise.all(lanes)
    const failures = verdicts.flatMap(({ failure }) => failure ?? [])
    expect(failures.join('\n\n')).to.equal('')
  })
})
