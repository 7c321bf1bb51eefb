import { expect } from 'chai'
import { describe, it } from 'mocha'
import { type Evidence, reckon } from '../../../supervisor/torture/check.js'
import type { OriginCall } from '../../../supervisor/torture/origin.js'

const AUDIT = {
  auditedAt: '2026-01-01',
  enqueued: 2,
  queued: 0,
  processing: 0,
  delayed: 0,
  finished: 2,
  retired: 0,
  lost: 0,
  appliedTwice: 0,
  fetchedAgain: 0,
  awaitingReclaim: 0,
  notes: [],
  checks: [{ invariant: 'I1', promise: 'nothing is lost', violations: 0, examples: [] }],
  isClean: true,
} as const

const call = (fields: Partial<OriginCall>): OriginCall => ({
  key: 'a',
  leaseId: '1',
  attempt: 1,
  call: 'x',
  who: '7',
  visit: 1,
  state: 'answered',
  ...fields,
})

const receipt = (fields: Partial<Evidence['receipts'][number]>) => ({
  key: 'a',
  itemId: '1',
  leaseId: '1',
  attempt: 1,
  status: 'success',
  code: 'ok',
  error: null,
  ...fields,
})

type Own = NonNullable<Evidence['own']>

/**
 * Item a lost its worker under lease 1 and is complete under lease 2; item b failed for good. Nothing
 * is wrong.
 */
const OWN: Own = {
  keysFed: ['a', 'b'],
  keysStored: ['a', 'b'],
  results: [{ key: 'a', call: 'y', leaseId: '2' }],
  calls: [
    call({ state: 'dropped' }),
    call({ leaseId: '2', call: 'y', visit: 2 }),
    call({ key: 'b', leaseId: '3', call: 'z', state: 'failed' }),
  ],
}

const CLEAN: Evidence = {
  audit: AUDIT,
  receipts: [
    receipt({ status: 'reclaimed', code: 'worker_lost' }),
    receipt({ leaseId: '2' }),
    receipt({ key: 'b', leaseId: '3', status: 'error', code: 'http_4xx', error: 'HTTP 404' }),
  ],
  faults: [{ number: 1, kind: 'kill-worker', atMs: 0, endedMs: 1, target: 'worker 7' }],
  leftovers: { leasedPacks: 0, unfencedNodes: [], idleTransactions: 0, processes: [], files: [] },
  strangeEnds: [],
  drainedMs: 10,
  drainBoundMs: 20,
  slots: 1,
  fences: 0,
  unprovenLeases: [],
  own: OWN,
}

const own = (fields: Partial<Own>): Evidence => ({ ...CLEAN, own: { ...OWN, ...fields } })
const receipts = (...more: readonly Partial<Evidence['receipts'][number]>[]): Evidence => ({
  ...CLEAN,
  receipts: [...CLEAN.receipts, ...more.map(receipt)],
})

/** Each damage and the words in which it must be told. */
const DAMAGES: readonly (readonly [damage: string, evidence: Evidence, told: string])[] = [
  ['an item that the database forgot', own({ keysFed: ['a', 'b', 'c'] }), 'c'],
  ['an item without an end', own({ keysStored: ['a', 'b', 'c'] }), 'c ended 0 times'],
  ['an item that ended twice', receipts({ key: 'b', leaseId: '3' }), 'b ended 2 times'],
  ['a result that is gone', own({ results: [] }), 'a is complete and has no result'],
  [
    'a result that was applied twice',
    own({ results: [...OWN.results, { key: 'a', call: 'x', leaseId: '1' }] }),
    'a was applied 2 times',
  ],
  [
    'a result of a lease that had lost it',
    own({ results: [{ key: 'a', call: 'x', leaseId: '1' }] }),
    'a was written by 1, not by 2',
  ],
  [
    'a result of a failed item',
    own({ results: [...OWN.results, { key: 'b', call: 'z', leaseId: '3' }] }),
    'b has results and no receipt of success',
  ],
  [
    'a page that was never served',
    own({ results: [{ key: 'a', call: 'made up', leaseId: '2' }] }),
    'a holds a page that was never served',
  ],
  [
    'a fetch under a lease without a receipt',
    own({ calls: [...OWN.calls, call({ leaseId: '9', call: 'w', visit: 3 })] }),
    'a 9 (7 answered) has no receipt',
  ],
  [
    'an item worked twice under one lease',
    own({ calls: [...OWN.calls, call({ leaseId: '2', call: 'w', visit: 3, who: '8' })] }),
    'a 2 (7 answered, 8 answered) was worked 2 times',
  ],
  ['more fetched again than the dead held', { ...CLEAN, faults: [] }, '1 were'],
  [
    'a failure without a reason',
    receipts({ key: 'c', status: 'error', code: 'http_5xx' }),
    'c: http_5xx without words',
  ],
  ['a queue that is not worked off', { ...CLEAN, drainedMs: null }, 'it never was'],
  ['a queue that is worked off late', { ...CLEAN, drainedMs: 21 }, 'it took 21 ms'],
  ['a supervisor that ends by itself', { ...CLEAN, strangeEnds: ['it fell'] }, 'it fell'],
  ['a result without proof', { ...CLEAN, unprovenLeases: ['77'] }, '77'],
  [
    'a broken promise of the audit',
    {
      ...CLEAN,
      audit: { ...AUDIT, checks: [{ ...AUDIT.checks[0], violations: 1, examples: ['9'] }] },
    },
    '9',
  ],
  ...(
    [
      ['leasedPacks', 2, '2 leased packs'],
      ['unfencedNodes', ['torture-0'], 'torture-0'],
      ['idleTransactions', 1, '1 transactions'],
      ['processes', ['process 9'], 'process 9'],
      ['files', ['core'], 'core'],
    ] as const
  ).map(
    ([name, value, told]) =>
      [
        `${name} that are left`,
        { ...CLEAN, leftovers: { ...CLEAN.leftovers, [name]: value } },
        told,
      ] as const,
  ),
]

describe('torture/check', () => {
  it('finds nothing where nothing is wrong, and counts what was', () => {
    const { problems, figures } = reckon(CLEAN)

    expect(problems).to.deep.equal([])
    expect(figures).to.deep.equal({
      items: 2,
      complete: 1,
      failed: 1,
      failedBy: { http_4xx: 1 },
      lost: 0,
      appliedTwice: 0,
      retries: 0,
      reclaims: 1,
      fetches: 3,
      fetchedAgain: 1,
      fetchedAgainByDeath: 1,
      fetchedAgainMax: 1,
      drainedMs: 10,
    })
  })

  for (const [damage, evidence, told] of DAMAGES) {
    it(`finds ${damage}`, () => {
      const { problems } = reckon(evidence)
      expect(problems.flatMap(({ examples }) => examples)).to.include(told)
      for (const { violations } of problems) expect(violations).to.be.above(0)
    })
  }

  it('takes a request that went over the wire twice for one fetch', () => {
    const [, second = call({})] = OWN.calls
    const { problems, figures } = reckon(own({ calls: [...OWN.calls, { ...second, visit: 3 }] }))
    expect(problems).to.deep.equal([])
    expect(figures.fetches).to.equal(3)
  })
})
