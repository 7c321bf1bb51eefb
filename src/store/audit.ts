// The audit: the promises of the queue, held against the live tables in one snapshot.

import type { Binding } from './binding.js'
import { wantedCondition } from './binding.js'
import type { Sql } from './client.js'
import { quoteIdentifier, quoteTable } from './identifiers.js'
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
  /** Items that are in no pack and have no final receipt. */
  readonly lost: number
  /** Items with more than one success. */
  readonly appliedTwice: number
  /** Items made ready again because their holder died: their page may have been fetched again. */
  readonly fetchedAgain: number
  readonly checks: readonly AuditCheck[]
  readonly isClean: boolean
}

interface ConservationRow {
  readonly auditedAt: string
  readonly enqueued: number
  readonly queued: number
  readonly processing: number
  readonly delayed: number
  readonly finished: number
  readonly lost: number
  readonly lostExamples: readonly string[]
  readonly doubled: number
  readonly doubledExamples: readonly string[]
  readonly strange: number
  readonly strangeExamples: readonly string[]
  readonly undead: number
  readonly undeadExamples: readonly string[]
  readonly tallied: number
  readonly unheld: number
  readonly unheldExamples: readonly string[]
  readonly appliedTwice: number
  readonly appliedTwiceExamples: readonly string[]
  readonly fetchedAgain: number
}

/**
 * The conservation equation and the receipts, in one statement and so in one snapshot: a settle
 * that commits meanwhile is seen whole or not at all.
 */
async function readConservation(sql: Sql): Promise<ConservationRow> {
  const rows = await sql<ConservationRow[]>`
    with member as materialized (
      select unnest(item_ids) as item_id, lease_id is not null as leased, run_at > now() as later
        from fetchyard.work_queue
    ),
    final as materialized (
      select item_id, count(*) filter (where status = 'success') as successes, count(*) as receipts
        from fetchyard.processing_log
       where status in ('success', 'error', 'cancelled')
       group by item_id
    ),
    lost as materialized (
      select item.item_id
        from fetchyard.item
       where not exists (select from member where member.item_id = item.item_id)
         and not exists (select from final where final.item_id = item.item_id)
    ),
    doubled as materialized (
      select item_id from member group by item_id having count(*) > 1
    ),
    strange as materialized (
      select member.item_id
        from member
       where not exists (select from fetchyard.item where item.item_id = member.item_id)
    ),
    undead as materialized (
      select item_id from member join final using (item_id)
      union
      select item_id from final where receipts > 1
    ),
    unheld as materialized (
      select pack.pack_id
        from fetchyard.work_queue as pack
        left join fetchyard.node using (node_id)
       where pack.lease_id is not null and node.node_id is null
    ),
    twice as materialized (
      select item_id from final where successes > 1
    )
    select now()::text                                              as "auditedAt",
           (select count(*) from fetchyard.item)::float8            as enqueued,
           (select count(*) from member where not leased and not later)::float8 as queued,
           (select count(*) from member where leased)::float8       as processing,
           (select count(*) from member where not leased and later)::float8 as delayed,
           (select count(*) from final)::float8                     as finished,
           (select count(*) from lost)::float8                      as lost,
           array(select item_id::text from lost limit 5)            as "lostExamples",
           (select count(*) from doubled)::float8                   as doubled,
           array(select item_id::text from doubled limit 5)         as "doubledExamples",
           (select count(*) from strange)::float8                   as strange,
           array(select item_id::text from strange limit 5)         as "strangeExamples",
           (select count(*) from undead)::float8                    as undead,
           array(select item_id::text from undead limit 5)          as "undeadExamples",
           (select coalesce(sum(items), 0) from fetchyard.tally where event = 'enqueue')::float8
                                                                    as tallied,
           (select count(*) from unheld)::float8                    as unheld,
           array(select pack_id::text from unheld limit 5)          as "unheldExamples",
           (select count(*) from twice)::float8                     as "appliedTwice",
           array(select item_id::text from twice limit 5)           as "appliedTwiceExamples",
           (select count(distinct item_id) from fetchyard.processing_log
             where status = 'reclaimed')::float8                    as "fetchedAgain"`
  const row = rows[0]
  if (row === undefined) throw new Error('the audit statement returned no row')
  return row
}

/**
 * Rows of a bound table whose word is not the state of their latest item, and rows that wait for an
 * item which was never made. A word the owner may have written is no fault: one that is not ours,
 * none at all, 'Cancelled', and 'Queued' on a row that the filter leaves out.
 */
async function readMirrorFaults(
  sql: Sql,
  workflowId: number,
  binding: Binding,
): Promise<readonly string[]> {
  const key = `owned.${quoteIdentifier(binding.key)}::text`
  const status = `owned.${quoteIdentifier(binding.status)}::text`
  const rows = await sql.unsafe<{ fault: string }[]>(`
    with latest as (
      select distinct on (item_key) item_key, item_id
        from fetchyard.item where workflow_id = ${workflowId}
       order by item_key, round desc
    ),
    state as (
      select latest.item_key,
             case when pack.lease_id is not null then 'Processing'
                  when pack.pack_id is not null then 'Queued'
                  when final.status = 'success' then 'Complete'
                  when final.status = 'cancelled' then 'Cancelled'
                  else 'Error' end as word
        from latest
        left join (select queue.pack_id, queue.lease_id, member.item_id
                     from fetchyard.work_queue as queue
                    cross join lateral unnest(queue.item_ids) as member (item_id)
                    where queue.workflow_id = ${workflowId}) as pack using (item_id)
        left join lateral (select receipt.status from fetchyard.processing_log as receipt
                            where receipt.item_id = latest.item_id
                              and receipt.status in ('success', 'error', 'cancelled')
                            limit 1) as final on true
    ),
    wanted as (
      select ${quoteIdentifier(binding.key)}::text as item_key
        from ${quoteTable(binding.table)} where ${wantedCondition(binding)}
    )
    select format('%s is %s, its item is %s', ${key}, ${status}, coalesce(state.word, 'missing'))
             as fault
      from ${quoteTable(binding.table)} as owned
      left join state on state.item_key = ${key}
      left join wanted on wanted.item_key = ${key}
     where ${status} is distinct from state.word
       and (${status} in ('Processing', 'Complete', 'Error') and state.word is not null
            or ${status} = 'Queued' and wanted.item_key is not null)
     limit 1000`)
  return rows.map((row) => row.fault)
}

function check(
  invariant: AuditCheck['invariant'],
  promise: string,
  found: { readonly violations: number; readonly examples: readonly string[] },
): AuditCheck {
  return { invariant, promise, ...found }
}

function checksOf(row: ConservationRow): AuditCheck[] {
  return [
    check('I1', 'every item is queued or finished', {
      violations: row.lost,
      examples: row.lostExamples,
    }),
    check('I1', 'no item is in two packs', {
      violations: row.doubled,
      examples: row.doubledExamples,
    }),
    check('I1', 'every item of a pack was enqueued', {
      violations: row.strange,
      examples: row.strangeExamples,
    }),
    check('I1', 'no finished item is queued, none finished twice', {
      violations: row.undead,
      examples: row.undeadExamples,
    }),
    check('I1', 'the tally of enqueued items is the number of items', {
      violations: Math.abs(row.tallied - row.enqueued),
      examples: row.tallied === row.enqueued ? [] : [`tally ${row.tallied}, items ${row.enqueued}`],
    }),
    check('I2', 'every leased pack belongs to a known node', {
      violations: row.unheld,
      examples: row.unheldExamples,
    }),
    check('I3', 'at most one success an item', {
      violations: row.appliedTwice,
      examples: row.appliedTwiceExamples,
    }),
  ]
}

/**
 * Holds the promises against the tables, all of them in one snapshot. Exact; reads every item, so
 * its cost grows with them.
 */
export async function audit(sql: Sql): Promise<AuditReport> {
  return sql.begin('isolation level repeatable read read only', async (transaction) => {
    // Misled by tables it has no statistics of, the planner would compare every item with every
    // other.
    await transaction`set local enable_nestloop = off`
    await transaction`set local jit = off`
    return auditSnapshot(transaction as unknown as Sql)
  }) as Promise<AuditReport>
}

async function auditSnapshot(sql: Sql): Promise<AuditReport> {
  const row = await readConservation(sql)
  const checks = checksOf(row)
  for (const workflow of await readWorkflows(sql)) {
    if (workflow.binding === null) continue
    const faults = await readMirrorFaults(sql, workflow.workflowId, workflow.binding)
    checks.push(
      check('I5', `status words of ${workflow.binding.table} are the states of ${workflow.name}`, {
        violations: faults.length,
        examples: faults.slice(0, 5),
      }),
    )
  }
  return {
    auditedAt: row.auditedAt,
    enqueued: row.enqueued,
    queued: row.queued,
    processing: row.processing,
    delayed: row.delayed,
    finished: row.finished,
    lost: row.lost,
    appliedTwice: row.appliedTwice,
    fetchedAgain: row.fetchedAgain,
    checks,
    isClean: checks.every((one) => one.violations === 0),
  }
}
