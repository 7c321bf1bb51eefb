// The tables of users, held against the receipts: result rows name a lease that completed their
// item (I3), and status words are the states of items (I5). These tables are not ours: one that was
// dropped, renamed, changed or closed to us makes a note, and the audit goes on.

import type { SinkDefinition } from '../core/definition.js'
import { messageOf } from '../core/errors.js'
import type { Finding } from './audit-equation.js'
import { FINAL } from './audit-equation.js'
import type { Binding } from './binding.js'
import { wantedCondition } from './binding.js'
import type { Sql } from './client.js'
import { codeOf } from './client.js'
import { quoteIdentifier, quoteTable } from './identifiers.js'

/** What the audit must know of a sink, as stored with its workflow. */
export type StoredSink = Pick<SinkDefinition, 'table' | 'key' | 'leaseColumn' | 'sourceKeyColumn'>

/** The part of the sinks that is stored, by their names. */
export function storedSinks(sinks: { readonly [sink: string]: SinkDefinition }): {
  readonly [sink: string]: StoredSink
} {
  return Object.fromEntries(
    Object.entries(sinks).map(([name, { table, key, leaseColumn, sourceKeyColumn }]) => [
      name,
      {
        table,
        key,
        ...(leaseColumn === undefined ? {} : { leaseColumn }),
        ...(sourceKeyColumn === undefined ? {} : { sourceKeyColumn }),
      },
    ]),
  )
}

/**
 * Faults of a table that its owner changed: it is gone, a column is gone or has another type, it is
 * not ours to read. Values that an expression of the owner's cannot take are class 22.
 */
const OWNERS_CODES = new Set(['42P01', '3F000', '42703', '42501', '42883', '42804', '42846'])

function isOwnersFault(error: unknown): boolean {
  const code = codeOf(error)
  return code !== null && (OWNERS_CODES.has(code) || code.startsWith('22'))
}

/** Savepoints of a transaction, which the type of a pool does not tell of. */
export interface Snapshot {
  readonly sql: Sql
  readonly savepoint: <T>(work: (sql: Sql) => Promise<T>) => Promise<T>
}

/** What `work` finds, or why its table cannot be read. */
export async function readOwned<Found extends Finding>(
  snapshot: Snapshot,
  work: (sql: Sql) => Promise<Found>,
): Promise<Found | string> {
  try {
    return await snapshot.savepoint(work)
  } catch (error) {
    if (!isOwnersFault(error)) throw error
    return `${messageOf(error)} (${codeOf(error)})`
  }
}

async function readFinding<Found extends Finding>(sql: Sql, statement: string): Promise<Found> {
  const [found] = await sql.unsafe<Found[]>(statement)
  if (found === undefined) throw new Error('the audit statement returned no row')
  return found
}

/** Result rows without proof, and how many of them may have lost it by retention. */
interface ResultFinding extends Finding {
  /** Rows that name a lease no newer than that of an item which was retired with its receipt. */
  readonly excused: number
}

/**
 * Result rows whose lease completed no item, or not the item whose key they carry. Receipts of any
 * workflow count, because workflows may share a table. A row without a lease is its owner's. A row
 * that was overwritten names the last lease that wrote it, which completed its item like any other.
 * That a receipt has rows cannot be asked: an item may have none, and owners delete some.
 */
export async function readResultFaults(sql: Sql, sink: StoredSink): Promise<ResultFinding> {
  const { leaseColumn = '', sourceKeyColumn } = sink
  const lease = `result.${quoteIdentifier(leaseColumn)}::bigint`
  const key = sourceKeyColumn === undefined ? null : `result.${quoteIdentifier(sourceKeyColumn)}`
  const unproven = (keyed: boolean) => `
      select written.lease_id, written.item_key
        from (select ${lease} as lease_id, ${keyed ? `${key}::text` : 'null::text'} as item_key
                from ${quoteTable(sink.table)} as result
               where ${lease} is not null
                 ${key === null ? '' : `and ${key} is ${keyed ? 'not null' : 'null'}`}) as written
        left join (select ${keyed ? '' : 'distinct '}lease_id, ${keyed ? 'item_key, ' : ''}true as is_there
                     from proof) as receipt
          on receipt.lease_id = written.lease_id
             ${keyed ? 'and receipt.item_key = written.item_key' : ''}
       where receipt.is_there is null`
  return readFinding<ResultFinding>(
    sql,
    `
    with proof as not materialized (
      select lease_id, item_key from fetchyard.processing_log where status = 'success'
       union all
      select ending.lease_id, item.item_key
        from fetchyard.ending join fetchyard.item using (item_id)
       where ending.status = 'success'
    ),
    unproven as materialized (
      ${unproven(false)}${key === null ? '' : ` union all ${unproven(true)}`}
    ),
    retired as materialized (
      select max(newest_lease) as newest_lease from fetchyard.housekeeping
    ),
    fault as materialized (
      select unproven.* from unproven, retired where lease_id > retired.newest_lease
    )
    select (select count(*) from fault)::float8 as violations,
           ((select count(*) from unproven) - (select count(*) from fault))::float8 as excused,
           array(select distinct case when item_key is null then format('lease %s', lease_id)
                                      else format('%s under lease %s', item_key, lease_id) end
                   from fault order by 1 limit 5) as examples`,
  )
}

/**
 * Rows of a bound table whose word is not the state of their latest item, and rows that wait for an
 * item which was never made. A word the owner may have written is no fault: one that is not ours,
 * none at all, 'Cancelled', and 'Queued' on a row that the filter leaves out.
 */
export async function readWordFaults(
  sql: Sql,
  workflow: {
    readonly workflowId: number
    readonly binding: Binding
    /** Rows of before are still being enqueued: one that waits is none that was forgotten. */
    readonly isFilling: boolean
  },
): Promise<Finding> {
  const { workflowId, binding, isFilling } = workflow
  const status = `${quoteIdentifier(binding.status)}::text`
  return readFinding(
    sql,
    `
    with pack as materialized (
      select unnest(item_ids) as item_id, lease_id is not null as is_leased
        from fetchyard.work_queue where workflow_id = ${workflowId}
    ),
    state as (
      select item.item_key,
             case when pack.is_leased then 'Processing'
                  when pack.item_id is not null then 'Queued'
                  when final.status = 'success' then 'Complete'
                  when final.status = 'cancelled' then 'Cancelled'
                  when final.status = 'error' then 'Error'
                  else 'lost' end as word
        from fetchyard.item
        left join pack on pack.item_id = item.item_id
        left join (select item_id, status from fetchyard.processing_log where ${FINAL}
                    union all
                   select item_id, status from fetchyard.ending) as final
          on final.item_id = item.item_id
       where item.workflow_id = ${workflowId}
         and not exists (select from fetchyard.item as newer
                          where newer.workflow_id = ${workflowId} and newer.round > 1
                            and newer.item_key = item.item_key and newer.round > item.round)
    ),
    owned as (
      select ${quoteIdentifier(binding.key)}::text as item_key, ${status} as word,
             ${wantedCondition(binding)} as is_wanted
        from ${quoteTable(binding.table)}
       where ${status} in ('Queued', 'Processing', 'Complete', 'Error')
    ),
    fault as materialized (
      select format('%s is %s, its item is %s', owned.item_key, owned.word,
                    coalesce(state.word, 'missing')) as fault
        from owned
        left join state on state.item_key = owned.item_key
       where owned.word is distinct from state.word
         and (owned.word <> 'Queued' and state.word is not null
              or owned.word = 'Queued' and owned.is_wanted and ${!isFilling})
    )
    select (select count(*) from fault)::float8 as violations,
           array(select fault from fault limit 5) as examples`,
  )
}
