// The schema as text, from the catalog: the same on every machine, and readable in a review.

import type { Sql } from '../../../src/store/client.js'

const HEADER = `-- The final schema, as the migrations make it. Written by \`npm run db:dump\`; a test compares it.
-- For reading only: databases are brought here by src/store/migrations.
`

interface Line {
  readonly owner: string
  readonly line: string
}

const lines = (rows: readonly Line[], owner: string) =>
  rows.filter((row) => row.owner === owner).map((row) => row.line)

interface Relation {
  readonly name: string
  readonly kind: string
  readonly comment: string | null
  readonly partitioning: string | null
  readonly parent: string | null
  readonly options: string | null
}

/** Tables, partitions and views of ours: everything in the schema, and what a migration put in public. */
async function readRelations(sql: Sql): Promise<readonly Relation[]> {
  return sql<Relation[]>`
    select relation.oid::regclass::text as name,
           case relation.relkind when 'v' then 'view' else 'table' end as kind,
           obj_description(relation.oid, 'pg_class') as comment,
           pg_get_partkeydef(relation.oid) as partitioning,
           (select parent.oid::regclass::text || ' ' || pg_get_expr(relation.relpartbound, relation.oid)
              from pg_inherits join pg_class as parent on parent.oid = inhparent
             where inhrelid = relation.oid and relation.relispartition) as parent,
           array_to_string(relation.reloptions, ', ') as options
      from pg_class as relation
     where relation.relnamespace in ('fetchyard'::regnamespace, 'public'::regnamespace)
       and relation.relkind in ('r', 'p', 'v')
     order by relation.relkind = 'v', 1`
}

async function readColumns(sql: Sql): Promise<readonly Line[]> {
  return sql<Line[]>`
    select attrelid::regclass::text as owner,
           attname || ' ' || format_type(atttypid, atttypmod)
             || case when attnotnull then ' not null' else '' end
             || case when attidentity = 'a' then ' generated always as identity' else '' end
             || coalesce(' default ' || pg_get_expr(adbin, adrelid), '')
             || coalesce(' -- ' || col_description(attrelid, attnum), '') as line
      from pg_attribute
      join pg_class as relation on relation.oid = attrelid
      left join pg_attrdef on adrelid = attrelid and adnum = attnum
     where relation.relnamespace in ('fetchyard'::regnamespace, 'public'::regnamespace)
       and relation.relkind in ('r', 'p', 'v')
       and attnum > 0 and not attisdropped
     order by attrelid::regclass::text, attnum`
}

/** Not-null constraints are told with their columns: newer servers list them a second time. */
async function readConstraints(sql: Sql): Promise<readonly Line[]> {
  return sql<Line[]>`
    select conrelid::regclass::text as owner,
           'constraint ' || conname || ' ' || pg_get_constraintdef(oid) as line
      from pg_constraint
     where connamespace = 'fetchyard'::regnamespace and contype <> 'n'
     order by 1, conname`
}

async function readIndexes(sql: Sql): Promise<readonly Line[]> {
  return sql<Line[]>`
    select indrelid::regclass::text as owner, lower(pg_get_indexdef(indexrelid)) as line
      from pg_index
      join pg_class as relation on relation.oid = indrelid
     where relation.relnamespace = 'fetchyard'::regnamespace
       and not exists (select from pg_constraint where conindid = indexrelid)
     order by 1, 2`
}

interface Named {
  readonly name: string
  readonly text: string
}

async function readSequences(sql: Sql): Promise<readonly Named[]> {
  return sql<Named[]>`
    select seqrelid::regclass::text as name,
           format('%s -- %s', format_type(seqtypid, null), obj_description(seqrelid, 'pg_class')) as text
      from pg_sequence
      join pg_class on pg_class.oid = seqrelid
     where relnamespace = 'fetchyard'::regnamespace
       and not exists (select from pg_depend where objid = seqrelid and deptype = 'i')
     order by 1`
}

async function readFunctions(sql: Sql): Promise<readonly Named[]> {
  return sql<Named[]>`
    select format('%s.%s(%s)', pronamespace::regnamespace, proname, pg_get_function_arguments(oid)) as name,
           format('returns %s as $$%s$$', pg_get_function_result(oid), prosrc) as text
      from pg_proc
     where pronamespace = 'fetchyard'::regnamespace
     order by 1`
}

function tableText(
  relation: Relation,
  parts: readonly string[],
  indexes: readonly string[],
): string {
  const { name, kind, comment, parent, partitioning, options } = relation
  const of = parent === null ? '' : ` partition of ${parent}`
  const by = partitioning === null ? '' : ` partition by ${partitioning.toLowerCase()}`
  const tail = `${by}${options === null ? '' : `\n  with (${options})`}`
  const head = comment === null ? '' : `-- ${comment}\n`
  const body = `${head}${kind} ${name}${of} (\n${parts.map((part) => `  ${part}`).join('\n')}\n)${tail}\n`
  return [body, ...indexes.map((index) => `${index}\n`)].join('')
}

/** Everything a migrated database holds of ours. */
export async function describeSchema(sql: Sql): Promise<string> {
  return sql.begin(async (transaction) => {
    // The catalog leaves out the schema of what the search path finds.
    await transaction`set local search_path = pg_catalog`
    return describe(transaction as unknown as Sql)
  }) as Promise<string>
}

async function describe(sql: Sql): Promise<string> {
  const columns = await readColumns(sql)
  const constraints = await readConstraints(sql)
  const indexes = await readIndexes(sql)
  const tables = (await readRelations(sql)).map((relation) => {
    const { name, kind } = relation
    const checked = kind === 'view' ? [] : lines(constraints, name)
    return tableText(relation, [...lines(columns, name), ...checked], lines(indexes, name))
  })
  const sequences = (await readSequences(sql)).map(({ name, text }) => `sequence ${name} ${text}\n`)
  const functions = (await readFunctions(sql)).map(
    ({ name, text }) => `function ${name}\n${text}\n`,
  )
  return [HEADER, ...sequences, ...tables, ...functions].join('\n')
}
