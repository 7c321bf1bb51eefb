import { assert } from '../core/assert.js'
import { isName, parseTableName } from '../core/table-name.js'

/** Quotes one identifier, whatever it holds. */
export function quoteIdentifier(name: string): string {
  assert(isName(name), `identifier empty, too long or with NUL: ${name}`)
  return `"${name.replaceAll('"', '""')}"`
}

/** Quotes `table` or `schema.table`; a table without a schema is looked up in `public`. */
export function quoteTable(name: string): string {
  const found = parseTableName(name)
  assert(found !== null, `a table is name or schema.name: ${name}`)
  const schema = found.schema === 'public' ? 'public' : quoteIdentifier(found.schema)
  return `${schema}.${quoteIdentifier(found.table)}`
}

/** Quotes a text literal for statements that cannot take parameters. */
export function quoteLiteral(value: string): string {
  assert(!value.includes('\0'), 'a literal has no NUL')
  return value.includes('\\')
    ? `E'${value.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`
    : `'${value.replaceAll("'", "''")}'`
}
