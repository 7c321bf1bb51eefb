// Arrays of the built-in types, as text. The driver can learn them from the server at every
// connection, but when that question loses its connection the driver rejects a promise that nobody
// holds, which ends the process. Told here, it has nothing to ask.

import type { PostgresType } from 'postgres'

type Parse = (text: string) => unknown

const asText: Parse = (text) => text
const asNumber: Parse = (text) => Number(text)
const asBoolean: Parse = (text) => text === 't'
const asDate: Parse = (text) => new Date(text)
const asJson: Parse = (text) => JSON.parse(text)

/** Arrays by the number of their type, and how the driver reads an element. */
const ARRAYS: readonly (readonly [name: string, type: number, parse: Parse])[] = [
  ['json', 199, asJson],
  ['boolean', 1000, asBoolean],
  ['name', 1003, asText],
  ['smallint', 1005, asNumber],
  ['integer', 1007, asNumber],
  ['text', 1009, asText],
  ['bpchar', 1014, asText],
  ['varchar', 1015, asText],
  ['bigint', 1016, asText],
  ['real', 1021, asNumber],
  ['double', 1022, asNumber],
  ['oid', 1028, asNumber],
  ['inet', 1041, asText],
  ['timestamp', 1115, asDate],
  ['date', 1182, asDate],
  ['time', 1183, asText],
  ['timestamptz', 1185, asDate],
  ['interval', 1187, asText],
  ['numeric', 1231, asText],
  ['uuid', 2951, asText],
  ['jsonb', 3807, asJson],
]

/** What the driver is told about arrays: its option `types`. */
export const ARRAY_TYPES: Readonly<Record<string, PostgresType>> = Object.fromEntries(
  ARRAYS.map(([name, type, parse]) => [
    `${name}_array`,
    {
      to: type,
      from: [type],
      serialize: (value: unknown) => (Array.isArray(value) ? writeArray(value, parse) : value),
      parse: (text: string) => readArray(text, parse),
    },
  ]),
)

function writeArray(values: readonly unknown[], parse: Parse): string {
  return `{${values.map((value) => writeElement(value, parse)).join(',')}}`
}

function writeElement(value: unknown, parse: Parse): string {
  if (value === null || value === undefined) return 'null'
  if (Array.isArray(value)) return writeArray(value, parse)
  return `"${elementText(value, parse).replaceAll(/["\\]/g, '\\$&')}"`
}

function elementText(value: unknown, parse: Parse): string {
  if (parse === asJson) return JSON.stringify(value)
  return value instanceof Date ? value.toISOString() : String(value)
}

/** An element with quotes, one without, or a sign. */
const TOKEN = /"((?:[^"\\]|\\.)*)"|([^{},"]+)|[{}]/gs

/** Reads the text of an array; the bounds that a text like `[2:3]={1,2}` names are left out. */
function readArray(text: string, parse: (text: string) => unknown): unknown[] {
  const levels: unknown[][] = [[]]
  for (const [token, quoted, bare] of text.slice(text.indexOf('{')).matchAll(TOKEN)) {
    if (token === '{') levels.push([])
    else if (token === '}') {
      const done = levels.pop() ?? []
      levels.at(-1)?.push(done)
    } else if (quoted !== undefined) {
      levels.at(-1)?.push(parse(quoted.replaceAll(/\\(.)/gs, '$1')))
    } else levels.at(-1)?.push(bare === 'NULL' ? null : parse(bare ?? ''))
  }
  const [whole] = levels[0] ?? []
  return Array.isArray(whole) ? whole : []
}
