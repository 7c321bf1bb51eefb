// Tables as they are in the database, for whoever must know before work starts whether rows will
// fit.

import type { Sql } from './client.js'
import { quoteTable } from './identifiers.js'

export interface LiveColumn {
  readonly name: string
  /** As Postgres names it; of a domain its base. */
  readonly type: string
  readonly isRequired: boolean
  /** Gets a value by itself: a default, an identity or a generated column. */
  readonly isFilled: boolean
}

export interface LiveTable {
  readonly columns: readonly LiveColumn[]
  /** Columns of each unique index that holds for all rows. */
  readonly uniqueKeys: readonly (readonly string[])[]
}

/** Reads a table; null when there is none. */
export async function readLiveTable(sql: Sql, table: string): Promise<LiveTable | null> {
  const name = quoteTable(table)
  const [found] = await sql<{ oid: string | null }[]>`select to_regclass(${name})::oid::text as oid`
  const oid = found?.oid ?? null
  if (oid === null) return null
  const columns = await sql<LiveColumn[]>`
    select attribute.attname as name,
           format_type(case type.typtype when 'd' then type.typbasetype else type.oid end, null)
             as type,
           attribute.attnotnull as "isRequired",
           attribute.atthasdef or attribute.attidentity <> '' or attribute.attgenerated <> ''
             as "isFilled"
      from pg_attribute as attribute
      join pg_type as type on type.oid = attribute.atttypid
     where attribute.attrelid = ${oid}::oid and attribute.attnum > 0 and not attribute.attisdropped
     order by attribute.attnum`
  const keys = await sql<{ columns: string[] }[]>`
    select array(select attribute.attname::text
                   from unnest(index.indkey::smallint[]) with ordinality as member (attnum, n)
                   join pg_attribute as attribute
                     on attribute.attrelid = index.indrelid and attribute.attnum = member.attnum
                  where member.n <= index.indnkeyatts
                  order by member.n) as columns
      from pg_index as index
     where index.indrelid = ${oid}::oid and index.indisunique and index.indisvalid
       and index.indpred is null and index.indexprs is null`
  return { columns, uniqueKeys: keys.map((key) => key.columns) }
}

/** Those pairs of types of which the first does not go into a column of the second as it is. */
export async function findUnfit<Pair extends { readonly given: string; readonly live: string }>(
  sql: Sql,
  pairs: readonly Pair[],
): Promise<readonly Pair[]> {
  if (pairs.length === 0) return []
  const rows = await sql<{ n: number }[]>`
    select given.n::int as n
      from unnest(${pairs.map((pair) => pair.given)}::text[],
                  ${pairs.map((pair) => pair.live)}::text[]) with ordinality as given (source, live, n)
     where given.source::regtype <> given.live::regtype
       and not exists (select from pg_cast
                        where castsource = given.source::regtype
                          and casttarget = given.live::regtype
                          and castcontext = 'i')`
  return rows.flatMap(({ n }) => pairs[n - 1] ?? [])
}
