// What a storm reads and writes beside the ordinary statements: the table of its own workflow, and
// the witnesses that are held against each other afterwards.

import type { SinkDefinition } from '../core/definition.js'
import type { Sql } from './client.js'
import { quoteIdentifier, quoteTable } from './identifiers.js'

/** Where a client is, by the server's word. */
export interface DatabaseName {
  readonly database: string
  readonly user: string
}

export async function readDatabaseName(sql: Sql): Promise<DatabaseName> {
  const rows = await sql<
    DatabaseName[]
  >`select current_database() as database, current_user as user`
  const row = rows[0]
  if (row === undefined) throw new Error('the server did not say its name')
  return row
}

/** Makes the table of the built-in workflow. Each application of a result is a row of its own. */
export async function createTortureTable(sql: Sql, table: string): Promise<void> {
  await sql.unsafe(`
    create table if not exists ${quoteTable(table)} (
      item_key text    not null,
      call     text    not null,
      body     text    not null,
      pid      integer not null,
      lease_id bigint  not null,
      primary key (item_key, call))`)
}

/**
 * Takes away everything that a storm over its own workflow brought: table, items, packs, receipts,
 * counts, nodes. The rest of the database is not touched.
 */
export async function removeTorture(
  sql: Sql,
  of: { readonly workflow: string; readonly table: string; readonly nodePrefix: string },
): Promise<void> {
  await sql.begin(async (transaction) => {
    await transaction.unsafe(`drop table if exists ${quoteTable(of.table)}`)
    const rows = await transaction<{ id: number }[]>`
      select workflow_id as id from fetchyard.workflow where name = ${of.workflow}`
    for (const { id } of rows) {
      await transaction`delete from fetchyard.work_queue where workflow_id = ${id}`
      await transaction`delete from fetchyard.run where workflow_id = ${id}`
      await transaction`delete from fetchyard.processing_log where workflow_id = ${id}`
      await transaction`delete from fetchyard.ending where workflow_id = ${id}`
      await transaction`delete from fetchyard.tally where workflow_id = ${id}`
      await transaction`delete from fetchyard.event where workflow_id = ${id}`
      await transaction`delete from fetchyard.item where workflow_id = ${id}`
      await transaction`delete from fetchyard.workflow where workflow_id = ${id}`
    }
    await transaction`
      delete from fetchyard.node
       where fenced_at is not null and starts_with(name, ${of.nodePrefix})`
  })
}

/** How much of a workflow is left to do. */
export interface Backlog {
  readonly waiting: number
  readonly leased: number
  readonly pausedBy: readonly string[]
}

export async function readBacklog(sql: Sql, workflowId: number): Promise<Backlog> {
  const rows = await sql<Backlog[]>`
    select coalesce(sum(cardinality(item_ids)) filter (where lease_id is null), 0)::int as waiting,
           coalesce(sum(cardinality(item_ids)) filter (where lease_id is not null), 0)::int
             as leased,
           coalesce((select paused_by from fetchyard.workflow
                      where workflow_id = ${workflowId}), '{}') as "pausedBy"
      from fetchyard.work_queue where workflow_id = ${workflowId}`
  return rows[0] ?? { waiting: 0, leased: 0, pausedBy: [] }
}

/** The last fencing token that was given out. */
export async function readLastLease(sql: Sql): Promise<string> {
  const rows = await sql<{ last: string }[]>`
    select (case when is_called then last_value else 0 end)::text as last from fetchyard.lease_id`
  return rows[0]?.last ?? '0'
}

export interface StormReceipt {
  readonly key: string
  readonly itemId: string
  readonly leaseId: string
  readonly attempt: number
  readonly status: string
  readonly code: string
  readonly error: string | null
}

/** Receipts of leases that were given out after `sinceLease`. */
export async function readStormReceipts(
  sql: Sql,
  of: { readonly workflowId: number; readonly sinceLease: string },
): Promise<readonly StormReceipt[]> {
  return sql<StormReceipt[]>`
    select item_key as key, item_id as "itemId", lease_id as "leaseId", attempt, status,
           outcome_code as code, error
      from fetchyard.processing_log
     where workflow_id = ${of.workflowId} and lease_id > ${of.sinceLease}::bigint`
}

export interface StormResult {
  readonly key: string
  readonly call: string
  readonly leaseId: string
}

export async function readStormResults(sql: Sql, table: string): Promise<readonly StormResult[]> {
  return sql.unsafe<StormResult[]>(
    `select item_key as key, call, lease_id as "leaseId" from ${quoteTable(table)}`,
  )
}

/** Keys of all items of a workflow. */
export async function readKeys(sql: Sql, workflowId: number): Promise<readonly string[]> {
  const rows = await sql<{ key: string }[]>`
    select item_key as key from fetchyard.item where workflow_id = ${workflowId}`
  return rows.map(({ key }) => key)
}

/** Leases of the storm that wrote rows and have no receipt of success. */
export async function readUnprovenLeases(
  sql: Sql,
  of: { readonly sink: SinkDefinition; readonly sinceLease: string },
): Promise<readonly string[]> {
  if (of.sink.leaseColumn === undefined) return []
  const column = quoteIdentifier(of.sink.leaseColumn)
  const rows = await sql.unsafe<{ lease: string }[]>(
    `select distinct written.${column}::text as lease
       from ${quoteTable(of.sink.table)} as written
      where written.${column} > $1::bigint
        and not exists (select from fetchyard.processing_log as receipt
                         where receipt.lease_id = written.${column}
                           and receipt.status = 'success')
      limit 100`,
    [of.sinceLease],
  )
  return rows.map(({ lease }) => lease)
}

/** How a storm went, as far as the tables know. */
export interface StormCourse {
  /** Longest time between the ends of two attempts, in milliseconds. */
  readonly standstillMs: number
  /** Nodes of the storm that were fenced because their lease ran out. */
  readonly fences: number
  readonly serverVersion: string
}

export async function readCourse(
  sql: Sql,
  of: { readonly workflowId: number; readonly sinceLease: string; readonly nodePrefix: string },
): Promise<StormCourse> {
  const rows = await sql<StormCourse[]>`
    select (select coalesce(max(extract(epoch from gap) * 1000), 0)
              from (select ended_at - lag(ended_at) over (order by ended_at) as gap
                      from fetchyard.processing_log
                     where workflow_id = ${of.workflowId}
                       and lease_id > ${of.sinceLease}::bigint) as step)::float8 as "standstillMs",
           (select count(*) from fetchyard.node
             where starts_with(name, ${of.nodePrefix})
               and starts_with(fenced_why, 'its lease ran out'))::int as fences,
           split_part(current_setting('server_version'), ' ', 1) as "serverVersion"`
  return rows[0] ?? { standstillMs: 0, fences: 0, serverVersion: '' }
}

/** What a storm's nodes may not leave behind in the database. */
export interface DatabaseLeftovers {
  readonly leasedPacks: number
  readonly unfencedNodes: readonly string[]
  readonly idleTransactions: number
}

export async function readLeftovers(
  sql: Sql,
  of: { readonly workflowId: number; readonly nodePrefix: string },
): Promise<DatabaseLeftovers> {
  const rows = await sql<DatabaseLeftovers[]>`
    select (select count(*) from fetchyard.work_queue
             where workflow_id = ${of.workflowId} and lease_id is not null)::int as "leasedPacks",
           array(select name || ' (pid ' || pid || ')' from fetchyard.node
                  where fenced_at is null and starts_with(name, ${of.nodePrefix}))
             as "unfencedNodes",
           (select count(*) from pg_stat_activity
             where datname = current_database() and application_name = 'fetchyard'
               and state like 'idle in transaction%')::int as "idleTransactions"`
  return rows[0] ?? { leasedPacks: 0, unfencedNodes: [], idleTransactions: 0 }
}
