// What the server says of itself, for a check of the environment. Reads only.

import type { ServerFacts } from '../core/health.js'
import type { Sql } from './client.js'

/** Settings, connections and the oldest transaction. */
export async function readServerFacts(sql: Sql): Promise<ServerFacts> {
  const rows = await sql<ServerFacts[]>`
    with oldest as (
      select pid, extract(epoch from clock_timestamp() - xact_start)::float8 as age
        from pg_stat_activity
       where xact_start is not null and backend_type = 'client backend'
         and pid <> pg_backend_pid()
         and (backend_xmin is not null or backend_xid is not null)
       order by xact_start
       limit 1
    )
    select current_setting('server_version') as version,
           pg_is_in_recovery() as "isReplica",
           current_setting('default_transaction_read_only') = 'on' as "isReadOnly",
           current_setting('max_connections')::int
             - current_setting('superuser_reserved_connections')::int as "connectionsMax",
           (select count(*) from pg_stat_activity
             where backend_type = 'client backend')::int as "connectionsUsed",
           current_setting('synchronous_commit') as "synchronousCommit",
           current_setting('fsync') as fsync,
           current_setting('autovacuum') as autovacuum,
           (select setting::float8 from pg_settings
             where name = 'statement_timeout') as "statementTimeoutMs",
           (select age from oldest) as "oldestTransactionS",
           (select pid from oldest) as "oldestTransactionPid"`
  if (rows[0] === undefined) throw new Error('the statement about the server returned no row')
  return rows[0]
}

/** @returns the server's time in milliseconds since 1970. */
export async function readServerTimeMs(sql: Sql): Promise<number> {
  const rows = await sql<{ ms: number }[]>`
    select (extract(epoch from clock_timestamp()) * 1000)::float8 as ms`
  return rows[0]?.ms ?? Number.NaN
}

export interface Rights {
  readonly user: string
  readonly database: string
  /** Whether the schema is there. */
  readonly hasSchema: boolean
  readonly mayCreateSchema: boolean
  /** Tables of the schema that this user may not read and write. */
  readonly closedTables: readonly string[]
}

/** What this user may do with the schema `fetchyard`. */
export async function readRights(sql: Sql): Promise<Rights> {
  const rows = await sql<Rights[]>`
    select current_user::text as user, current_database()::text as database,
           to_regnamespace('fetchyard') is not null as "hasSchema",
           has_database_privilege(current_database(), 'CREATE') as "mayCreateSchema",
           coalesce((select array_agg(format('%I.%I', relnamespace::regnamespace, relname)::text
                                      order by relname)
                       from pg_class
                      where relnamespace = to_regnamespace('fetchyard')
                        and relkind in ('r', 'p')
                        and not (has_schema_privilege(relnamespace, 'USAGE')
                                 and has_table_privilege(oid, 'SELECT')
                                 and has_table_privilege(oid, 'INSERT')
                                 and has_table_privilege(oid, 'UPDATE')
                                 and has_table_privilege(oid, 'DELETE'))), '{}') as "closedTables"`
  if (rows[0] === undefined) throw new Error('the statement about rights returned no row')
  return rows[0]
}

/** Tables of the queue whose autovacuum somebody turned off, and the statement that undoes it. */
export async function readUnvacuumed(
  sql: Sql,
): Promise<readonly { readonly table: string; readonly remedy: string }[]> {
  return sql<{ table: string; remedy: string }[]>`
    select format('%I.%I', relnamespace::regnamespace, relname) as table,
           format('alter table %I.%I reset (autovacuum_enabled);',
                  relnamespace::regnamespace, relname) as remedy
      from pg_class
     where relnamespace = to_regnamespace('fetchyard')
       and 'autovacuum_enabled=false' = any (reloptions)
     order by 1`
}
