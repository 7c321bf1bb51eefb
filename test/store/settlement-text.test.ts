import { expect } from 'chai'
import type { NextTry, Settlement } from '../../src/core/settlement.js'
import { SETTLEMENT_GROUPS, settlementsText } from '../../src/store/settlement-text.js'
import { useYard } from '../support/factory.js'

const COMPLETE: Settlement = {
  itemId: '1',
  packId: '7',
  leaseId: '70',
  event: 'complete',
  code: 'ok',
  attempt: 1,
  httpStatus: 200,
  durationMs: 12,
  credits: null,
  error: null,
  next: null,
  rows: {},
}

const NEXT: NextTry = {
  delayMs: 1_500.4,
  attempt: 2,
  snoozes: 3,
  crashes: 4,
  lonelyCrashes: 5,
  slice: 1,
  lane: 'shop.example',
}

const RETRY: Settlement = { ...COMPLETE, event: 'retry', code: 'dns', next: NEXT }

/** Two that differ in one thing, for each thing in which they can. */
const PAIRS: readonly (readonly [Settlement, Settlement])[] = [
  ...(
    [
      { durationMs: null },
      { packId: '8' },
      { leaseId: '71' },
      { event: 'discard' },
      { code: 'http_4xx' },
      { attempt: 2 },
      { httpStatus: null },
      { credits: 0 },
      { creditsAtMost: 5 },
      { error: 'quote " and \\ and {,}' },
      { isLasting: true },
      { trial: { cohort: 'sequential', step: 3 } },
      { next: NEXT },
    ] as const
  ).map((difference) => [COMPLETE, { ...COMPLETE, ...difference }] as const),
  ...(
    [
      { cohort: 'sequential', step: 4 },
      { cohort: 'concurrent', step: 3 },
    ] as const
  ).map((trial) => {
    const base = { ...COMPLETE, trial: { cohort: 'sequential', step: 3 } } as const
    return [base, { ...base, trial }] as const
  }),
  ...(
    [
      ...(['delayMs', 'attempt', 'snoozes', 'crashes', 'lonelyCrashes', 'slice'] as const).map(
        (name) => ({ [name]: 9 }),
      ),
      { lane: 'other.example' },
    ] as const
  ).map((difference) => [RETRY, { ...RETRY, next: { ...NEXT, ...difference } }] as const),
]

/** As the statement should read it. */
function rowOf(one: Settlement): object {
  const { next } = one
  return {
    ...{ i: one.itemId, p: one.packId, l: one.leaseId, e: one.event, c: one.code, a: one.attempt },
    ...{ h: one.httpStatus, d: one.durationMs, k: one.credits, m: one.creditsAtMost ?? null },
    ...{ t: one.error, f: one.isLasting ?? null, o: one.trial?.cohort ?? null },
    r: one.trial?.step ?? null,
    w: next === null ? null : Math.round(next.delayMs),
    ...{ na: next?.attempt ?? null, ns: next?.snoozes ?? null, nc: next?.crashes ?? null },
    ...{ nl: next?.lonelyCrashes ?? null, s: next?.slice ?? null, g: next?.lane ?? null },
  }
}

describe('store/settlement-text', () => {
  const yard = useYard()
  const read = (settlements: readonly Settlement[]): Promise<readonly object[]> =>
    yard.sql.unsafe(
      `select i, pack_id as p, lease_id as l, event as e, code as c, ended_attempt as a,
              http_status as h, d, credits as k, credits_at_most as m, error as t, is_lasting as f,
              cohort as o, step as r, delay_ms as w, next_attempt as na, next_snoozes as ns,
              next_crashes as nc, next_lonely_crashes as nl, slice as s, next_lane as g
         from ${SETTLEMENT_GROUPS} as given
        cross join lateral unnest(item_ids, durations_ms) as one (i, d)
        where $1::text is null order by i`,
      [null, settlementsText(settlements)],
    )

  it('loses nothing of settlements that differ in one thing, in either order', async () => {
    for (const pair of PAIRS.flatMap((pair) => [pair, pair.toReversed()])) {
      const settlements = pair.map((one, index) => ({ ...one, itemId: `${index + 1}` }))
      const rows = await read(settlements)
      expect(rows.map((row) => ({ ...row }))).to.deep.equal(settlements.map(rowOf))
    }
  })

  it('loses nothing of many that take turns', async () => {
    const ends = PAIRS.flat()
    const settlements = Array.from({ length: 300 }, (_, index) => {
      const end = ends[(index * 7) % ends.length] ?? COMPLETE
      return { ...end, itemId: `${index + 1}` }
    })
    const rows = await read(settlements)
    expect(rows.map((row) => ({ ...row }))).to.deep.equal(settlements.map(rowOf))
  })

  it('says an item once a lease, however often it is settled', async () => {
    const late: Settlement = { ...RETRY, itemId: '1' }
    const other: Settlement = { ...RETRY, itemId: '1', leaseId: '72' }
    const rows = await read([{ ...COMPLETE, itemId: '1' }, late, other])
    expect(rows.map((row) => ({ ...row }))).to.have.deep.members([
      rowOf({ ...COMPLETE, itemId: '1' }),
      rowOf(other),
    ])
  })

  it('says once what the items of a lease have in common', () => {
    const settlements = Array.from({ length: 200 }, (_, index): Settlement => {
      const isOther = index % 2 === 1
      const lease = isOther ? { packId: '8', leaseId: '71' } : {}
      return { ...COMPLETE, ...lease, itemId: `${index}`, durationMs: index }
    })
    expect(JSON.parse(settlementsText(settlements))).to.have.length(2)
  })
})
