import { expect } from 'chai'
import { messageOf } from '../../../src/core/errors.js'
import { durationMsOf, nextOfGrid, scheduleWords } from '../../../src/core/schedule.js'
import { nextTick } from '../../../src/workflow/next-tick.js'
import { validateWorkflow } from '../../../src/workflow/validate.js'

const at = (now: string, chance = 0) => ({
  now: new Date(now),
  anchor: new Date('2026-01-01T00:00:00Z'),
  chance,
})
const iso = (date: Date | null) => date?.toISOString() ?? null

describe('workflow/schedule', () => {
  it('reads durations with a unit, and nothing else', () => {
    const read = ['500ms', '30s', '5m', '2h', '1d'].map(durationMsOf)
    expect(read).to.deep.equal([500, 30_000, 300_000, 7_200_000, 86_400_000])
    for (const text of ['', '5', 'm', '5 years', '-5m', 5, null]) {
      expect(durationMsOf(text), `${text}`).to.equal(null)
    }
  })

  it('ticks once after any number of missed moments, on the grid of the interval', () => {
    const grid = { everyMs: 100, jitterMs: 0, anchorMs: 1_000 }
    expect(
      [1_000, 1_001, 1_099, 1_100, 99_950].map((now) => nextOfGrid(grid, now, 0)),
    ).to.deep.equal([1_100, 1_100, 1_100, 1_200, 100_000])
  })

  it('comes later by its jitter, and always after now', () => {
    const schedule = { every: '1h', jitter: '10m' }
    expect(iso(nextTick(schedule, at('2026-01-01T05:30:00Z', 0)))).to.equal(
      '2026-01-01T06:00:00.000Z',
    )
    expect(iso(nextTick(schedule, at('2026-01-01T05:30:00Z', 0.5)))).to.equal(
      '2026-01-01T06:05:00.000Z',
    )
    // A tick that came by its jitter is followed by the next moment of the grid.
    expect(iso(nextTick(schedule, at('2026-01-01T06:05:00Z', 0)))).to.equal(
      '2026-01-01T07:00:00.000Z',
    )
  })

  it('follows a cron expression in its time zone, over the change of the clocks', () => {
    const berlin = { cron: '30 3 * * *', timeZone: 'Europe/Berlin' }
    expect(iso(nextTick(berlin, at('2026-03-28T12:00:00Z')))).to.equal('2026-03-29T01:30:00.000Z')
    expect(iso(nextTick(berlin, at('2026-01-10T12:00:00Z')))).to.equal('2026-01-11T02:30:00.000Z')
    expect(iso(nextTick({ cron: '0 0 * * *' }, at('2026-01-10T12:00:00Z')))).to.equal(
      '2026-01-11T00:00:00.000Z',
    )
  })

  it('is told in words', () => {
    expect(scheduleWords({ every: '5m', jitter: '30s' })).to.equal('every 5m, up to 30s later')
    expect(scheduleWords({ cron: '0 3 * * *' })).to.equal('0 3 * * * (UTC)')
  })

  const violationsOf = (schedule: unknown): readonly string[] => {
    try {
      validateWorkflow({ name: 'flow', sinks: {}, work: () => ({}), schedule }, 'flow.js')
      return []
    } catch (error) {
      return messageOf(error).split('\n- ').slice(1)
    }
  }

  for (const schedule of [
    { every: '5m' },
    { every: '5m', jitter: '4m', batch: 100, maxInstances: 3 },
    { cron: '*/5 * * * *' },
    { cron: '15 */5 * * * *', timeZone: 'America/New_York' },
  ]) {
    it(`accepts ${JSON.stringify(schedule)}`, () => {
      expect(violationsOf(schedule)).to.deep.equal([])
    })
  }

  const REFUSED: readonly (readonly [unknown, RegExp])[] = [
    ['5m', /`schedule`: expected an object, got "5m"\. For example/],
    [{}, /`schedule`: expected either `every` or `cron`, got nothing/],
    [{ every: '5m', cron: '* * * * *' }, /either `every` or `cron`, got "both"/],
    [{ every: '5 minutes' }, /`schedule\.every`: expected a duration from 1s to 366d/],
    [{ every: '10ms' }, /`schedule\.every`/],
    [{ every: '5m', jitter: '5m' }, /`schedule\.jitter`: expected a duration shorter than/],
    [{ every: '5m', timeZone: 'UTC' }, /`schedule\.timeZone`: expected nothing beside `every`/],
    [{ cron: 'every day' }, /`schedule\.cron`: expected a cron expression.*For example/],
    [{ cron: '61 * * * *' }, /`schedule\.cron`/],
    [{ cron: '0 0 30 2 *' }, /`schedule\.cron`.*comes again/],
    [{ cron: '2030-01-01T00:00:00' }, /`schedule\.cron`/],
    [{ cron: '* * * * *', timeZone: 'Mars/Olympus' }, /`schedule\.timeZone`: expected an IANA/],
    [{ every: '5m', batch: 0 }, /`schedule\.batch`: expected a whole number from 1/],
    [{ every: '5m', maxInstances: 1.5 }, /`schedule\.maxInstances`/],
    [{ every: '5m', instances: 2 }, /`schedule\.instances`: expected no such field/],
  ]
  for (const [schedule, words] of REFUSED) {
    it(`refuses ${JSON.stringify(schedule)}, with the field and the rule`, () => {
      expect(violationsOf(schedule)).to.have.length(1)
      expect(violationsOf(schedule)[0]).to.match(words)
    })
  }
})
