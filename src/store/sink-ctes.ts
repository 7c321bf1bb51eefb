// The part of a settle that writes rows of results.

import type { SinkDefinition } from '../core/definition.js'
import type { Binding } from './binding.js'
import { quoteIdentifier, quoteTable } from './identifiers.js'

function sinkColumns(sink: SinkDefinition, binding: Binding | null): readonly [string, string][] {
  const columns: [string, string][] = Object.entries(sink.columns).map(([name, type]) => [
    quoteIdentifier(name),
    `given.${quoteIdentifier(name)}::${type}`,
  ])
  if (sink.sourceKeyColumn !== undefined) {
    const type = binding?.keyType ?? 'text'
    columns.push([quoteIdentifier(sink.sourceKeyColumn), `own.item_key::${type}`])
  }
  if (sink.leaseColumn !== undefined) {
    columns.push([quoteIdentifier(sink.leaseColumn), 'own.lease_id'])
  }
  return columns
}

/**
 * Rows are inserted in the order of their natural key, so that two settles that write the same rows
 * wait for each other instead of deadlocking; and a key comes once, since a statement may not touch
 * a row twice. Where a known key is a failure it may come twice: the unique index then refuses the
 * statement, and the settler finds the item by halving. A settle that is sent again inserts nothing
 * for what it took before, so it never meets its own rows.
 */
export function sinkCte(
  name: string,
  sink: SinkDefinition,
  parts: { index: number; parameter: number; binding: Binding | null },
): string {
  const columns = sinkColumns(sink, parts.binding)
  const names = columns.map(([column]) => column)
  const key = sink.key.map(quoteIdentifier)
  const given = Object.entries(sink.columns)
    .map(([column, type]) => `${quoteIdentifier(column)} ${type}`)
    .join(', ')
  const isStrict = sink.onConflict === 'fail'
  return `
  -- sink ${name.replaceAll(/[^A-Za-z0-9_-]/g, '_')}
  sink_${parts.index} as (
    insert into ${quoteTable(sink.table)} (${names.join(', ')})
    select ${isStrict ? '' : `distinct on (${key.join(', ')}) `}${names.join(', ')}
      from (select ${columns.map(([column, value]) => `${value} as ${column}`).join(', ')}
              from jsonb_to_recordset($${parts.parameter}::text::jsonb)
                   as given (fetchyard_item bigint, fetchyard_lease bigint${given === '' ? '' : `, ${given}`})
              join own on own.item_id = given.fetchyard_item
                      and own.lease_id = given.fetchyard_lease
             where own.event = 'complete') as fresh
     order by ${key.join(', ')}
        ${isStrict ? '' : conflictClause(sink, names)}
  )`
}

/** What becomes of a row whose key is there. */
function conflictClause(sink: SinkDefinition, names: readonly string[]): string {
  const key = sink.key.map(quoteIdentifier)
  const kept = new Set([...key, ...(sink.keep ?? []).map(quoteIdentifier)])
  const updated = names.filter((column) => !kept.has(column))
  const action =
    sink.onConflict === 'update' && updated.length > 0
      ? `do update set ${updated.map((column) => `${column} = excluded.${column}`).join(', ')}`
      : 'do nothing'
  return `on conflict (${key.join(', ')}) ${action}`
}
