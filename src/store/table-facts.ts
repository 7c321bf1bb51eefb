// What the catalog says of a table of the user's.

import type { Sql } from './client.js'
import { quoteTable } from './identifiers.js'

export interface ColumnFacts {
  readonly name: string
  /** As `format_type` has it, without length: `character varying`, `app."Word"`. */
  readonly type: string
  readonly isNotNull: boolean
  /** Whether a row gets a value here although nobody gives one. */
  readonly isFilled: boolean
  /** The labels of an enum; null for other types. */
  readonly labels: readonly string[] | null
}

export interface TableFacts {
  /** 'r' a table, 'p' a partitioned one, 'v' a view, ... */
  readonly kind: string
  readonly columns: readonly ColumnFacts[]
  readonly primaryKey: readonly string[]
  /** Column sets that a whole, valid unique index is over. */
  readonly uniques: readonly (readonly string[])[]
}

/** Reads what the catalog knows of a table; null when there is none of that name. */
export async function readTableFacts(sql: Sql, table: string): Promise<TableFacts | null> {
  const rows = await sql<TableFacts[]>`
    with owned as (select to_regclass(${quoteTable(table)}) as oid)
    select class.relkind as kind,
           coalesce((
             select json_agg(json_build_object(
                      'name', att.attname,
                      'type', format_type(att.atttypid, null),
                      'isNotNull', att.attnotnull,
                      'isFilled', att.atthasdef or att.attidentity <> '' or att.attgenerated <> '',
                      'labels', (select json_agg(enumlabel order by enumsortorder)
                                   from pg_enum where enumtypid = att.atttypid))
                    order by att.attnum)
               from pg_attribute as att
              where att.attrelid = class.oid and att.attnum > 0 and not att.attisdropped),
             '[]') as columns,
           coalesce((
             select json_agg(att.attname order by att.attnum)
               from pg_index as idx
               join pg_attribute as att
                 on att.attrelid = class.oid and att.attnum = any (idx.indkey)
              where idx.indrelid = class.oid and idx.indisprimary),
             '[]') as "primaryKey",
           coalesce((
             select json_agg((select json_agg(att.attname)
                                from unnest(idx.indkey[:idx.indnkeyatts - 1]) as member (attnum)
                                join pg_attribute as att
                                  on att.attrelid = class.oid and att.attnum = member.attnum))
               from pg_index as idx
              where idx.indrelid = class.oid and idx.indisunique and idx.indisvalid
                and idx.indimmediate and idx.indpred is null and idx.indexprs is null),
             '[]') as uniques
      from owned join pg_class as class on class.oid = owned.oid`
  return rows[0] ?? null
}

/** Whether the table keeps these columns, in any order, unique together. */
export function isUnique(facts: TableFacts, columns: readonly string[]): boolean {
  return facts.uniques.some(
    (unique) => unique.length === columns.length && columns.every((name) => unique.includes(name)),
  )
}
