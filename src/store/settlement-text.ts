// How settlements travel to the server: those that differ in nothing but their item and its time
// are one object. Items of a pack mostly end alike, so that a statement of hundreds says it once.

import type { NextTry, Settlement } from '../core/settlement.js'

/**
 * What the statement reads the settlements from: a row for those that differ in nothing but item
 * and time, which are the lists `ids` and `ds`. Those that go back to the queue have the columns
 * from `w` to `s`, the others lack them: what is absent is null.
 */
export const SETTLEMENT_GROUPS = `(
        select p as pack_id, l as lease_id, e as event, c as code, a as ended_attempt,
               h as http_status, k as credits, m as credits_at_most, t as error,
               na is not null as goes_back, w as delay_ms, na as next_attempt, ns as next_snoozes,
               nc as next_crashes, nl as next_lonely_crashes, s as slice, f as is_lasting,
               o as cohort, r as step, g as next_lane, ids::bigint[] as item_ids,
               ds::integer[] as durations_ms
          from json_to_recordset($2::text::json) as given (
               p bigint, l bigint, e text, c text, a smallint, h smallint, k integer, m integer,
               t text, w integer, na smallint, ns smallint, nc smallint, nl smallint, s integer,
               f boolean, o text, r integer, g text, ids text, ds text))`

const SMALLINT_MAX = 32_767
const INTEGER_MAX = 2_147_483_647

/**
 * A figure for people, made to fit its column: one odd figure must not cost an item its results.
 */
function wireFigure(figure: number | null): number | null {
  if (figure === null || Number.isNaN(figure)) return null
  return Math.round(Math.min(Math.max(figure, 0), INTEGER_MAX))
}

/** A status that no server sends is no status. */
function wireHttpStatus(status: number | null): number | null {
  const whole = wireFigure(status)
  return whole === null || whole > SMALLINT_MAX ? null : whole
}

function wireOfNext(next: NextTry): object {
  return {
    w: Math.round(next.delayMs),
    na: next.attempt,
    ns: next.snoozes,
    nc: next.crashes,
    nl: next.lonelyCrashes,
    s: next.slice,
    g: next.lane,
  }
}

/** What several settlements may have in common. */
function wireOf(settlement: Settlement): object {
  const { next, trial } = settlement
  return {
    p: settlement.packId,
    l: settlement.leaseId,
    e: settlement.event,
    c: settlement.code,
    a: settlement.attempt,
    h: wireHttpStatus(settlement.httpStatus) ?? undefined,
    k: wireFigure(settlement.credits) ?? undefined,
    m: wireFigure(settlement.creditsAtMost ?? null) ?? undefined,
    t: settlement.error ?? undefined,
    f: settlement.isLasting === true ? true : undefined,
    o: trial?.cohort,
    r: trial?.step,
    ...(next === null ? {} : wireOfNext(next)),
  }
}

function isAlikeNext(one: NextTry | null, other: NextTry | null): boolean {
  if (one === null || other === null) return one === other
  return (
    one.delayMs === other.delayMs &&
    one.attempt === other.attempt &&
    one.snoozes === other.snoozes &&
    one.crashes === other.crashes &&
    one.lonelyCrashes === other.lonelyCrashes &&
    one.slice === other.slice &&
    one.lane === other.lane
  )
}

/** Whether nothing but item, time and rows differs. */
function isAlike(one: Settlement, other: Settlement): boolean {
  return (
    one.leaseId === other.leaseId &&
    one.packId === other.packId &&
    one.event === other.event &&
    one.code === other.code &&
    one.attempt === other.attempt &&
    one.httpStatus === other.httpStatus &&
    one.credits === other.credits &&
    one.creditsAtMost === other.creditsAtMost &&
    one.error === other.error &&
    one.isLasting === other.isLasting &&
    one.trial?.cohort === other.trial?.cohort &&
    one.trial?.step === other.trial?.step &&
    isAlikeNext(one.next, other.next)
  )
}

interface Group {
  readonly first: Settlement
  readonly ids: string[]
  readonly durations: (number | 'NULL')[]
}

/** What is settled of one lease. */
interface Lease {
  /** Items that were met. The statement counts on getting each once. */
  readonly met: Set<string>
  /** The groups that were met last. */
  groups: readonly Group[]
}

/** Groups of one lease that a settlement is compared with. */
const COMPARED_MAX = 4

/** The settlements as the text that `SETTLEMENT_GROUPS` reads: the first of each item and lease. */
export function settlementsText(settlements: readonly Settlement[]): string {
  const groups: Group[] = []
  const leases = new Map<string, Lease>()
  for (const settlement of settlements) {
    const { leaseId, itemId } = settlement
    let lease = leases.get(leaseId)
    if (lease === undefined) {
      lease = { met: new Set(), groups: [] }
      leases.set(leaseId, lease)
    }
    if (lease.met.has(itemId)) continue
    lease.met.add(itemId)
    let group = lease.groups.findLast(({ first }) => isAlike(first, settlement))
    if (group === undefined) {
      group = { first: settlement, ids: [], durations: [] }
      groups.push(group)
      lease.groups = [...lease.groups, group].slice(-COMPARED_MAX)
    }
    group.ids.push(itemId)
    group.durations.push(wireFigure(settlement.durationMs) ?? 'NULL')
  }
  return JSON.stringify(
    groups.map(({ first, ids, durations }) => ({
      ...wireOf(first),
      ids: `{${ids.join(',')}}`,
      ds: `{${durations.join(',')}}`,
    })),
  )
}
