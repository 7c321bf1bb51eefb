import { expect } from 'chai'
import fc from 'fast-check'
import { LIMITS } from '../../../src/core/limits.js'
import { parseHttpDate, parseRetryAfter } from '../../../src/fetch/retry-after.js'

const NOW = Date.UTC(2026, 0, 31, 12, 0, 0)
const at = (offsetMs: number) => new Date(NOW + offsetMs).toUTCString()

describe('fetch/retry-after', () => {
  const cases: readonly (readonly [string | undefined, string | undefined, number | undefined])[] =
    [
      [undefined, undefined, undefined],
      ['1', undefined, 1_000],
      [' 120 ', undefined, 120_000],
      ['0', undefined, undefined],
      ['-5', undefined, undefined],
      ['1.5', undefined, undefined],
      ['1e3', undefined, undefined],
      ['0x10', undefined, undefined],
      ['soon', undefined, undefined],
      ['', undefined, undefined],
      ['999999999999', undefined, LIMITS.retryDelayMsMax],
      ['99999999999999999999999', undefined, undefined],
      [at(90_000), undefined, 90_000],
      [at(-90_000), undefined, undefined],
      // The server's clock is an hour ahead; only the difference to its own Date counts.
      [at(3_690_000), at(3_600_000), 90_000],
      [at(-3_510_000), at(-3_600_000), 90_000],
      [at(90_000), 'garbage', 90_000],
      ['Saturday, 31-Jan-26 12:01:00 GMT', undefined, 60_000],
      ['Sat Jan 31 12:01:00 2026', undefined, 60_000],
      ['Sat Feb  1 12:00:00 2026', undefined, LIMITS.retryDelayMsMax],
      ['Sat, 31 Jan 2026 12:01:00 +0100', undefined, undefined],
      ['Sat, 31 Foo 2026 12:01:00 GMT', undefined, undefined],
      ['Sat, 31 Jan 2026 25:01:00 GMT', undefined, undefined],
      ['2026-01-31T12:01:00Z', undefined, undefined],
    ]
  for (const [value, date, expected] of cases) {
    it(`${JSON.stringify(value)} with Date ${JSON.stringify(date)}: ${expected}`, () => {
      expect(parseRetryAfter(value, { date, wallMs: NOW })).to.equal(expected)
    })
  }

  it('is undefined or a positive time within the bound, for any header', () => {
    const header = fc.oneof(fc.string(), fc.integer().map(String), fc.date().map(String))
    fc.assert(
      fc.property(header, header, fc.integer({ min: 0 }), (value, date, wallMs) => {
        const delayMs = parseRetryAfter(value, { date, wallMs })
        if (delayMs !== undefined) expect(delayMs).to.be.within(1, LIMITS.retryDelayMsMax)
      }),
    )
  })

  it('reads every date that JavaScript writes', () => {
    const day = fc.date({
      min: new Date('1970-01-01T00:00:00Z'),
      max: new Date('9999-12-31T23:59:59Z'),
      noInvalidDate: true,
    })
    fc.assert(
      fc.property(day, (date) => {
        const seconds = Math.floor(date.getTime() / 1_000) * 1_000
        expect(parseHttpDate(date.toUTCString())).to.equal(seconds)
      }),
    )
  })
})
