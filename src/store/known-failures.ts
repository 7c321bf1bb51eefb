// Failures for good that were charged, by URL: while one is remembered, an item that asks for the
// same URL ends without a call. Looked up by the statement that leases, for all its items at once.

import { LIMITS } from '../core/limits.js'
import type { OutcomeCode } from '../core/outcome.js'
import type { Sql } from './client.js'

/** A failure of the item's URL that was paid for. */
export interface KnownFailure {
  readonly code: OutcomeCode
  readonly httpStatus: number | null
  /** Day on which it was paid for. */
  readonly day: string
}

const digestOf = (url: string) => `sha256(convert_to(${url}, 'UTF8'))`

/** The clause of a settle that remembers failures, over `own` and `kinds`. */
export function knownFailureCte(workflowId: number): string {
  return `
  remembered as (
    insert into fetchyard.known_failure as known
           (workflow_id, url_digest, outcome_code, http_status)
    -- In the order of the key, so that two settles of the same URLs wait instead of deadlocking.
    select distinct on (url_digest) ${workflowId}, url_digest, code, http_status
      from (select ${digestOf('url')} as url_digest, code, http_status
              from own
             where is_lasting and url is not null and (select has_lasting from kinds)) as failed
     order by url_digest
        on conflict (workflow_id, url_digest)
        do update set failed_at = now(), outcome_code = excluded.outcome_code,
                      http_status = excluded.http_status
  )`
}

/**
 * The join of a lease that looks failures up, beside `item`. A lateral one with a limit: joined
 * freely, the planner may read the whole table for a handful of items.
 */
export function knownFailureJoin(workflowId: number, ageParameter: string): string {
  return `
      left join lateral (
             select failure.outcome_code, failure.http_status,
                    to_char(failure.failed_at at time zone 'UTC', 'YYYY-MM-DD') as day
               from fetchyard.known_failure as failure
              where ${ageParameter}::int > 0
                and failure.workflow_id = ${workflowId}
                and failure.url_digest = ${digestOf(`item.payload ->> 'url'`)}
                and failure.failed_at > now() - ${ageParameter}::int * interval '1 second'
              limit 1) as known on true`
}

/**
 * Forgets what is known of URLs, in the order of the key, like whoever remembers: any other order
 * would deadlock with a settle.
 *
 * @param urls a query of one column.
 */
export function forgetCtes(workflowId: string, urls: string): string {
  return `
  known as materialized (
    select workflow_id, url_digest from fetchyard.known_failure
     where workflow_id = ${workflowId}
       and url_digest in (select ${digestOf('given.url')} from (${urls}) as given (url))
     order by url_digest
       for update
  ),
  forgot as (
    delete from fetchyard.known_failure as failure
     using known
     where failure.workflow_id = known.workflow_id and failure.url_digest = known.url_digest
    returning 1
  )`
}

/** Somebody asks for these URLs again by name: what is known of them no longer counts. */
export async function forgetFailures(
  sql: Sql,
  of: { readonly workflowId: number; readonly urls: readonly string[] },
): Promise<number> {
  const ctes = forgetCtes('$1::smallint', 'select unnest($2::text[])')
  const rows = await sql.unsafe(`with ${ctes} select * from forgot`, [
    of.workflowId,
    of.urls as string[],
  ])
  return rows.length
}

/**
 * Forgets failures that are older than any option may ask for, and the oldest beyond the number
 * that is kept, as far as the table's statistics know it. @returns rows forgotten.
 */
export async function forgetOldFailures(
  sql: Sql,
  rowsMax: number,
  keptMax: number = LIMITS.knownFailuresMax,
): Promise<number> {
  const rows = await sql`
    delete from fetchyard.known_failure
     where ctid = any (array(
             select oldest.ctid
               from (select ctid, failed_at,
                            row_number() over (order by failed_at) as n
                       -- Those that are being remembered anew are passed over, not waited for.
                       from (select ctid, failed_at from fetchyard.known_failure
                              order by failed_at limit ${rowsMax}::int
                                for update skip locked) as slice) as oldest
              where oldest.failed_at < now() - ${LIMITS.failureAgeMsMax / 1_000}::int * interval '1 second'
                 or oldest.n <= (select reltuples - ${keptMax}::int from pg_class
                                  where oid = 'fetchyard.known_failure'::regclass)))
    returning 1`
  return rows.length
}
