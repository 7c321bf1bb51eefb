/** A table by the names that the catalog holds, as they are. */
export interface TableName {
  readonly schema: string
  readonly table: string
}

/** Bytes of a name that Postgres keeps whole. */
export const NAME_BYTES_MAX = 63

/** Whether Postgres can have something of this name, given in double quotes. */
export function isName(value: unknown): value is string {
  if (typeof value !== 'string' || value === '' || value.includes('\0')) return false
  return new TextEncoder().encode(value).length <= NAME_BYTES_MAX
}

const QUOTED = /^"((?:[^"]|"")+)"/
const BARE = /^[^".][^.]*/

/**
 * Reads `table` or `schema.table`; without a schema it is `public`. Names count as they are
 * written, capitals included. A name with a dot in it is put in double quotes, as in SQL.
 *
 * @returns null for what is no such name.
 */
export function parseTableName(text: string): TableName | null {
  const parts: string[] = []
  let rest = text
  for (;;) {
    const quoted = QUOTED.exec(rest)
    const found = quoted ?? BARE.exec(rest)
    if (found === null) return null
    parts.push(quoted === null ? found[0] : (quoted[1] ?? '').replaceAll('""', '"'))
    rest = rest.slice(found[0].length)
    if (rest === '') break
    if (!rest.startsWith('.')) return null
    rest = rest.slice(1)
  }
  const [first, second] = parts
  if (first === undefined || parts.length > 2 || !parts.every(isName)) return null
  return second === undefined
    ? { schema: 'public', table: first }
    : { schema: first, table: second }
}
