// The reckoning: three witnesses that do not know each other - the origin's log, the receipts, and
// the results - held against each other. Pure: evidence in, figures and broken promises out.

import type { AuditReport } from '../../src/store/audit.js'
import type { DatabaseLeftovers, StormReceipt, StormResult } from '../../src/store/torture.js'
import { DEADLY, FAULT_NAMES, OUTAGES } from './faults.js'
import type { OriginCall } from './origin.js'
import type { FaultRecord } from './storm.js'

/** A promise that was broken, with some of the offenders. */
export interface Problem {
  readonly promise: string
  readonly violations: number
  readonly examples: readonly string[]
}

/** What is left when everything has ended. */
export interface Leftovers extends DatabaseLeftovers {
  readonly processes: readonly string[]
  readonly files: readonly string[]
}

export interface Evidence {
  readonly audit: AuditReport
  readonly receipts: readonly StormReceipt[]
  readonly faults: readonly FaultRecord[]
  readonly leftovers: Leftovers
  readonly strangeEnds: readonly string[]
  /** Time from the end of the storm until the queue was empty; null when it did not become so. */
  readonly drainedMs: number | null
  readonly drainBoundMs: number
  /** Slots of one supervisor. */
  readonly slots: number
  /** Nodes that were fenced because their lease ran out, be it by a fault or by a busy machine. */
  readonly fences: number
  /** Leases that wrote results of a user's workflow and have no receipt of success. */
  readonly unprovenLeases: readonly string[]
  /** Items whose whole life the storm has seen; null for a workflow that brings its own. */
  readonly own: {
    readonly keysFed: readonly string[]
    readonly keysStored: readonly string[]
    readonly results: readonly StormResult[]
    readonly calls: readonly OriginCall[]
  } | null
}

export interface Figures {
  readonly items: number
  readonly complete: number
  readonly failed: number
  /** Final errors by outcome code. */
  readonly failedBy: { readonly [code: string]: number }
  readonly lost: number
  readonly appliedTwice: number
  readonly retries: number
  /** Ends of leases by the death of their holder. */
  readonly reclaims: number
  /** Calls of the origin; null when it was not ours. */
  readonly fetches: number | null
  readonly fetchedAgain: number | null
  /** Those of them that a death explains; the rest followed an attempt that failed. */
  readonly fetchedAgainByDeath: number | null
  readonly fetchedAgainMax: number
  readonly drainedMs: number | null
}

export interface Reckoning {
  readonly figures: Figures
  readonly problems: readonly Problem[]
}

const EXAMPLES_MAX = 10
const FINAL = new Set(['success', 'error', 'cancelled'])

export function reckon(evidence: Evidence): Reckoning {
  const figures = figuresOf(evidence)
  const problems = [
    ...auditProblems(evidence),
    ...ownProblems(evidence, figures),
    problem('every result names the lease of a receipt of success', evidence.unprovenLeases),
    problem('every item that failed has a reason', [
      ...evidence.receipts
        .filter(({ status, error }) => status === 'error' && (error ?? '') === '')
        .map(({ key, code }) => `${key}: ${code} without words`),
    ]),
    ...drainProblems(evidence),
    problem('no supervisor ends for a reason of its own', evidence.strangeEnds),
    ...leftoverProblems(evidence.leftovers),
  ]
  return { figures, problems: problems.filter(({ violations }) => violations > 0) }
}

function problem(promise: string, offenders: readonly string[]): Problem {
  return { promise, violations: offenders.length, examples: offenders.slice(0, EXAMPLES_MAX) }
}

function auditProblems({ audit }: Evidence): readonly Problem[] {
  return audit.checks.map(({ invariant, promise, violations, examples }) => ({
    promise: `${invariant}: ${promise}`,
    violations,
    examples: examples.slice(0, EXAMPLES_MAX),
  }))
}

function drainProblems({ drainedMs, drainBoundMs }: Evidence): readonly Problem[] {
  if (drainedMs !== null && drainedMs <= drainBoundMs) return []
  const found = drainedMs === null ? 'it never was' : `it took ${drainedMs} ms`
  return [problem(`the queue is worked off ${drainBoundMs} ms after the last fault`, [found])]
}

function leftoverProblems(left: Leftovers): readonly Problem[] {
  const count = (n: number, what: string) => (n === 0 ? [] : [`${n} ${what}`])
  return [
    problem('no lease is left', count(left.leasedPacks, 'leased packs')),
    problem('no node is left that counts as living', left.unfencedNodes),
    problem('no transaction is left idle', count(left.idleTransactions, 'transactions')),
    problem('no process is left', left.processes),
    problem('no temporary file is left', left.files),
  ]
}

/** Promises about items whose whole life the storm has seen. */
function ownProblems({ own, receipts }: Evidence, figures: Figures): readonly Problem[] {
  if (own === null) return []
  const ends = receipts.filter(({ status }) => FINAL.has(status))
  const stored = new Set(own.keysStored)
  const endsOf = countBy(ends, ({ key }) => key)
  const unexplained = Math.max(0, (figures.fetchedAgainByDeath ?? 0) - figures.fetchedAgainMax)
  return [
    problem(
      'every item that was enqueued is there',
      own.keysFed.filter((key) => !stored.has(key)),
    ),
    problem(
      'every item ends exactly once',
      own.keysStored.flatMap((key) => {
        const times = endsOf.get(key) ?? 0
        return times === 1 ? [] : [`${key} ended ${times} times`]
      }),
    ),
    problem('every result is applied once, by the lease that is named', resultFaults(own, ends)),
    problem('every fetch is explained by a receipt of its lease', callFaults(own.calls, receipts)),
    problem(
      `fetched again by deaths: at most what the dead held (${figures.fetchedAgainMax})`,
      unexplained === 0 ? [] : [`${figures.fetchedAgainByDeath} were`],
    ),
  ]
}

type Own = NonNullable<Evidence['own']>

/** Rows against receipts of success, and both against the pages that the origin handed over. */
function resultFaults(own: Own, ends: readonly StormReceipt[]): readonly string[] {
  const answered = new Set(own.calls.filter(({ state }) => state === 'answered').map(callName))
  const rowsOf = groupBy(own.results, ({ key }) => key)
  const successes = new Map(
    ends.filter(({ status }) => status === 'success').map((end) => [end.key, end]),
  )
  const ofRows = [...rowsOf].flatMap(([key, rows]) => {
    const lease = successes.get(key)?.leaseId
    if (lease === undefined) return [`${key} has results and no receipt of success`]
    if (rows.length > 1) return [`${key} was applied ${rows.length} times`]
    return rows.flatMap((row) => {
      if (row.leaseId !== lease) return [`${key} was written by ${row.leaseId}, not by ${lease}`]
      return answered.has(callName(row)) ? [] : [`${key} holds a page that was never served`]
    })
  })
  const missing = [...successes.keys()].filter((key) => !rowsOf.has(key))
  return [...ofRows, ...missing.map((key) => `${key} is complete and has no result`)]
}

const callName = (of: { readonly key: string; readonly leaseId: string; readonly call: string }) =>
  `${of.key} ${of.leaseId} ${of.call}`

/**
 * A page is asked for under a lease by one run of the handler, and that lease has ended with a
 * receipt for this very item.
 */
function callFaults(
  calls: readonly OriginCall[],
  receipts: readonly StormReceipt[],
): readonly string[] {
  const known = new Set(receipts.map(({ key, leaseId }) => `${key} ${leaseId}`))
  const runs = groupBy(calls, ({ key, leaseId }) => `${key} ${leaseId}`)
  return [...runs].flatMap(([name, made]) => {
    const handlers = new Set(made.map(({ call }) => call)).size
    const words = `${name} (${made.map(({ who, state }) => `${who} ${state}`).join(', ')})`
    if (handlers > 1) return [`${words} was worked ${handlers} times`]
    return known.has(name) ? [] : [`${words} has no receipt`]
  })
}

function figuresOf(evidence: Evidence): Figures {
  const { own, receipts, audit, drainedMs } = evidence
  const ofStatus = (status: string) => receipts.filter((receipt) => receipt.status === status)
  const failures = ofStatus('error')
  const reclaims = ofStatus('reclaimed')
  const complete = ofStatus('success').length
  return {
    items: own === null ? complete + failures.length : own.keysStored.length,
    complete,
    failed: failures.length,
    failedBy: Object.fromEntries(countBy(failures, ({ code }) => code)),
    lost: audit.lost,
    appliedTwice: audit.appliedTwice,
    retries: ofStatus('retry').length,
    reclaims: reclaims.length,
    ...(own === null
      ? { fetches: null, fetchedAgain: null, fetchedAgainByDeath: null }
      : fetchesOf(own.calls, reclaims)),
    fetchedAgainMax: fetchedAgainMax(evidence),
    drainedMs,
  }
}

/** Handlers' runs, not requests: one that went over the wire twice is one. */
function fetchesOf(calls: readonly OriginCall[], reclaims: readonly StormReceipt[]) {
  const runs = new Set(calls.map(callName)).size
  const asked = new Set(calls.map(({ key, leaseId }) => `${key} ${leaseId}`))
  return {
    fetches: runs,
    fetchedAgain: runs - new Set(calls.map(({ key }) => key)).size,
    // A lease that ended by a death and under which nothing was asked for cost no fetch.
    fetchedAgainByDeath: reclaims.filter(({ key, leaseId }) => asked.has(`${key} ${leaseId}`))
      .length,
  }
}

/**
 * What the dead can have held: the slots of each, and for a supervisor that died while the database
 * was away also what it had fetched and could not settle.
 */
function fetchedAgainMax({ faults, slots, fences }: Evidence): number {
  const deaths = faults.filter(({ kind }) => DEADLY.has(kind))
  const outages = faults.filter(({ kind }) => OUTAGES.has(kind))
  const withBacklog = deaths.filter(
    ({ kind, atMs }) =>
      (kind === 'kill-supervisor' || kind === 'freeze') &&
      outages.some((outage) => outage.atMs <= atMs && atMs <= outage.endedMs + SETTLING_MS),
  )
  const backlogs = withBacklog.length + fences
  return (deaths.length + fences + backlogs * LEASED_AHEAD) * slots
}

/**
 * What a supervisor can have fetched and not settled, in times of its slots: while the database is
 * away it leases nothing, so that it is what it had leased ahead.
 */
const LEASED_AHEAD = 4
/** Time in which what waited for the database has been settled once it is back. */
const SETTLING_MS = 2_000

export function countBy<T>(list: readonly T[], nameOf: (one: T) => string): Map<string, number> {
  const counts = new Map<string, number>()
  for (const one of list) counts.set(nameOf(one), (counts.get(nameOf(one)) ?? 0) + 1)
  return counts
}

function groupBy<T>(list: readonly T[], nameOf: (one: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>()
  for (const one of list) {
    const found = groups.get(nameOf(one))
    if (found === undefined) groups.set(nameOf(one), [one])
    else found.push(one)
  }
  return groups
}

/** How often each kind was done, for kinds that were. */
export function faultCounts(faults: readonly FaultRecord[]): { readonly [kind: string]: number } {
  const counts = countBy(faults, ({ kind }) => kind)
  return Object.fromEntries(
    FAULT_NAMES.flatMap((name) => {
      const count = counts.get(name)
      return count === undefined ? [] : [[name, count]]
    }),
  )
}
