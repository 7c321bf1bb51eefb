import { expect } from 'chai'
import { distance, nearest, suggestion } from '../../../config/suggest.js'
import { readSizeMb, showDuration, showSizeMb } from '../../../config/units.js'
import { readDuration } from '../../../src/core/duration.js'

describe('config/units', () => {
  const durations: readonly (readonly [unknown, number | undefined])[] = [
    ['30s', 30_000],
    ['500ms', 500],
    ['2m', 120_000],
    ['1.5 s', 1_500],
    ['1H', 3_600_000],
    ['250', 250],
    [250, 250],
    ['', undefined],
    ['-1s', undefined],
    ['1 day', undefined],
    ['1e3', undefined],
    [null, undefined],
    [Number.NaN, undefined],
  ]
  for (const [raw, expected] of durations) {
    it(`reads the duration ${JSON.stringify(raw)} as ${expected}`, () => {
      expect(readDuration(raw)).to.equal(expected)
    })
  }

  it('reads sizes in megabytes', () => {
    expect(['512', '512mb', '2GB', '1g', 'x', '1kb'].map(readSizeMb)).to.deep.equal([
      512,
      512,
      2_048,
      1_024,
      undefined,
      undefined,
    ])
  })

  it('shows what it reads', () => {
    for (const durationMs of [1, 999, 1_000, 1_500, 90_000, 60_000, 3_600_000, 5_400_000]) {
      expect(readDuration(showDuration(durationMs))).to.equal(durationMs)
    }
    for (const sizeMb of [1, 512, 1_024, 1_500]) {
      expect(readSizeMb(showSizeMb(sizeMb))).to.equal(sizeMb)
    }
  })
})

describe('config/suggest', () => {
  it('counts the letters in which words differ', () => {
    expect(distance('lease', 'lease')).to.equal(0)
    expect(distance('leas', 'lease')).to.equal(1)
    expect(distance('', 'abc')).to.equal(3)
    expect(distance('rnu', 'run')).to.equal(1)
  })

  it('suggests the nearest word, and none when all are far', () => {
    const known = ['concurrency', 'lease', 'heartbeat']
    expect(nearest('concurency', known)).to.equal('concurrency')
    expect(nearest('xyz', known)).to.equal(null)
    expect(suggestion('heartbeet', known)).to.equal(' Did you mean `heartbeat`?')
    expect(suggestion('q', known)).to.equal('')
  })
})
