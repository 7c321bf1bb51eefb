import { expect } from 'chai'
import fc from 'fast-check'
import { LIMITS } from '../../../src/core/limits.js'
import {
  type AttemptFacts,
  OUTCOME_CODES,
  OUTCOMES,
  type OutcomeCode,
} from '../../../src/core/outcome.js'
import {
  decideSettlement,
  knownFailureSettlement,
  releaseSettlement,
  type SettleEvent,
  sinkFailure,
} from '../../../src/core/settlement.js'
import {
  completed,
  constantRandom,
  facts,
  failed,
  heldItem,
  retryPolicy,
} from '../../support/values.js'

const decide = (
  held: Parameters<typeof decideSettlement>[0],
  outcome: Parameters<typeof decideSettlement>[1],
) => decideSettlement(held, outcome, retryPolicy(), constantRandom())

describe('decideSettlement', () => {
  it('completes with rows and facts', () => {
    const rows = { contacts: [{ value: 'a' }] }
    const outcome = {
      result: 'complete',
      rows,
      facts: facts({ httpStatus: 200, credits: 5 }),
    } as const
    expect(decide(heldItem({ attempt: 1 }), outcome)).to.deep.include({
      ...{ event: 'complete', code: 'ok', attempt: 2, httpStatus: 200, credits: 5, durationMs: 12 },
      ...{ next: null, error: null, rows },
    })
  })

  it('releases without charging anything, and forgets no crash', () => {
    const held = heldItem({ attempt: 2, snoozes: 3, crashes: 4, lonelyCrashes: 1 })
    const released = releaseSettlement(held)
    expect(released).to.include({ event: 'release', durationMs: null })
    expect(released.next).to.deep.equal({
      ...{ delayMs: 0, attempt: 2, snoozes: 3, crashes: 4, lonelyCrashes: 1, slice: 0 },
    })
  })

  it('releases what was begun at the cost of its calls', () => {
    const cost = { credits: 1, creditsAtMost: 10 }
    expect(releaseSettlement(heldItem(), cost)).to.include({ event: 'release', ...cost })
  })

  it('knows a failure that lasts by its code, and only where one call was charged for it', () => {
    const isLasting = (code: OutcomeCode, given: Partial<AttemptFacts>) =>
      decide(heldItem(), failed(code, { facts: facts(given) })).isLasting ?? false
    const charged = { credits: 1, requests: 1 }
    const lasting = OUTCOME_CODES.filter((code) => isLasting(code, charged))
    expect(lasting).to.deep.equal(['too_large', 'http_4xx', 'content_type'])
    expect(isLasting('http_4xx', { requests: 1 }), 'free').to.equal(false)
    expect(isLasting('http_4xx', { credits: 0, requests: 1 }), 'not charged').to.equal(false)
    expect(isLasting('http_4xx', { credits: 2, requests: 2 }), 'which of two?').to.equal(false)
  })

  it('ends an item whose URL is known to fail, and says since when', () => {
    const known = { code: 'http_4xx', httpStatus: 404, day: '2026-01-31' }
    expect(knownFailureSettlement(heldItem(), known)).to.include({
      ...{ event: 'discard', code: 'known_failure', credits: null, httpStatus: null },
      error:
        'Its URL ended with http_4xx, HTTP 404 on 2026-01-31, which was charged; it was not ' +
        'asked for again.',
    })
  })

  const EVENTS: Readonly<Record<string, { first: SettleEvent; last: SettleEvent }>> = {
    retry: { first: 'retry', last: 'discard' },
    snooze: { first: 'snooze', last: 'snooze' },
    discard: { first: 'discard', last: 'discard' },
    cancel: { first: 'cancel', last: 'cancel' },
  }
  for (const code of OUTCOME_CODES) {
    const rule = EVENTS[OUTCOMES[code].rule]
    if (rule === undefined) continue
    it(`${code}: ${rule.first} while attempts are left, then ${rule.last}`, () => {
      const first = decide(heldItem({ attempt: 0 }), failed(code))
      const last = decide(heldItem({ attempt: 2 }), failed(code))
      expect(first).to.include({ event: rule.first, code, attempt: 1 })
      expect(last).to.include({ event: rule.last, code, attempt: 3 })
      for (const settlement of [first, last]) {
        const goesBack = settlement.event === 'retry' || settlement.event === 'snooze'
        expect(settlement.next !== null).to.equal(goesBack)
        expect(settlement.rows).to.deep.equal({})
      }
    })
  }

  it('charges a retry and not a snooze', () => {
    const held = heldItem({ attempt: 1, snoozes: 4, crashes: 2, lonelyCrashes: 1 })
    expect(decide(held, failed('dns')).next).to.include({
      ...{ attempt: 2, snoozes: 4, crashes: 0, lonelyCrashes: 0 },
    })
    expect(decide(held, failed('rate_limited')).next).to.include({
      ...{ attempt: 1, snoozes: 5, crashes: 0 },
    })
  })

  it('lets a snooze past the bound cost attempts, and ends at last', () => {
    const weary = heldItem({ snoozes: LIMITS.snoozesMax })
    expect(decide(weary, failed('rate_limited'))).to.include({ event: 'retry' })
    expect(decide({ ...weary, attempt: 2 }, failed('rate_limited'))).to.include({
      event: 'discard',
    })
  })

  // A plan without room for a minute would use up twenty waits of a second each.
  it('waits longer from snooze to snooze, up to the bound of the backoff', () => {
    const delays = [0, 1, 2, 3, 10, LIMITS.snoozesMax - 1].map(
      (snoozes) => decide(heldItem({ snoozes }), failed('rate_limited')).next?.delayMs,
    )
    expect(delays).to.deep.equal([500, 1_000, 2_000, 4_000, 30_000, 30_000])
    expect(decide(heldItem({ snoozes: 5 }), failed('dns')).next?.delayMs).to.equal(500)
  })

  it('honours a Retry-After for retry and snooze', () => {
    for (const code of ['http_5xx', 'rate_limited'] as const) {
      const { next } = decide(heldItem(), failed(code, { retryAfterMs: 30_000 }))
      expect(next?.delayMs).to.equal(31_500)
    }
  })

  it('makes any message one that a receipt can hold', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 1_200 }), (text) => {
        const message = `${text}\0\ud83d${text}\ude00`
        for (const code of ['dns', 'parse'] as const) {
          const { error } = decide(heldItem(), failed(code, { message }))
          expect(error?.length).to.be.at.most(LIMITS.errorTextMax)
          expect(error).to.not.match(/\p{Surrogate}|\0/u)
        }
      }),
    )
  })

  it('does not cut a character in two', () => {
    const message = `${'x'.repeat(LIMITS.errorTextMax - 1)}\u{1F600}`
    const { error } = decide(heldItem(), failed('parse', { message }))
    expect(error).to.equal(`${'x'.repeat(LIMITS.errorTextMax - 1)}\uFFFD`)
  })

  it('always ends: every item is final after its attempts and snoozes', () => {
    const codes = fc.array(
      fc.constantFrom(...OUTCOME_CODES.filter((code) => EVENTS[OUTCOMES[code].rule])),
      { minLength: 30, maxLength: 30 },
    )
    fc.assert(
      fc.property(codes, (sequence) => {
        let held = heldItem()
        for (const code of sequence) {
          const { next } = decide(held, failed(code))
          if (next === null) return
          const { attempt, snoozes, crashes, lonelyCrashes } = next
          held = { ...held, attempt, snoozes, crashes, lonelyCrashes }
        }
        expect.fail('30 failures did not end the item')
      }),
    )
  })
})

describe('sinkFailure', () => {
  it('ends the item without its rows', () => {
    const outcome = { ...completed(), rows: { contacts: [{ value: 'a' }] } } as const
    const refused = sinkFailure(decide(heldItem(), outcome), `no\0 ${'\u{1F600}'.repeat(300)}`)
    expect(refused).to.deep.include({ event: 'discard', code: 'sink', next: null, rows: {} })
    expect(refused.error).to.not.match(/\p{Surrogate}|\0/u)
  })
})
