import { expect } from 'chai'
import { latencyBucket } from '../../src/store/end-tally.js'
import { useYard } from '../support/factory.js'

describe('store/end-tally', () => {
  const yard = useYard()
  const bucketsOf = async (latencies: readonly number[]): Promise<readonly number[]> => {
    const rows = await yard.sql.unsafe<{ bucket: number }[]>(
      `select ${latencyBucket('given.ms')} as bucket
         from unnest($1::float8[]) with ordinality as given (ms, n) order by n`,
      [[...latencies]],
    )
    return rows.map((row) => row.bucket)
  }

  it('has a power of two in its own bucket and the next microsecond in the next one', async () => {
    // From a millisecond to half a year.
    const powers = Array.from({ length: 34 }, (_, exponent) => exponent)
    const whole = powers.map((exponent) => 2 * exponent)
    expect(await bucketsOf(powers.map((exponent) => 2 ** exponent))).to.deep.equal(whole)
    // Above that a microsecond is less than what is taken off.
    const short = powers.filter((exponent) => exponent < 20)
    const beyond = short.map((exponent) => 2 * exponent + 1)
    expect(await bucketsOf(short.map((exponent) => 2 ** exponent + 0.001))).to.deep.equal(beyond)
  })

  it('has the smallest bucket that is not below the latency', async () => {
    const latencies = [0.2, 1.2, 1.5, 5.7, 40, 180.5, 9_999.999, 3_600_000.001]
    const smallest = latencies.map((ms) => {
      let bucket = 0
      while (2 ** (bucket / 2) < ms) bucket += 1
      return bucket
    })
    expect(await bucketsOf(latencies)).to.deep.equal(smallest)
  })
})
