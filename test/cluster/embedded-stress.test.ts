import { expect } from 'chai'
import { describe, it } from 'mocha'
import { type Random, randomInteger, seededRandom, systemRandom } from '../../src/core/random.js'
import { postmastersBelow, startChild, useDirectory, withSql } from '../support/embedded.js'

/** Visits of one run, and how many of them happen at the same time. */
const VISITS = 24
const LANES = 4

describe('embedded/stress', () => {
  const directory = useDirectory()
  // FETCHYARD_TEST_SEED repeats a run's choices; how its processes interleave still varies.
  const given = process.env.FETCHYARD_TEST_SEED
  const drawn = randomInteger(systemRandom, { min: 1, max: 1_000_000 })
  const seed = given === undefined ? drawn : Number(given)

  it(`serves owners and guests that come, go and are killed (seed ${seed})`, async () => {
    const random = seededRandom(seed)
    let left = VISITS
    const lanes = Array.from({ length: LANES }, async () => {
      while (left > 0) {
        left -= 1
        await visit(random)
      }
    })
    await Promise.all(lanes)
    expect(await postmastersBelow(directory.path)).to.have.length.at.most(1)
  })

  /** Whoever is let in has a running server until it leaves; whoever is not is told why. */
  async function visit(random: Random): Promise<void> {
    const exclusive = random.next() < 0.4
    const isKilled = random.next() < 0.3
    const purpose = exclusive ? 'run' : 'status'
    const child = await startChild({ dataDir: directory.path, purpose, exclusive })
    if (child.report.event === 'failed') {
      expect(exclusive).to.equal(true)
      expect(child.report.message).to.contain('is in use by "run"')
      return
    }
    const rows = await withSql(child.report.connection, (sql) => sql`select 1 as one`)
    expect(rows).to.deep.equal([{ one: 1 }])
    expect(await postmastersBelow(directory.path)).to.have.length(1)
    await (isKilled ? child.kill('SIGKILL') : child.stop())
  }
})
