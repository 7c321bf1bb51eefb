// The audit: the promises of the queue, held against the live tables in one snapshot.

import { LIMITS } from '../core/limits.js'
import type { Ends, Equation, Finding, Leases } from './audit-equation.js'
import { readEquation, readLeases } from './audit-equation.js'
import type { Snapshot, StoredSink } from './audit-tables.js'
import { readOwned, readResultFaults, readWordFaults } from './audit-tables.js'
import type { Sql } from './client.js'
import type { WorkflowRow } from './workflows.js'
import { readWorkflows } from './workflows.js'

/** One promise and what the tables say about it. */
export interface AuditCheck {
  readonly invariant: 'I1' | 'I2' | 'I3' | 'I5'
  readonly promise: string
  readonly violations: number
  /** Some of the offenders, for a person who looks into it. */
  readonly examples: readonly string[]
}

export interface AuditReport {
  readonly auditedAt: string
  readonly enqueued: number
  readonly queued: number
  readonly processing: number
  readonly delayed: number
  readonly finished: number
  /** Items that had finished and were removed, as old as they were. */
  readonly retired: number
  /** Items that are in no pack and have no final receipt. */
  readonly lost: number
  /** Items with more than one success. */
  readonly appliedTwice: number
  /** Items made ready again because their holder died: their page may have been fetched again. */
  readonly fetchedAgain: number
  /** Packs whose holder is dead or late and that are not reclaimed yet. */
  readonly awaitingReclaim: number
  readonly checks: readonly AuditCheck[]
  /** What could not be checked, and why. */
  readonly notes: readonly string[]
  readonly isClean: boolean
}

function check(
  invariant: AuditCheck['invariant'],
  promise: string,
  { violations, examples }: Finding,
): AuditCheck {
  return { invariant, promise, violations, examples }
}

/** An item with two ends may be in a pack besides: it is one offender. */
function bothOf(one: Finding, other: Finding): Finding {
  const examples = [...one.examples, ...other.examples].slice(0, 5)
  return { violations: one.violations + other.violations, examples }
}

function checksOf(equation: Equation, ends: Ends, leases: Leases): AuditCheck[] {
  const { tallied, enqueued } = equation
  const tally = {
    violations: Math.abs(tallied - enqueued),
    examples: tallied === enqueued ? [] : [`tally ${tallied}, items and those retired ${enqueued}`],
  }
  return [
    check('I1', 'every item is queued or finished', equation.lost),
    check('I1', 'no item is in two packs', equation.doubled),
    check('I1', 'every item of a pack was enqueued', equation.strange),
    check('I1', 'every finished item was enqueued', ends.unknown),
    check(
      'I1',
      'no finished item is queued, none finished twice',
      bothOf(equation.undead, ends.doubled),
    ),
    check('I1', 'the tally of enqueued items is the number of items and those retired', tally),
    check('I2', 'every leased pack belongs to a known node', leases.unheld),
    check('I2', 'every lease is held by one pack', leases.shared),
    check('I2', 'every lease was given out', leases.future),
    check('I2', 'packs of dead holders are reclaimed', leases.forgotten),
    check('I3', 'at most one success an item', ends.appliedTwice),
  ]
}

interface OwnedChecks {
  readonly checks: AuditCheck[]
  readonly notes: string[]
}

async function checkSinks(
  snapshot: Snapshot,
  { name, sinks }: WorkflowRow,
  into: OwnedChecks,
): Promise<void> {
  if (sinks === null) {
    into.notes.push(
      `result rows of ${name} are not checked: no node has opened it since migration 2`,
    )
    return
  }
  for (const sink of distinctSinks(Object.values(sinks))) {
    const promise = `result rows of ${sink.table} name the lease that wrote them, for ${name}`
    const found = await readOwned(snapshot, (sql) => readResultFaults(sql, sink))
    if (typeof found === 'string') {
      into.notes.push(`result rows of ${sink.table}, for ${name}, are not checked: ${found}`)
      continue
    }
    into.checks.push(check('I3', promise, found))
    if (found.excused > 0) {
      into.notes.push(
        `${found.excused} result rows of ${sink.table}, for ${name}, are not checked: they name ` +
          'leases from before items were retired, with which their receipts went',
      )
    }
  }
}

/** Sinks that name leases, each table and pair of columns once. */
function distinctSinks(sinks: readonly StoredSink[]): readonly StoredSink[] {
  const named = sinks.filter((sink) => sink.leaseColumn !== undefined)
  const seen = new Map(
    named.map((sink) => [
      JSON.stringify([sink.table, sink.leaseColumn, sink.sourceKeyColumn]),
      sink,
    ]),
  )
  return [...seen.values()]
}

async function checkWords(
  snapshot: Snapshot,
  { name, workflowId, binding, backfill }: WorkflowRow,
  into: OwnedChecks,
): Promise<void> {
  if (binding === null) return
  const found = await readOwned(snapshot, (sql) =>
    readWordFaults(sql, { workflowId, binding, isFilling: backfill !== null }),
  )
  if (typeof found === 'string') {
    into.notes.push(`status words of ${binding.table}, for ${name}, are not checked: ${found}`)
    return
  }
  into.checks.push(check('I5', `status words of ${binding.table} are the states of ${name}`, found))
}

export interface AuditOptions {
  /** How long packs of dead holders may wait. @default LIMITS.reclaimWaitMsMax */
  readonly reclaimWaitMsMax?: number
}

/**
 * Holds the promises against the tables, in one snapshot. Exact: every figure is counted
 * from the tables. It reads every item and every receipt, from indexes where these answer, so its
 * time grows with them and its memory does not.
 */
export async function audit(
  sql: Sql,
  { reclaimWaitMsMax = LIMITS.reclaimWaitMsMax }: AuditOptions = {},
): Promise<AuditReport> {
  return sql.begin('isolation level repeatable read read only', async (transaction) => {
    // Nested loops: misled by tables it has no statistics of, the planner would compare every item
    // with every other. An audit reads whole tables, so their pages come in sequence.
    await transaction.unsafe(`
      set local enable_nestloop = off;
      set local jit = off;
      set local work_mem = '64MB';
      set local hash_mem_multiplier = 1;
      set local random_page_cost = 1.1`)
    const snapshot: Snapshot = {
      sql: transaction as unknown as Sql,
      savepoint: (work) =>
        transaction.savepoint((inner) => work(inner as unknown as Sql)) as ReturnType<typeof work>,
    }
    return auditSnapshot(snapshot, reclaimWaitMsMax)
  }) as Promise<AuditReport>
}

async function auditSnapshot(snapshot: Snapshot, reclaimWaitMsMax: number): Promise<AuditReport> {
  const { equation, ends } = await readEquation(snapshot.sql)
  const leases = await readLeases(snapshot.sql, reclaimWaitMsMax)
  const owned: OwnedChecks = { checks: [], notes: [] }
  for (const workflow of await readWorkflows(snapshot.sql)) {
    await checkSinks(snapshot, workflow, owned)
    await checkWords(snapshot, workflow, owned)
  }
  const checks = [...checksOf(equation, ends, leases), ...owned.checks]
  const { auditedAt, enqueued, queued, processing, delayed, finished, retired } = equation
  const { fetchedAgain } = equation
  return {
    ...{ auditedAt, enqueued, queued, processing, delayed, finished, retired },
    lost: equation.lost.violations,
    appliedTwice: ends.appliedTwice.violations,
    fetchedAgain,
    awaitingReclaim: leases.awaitingReclaim,
    checks,
    notes: owned.notes,
    isClean: checks.every((one) => one.violations === 0),
  }
}
