import { assert } from '../core/assert.js'

/** Longest identifier that Postgres keeps whole. */
const IDENTIFIER_BYTES_MAX = 63

/** Quotes one identifier, whatever it holds. */
export function quoteIdentifier(name: string): string {
  assert(name.length > 0 && !name.includes('\0'), 'an identifier has characters, none of them NUL')
  assert(Buffer.byteLength(name) <= IDENTIFIER_BYTES_MAX, `identifier too long: ${name}`)
  return `"${name.replaceAll('"', '""')}"`
}

/** Quotes `table` or `schema.table`; a table without a schema is looked up in `public`. */
export function quoteTable(name: string): string {
  const [schema, table, ...rest] = name.split('.')
  assert(schema !== undefined && rest.length === 0, `a table is name or schema.name: ${name}`)
  return table === undefined
    ? `public.${quoteIdentifier(schema)}`
    : `${quoteIdentifier(schema)}.${quoteIdentifier(table)}`
}

/** Quotes a text literal for statements that cannot take parameters. */
export function quoteLiteral(value: string): string {
  assert(!value.includes('\0'), 'a literal has no NUL')
  return value.includes('\\')
    ? `E'${value.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`
    : `'${value.replaceAll("'", "''")}'`
}
