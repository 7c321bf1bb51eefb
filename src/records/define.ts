// From a mapping to a workflow: its sinks are the mapping's tables in one schema, its work is the
// conversion.

import type { SinkDefinition, SourceDefinition } from '../core/definition.js'
import { type Fields, isFields } from '../core/fields.js'
import { LIMITS } from '../core/limits.js'
import type { ResultRows } from '../core/outcome.js'
import { FetchFailure } from '../fetch/failure.js'
import type { WorkflowDefinition } from '../workflow/define.js'
import { convertRecord } from './convert.js'
import { type Mapping, type TableMapping, type TableSource, workflowNameOf } from './mapping.js'
import { makePlan, type Plan } from './plan.js'
import { RecordProblem } from './record-problem.js'

/** What an import puts into the queue for one record of a file. */
export type RecordPayload =
  | { readonly xml: string; readonly namespaces?: { readonly [prefix: string]: string } }
  /** It could not be read out of its file; the item ends by saying so. */
  | { readonly problem: string }

function sinkOf(table: TableMapping, mapping: Mapping, schema: string): SinkDefinition {
  const columns = [...table.columns].map(([name, { type }]) => [name, type] as const)
  return {
    table: `${schema}.${table.table}`,
    columns: Object.fromEntries(columns),
    key: table.key,
    onConflict: mapping.onDuplicate,
    ...(mapping.leaseColumn === null ? {} : { leaseColumn: mapping.leaseColumn }),
  }
}

/** The table whose rows hold the records, as a workflow binds it. */
export function sourceOf(source: TableSource, schema: string): SourceDefinition {
  return {
    table: source.table,
    key: source.key,
    keyType: source.keyType,
    status: source.status.replace('{schema}', schema),
    payload: [source.xml],
    ...(source.statusType === null ? {} : { statusType: source.statusType }),
    ...(source.where === null ? {} : { where: source.where }),
    ...(source.updatedAt === null ? {} : { updatedAt: source.updatedAt }),
  }
}

function isNamespaces(value: unknown): value is { readonly [prefix: string]: string } {
  return isFields(value) && Object.values(value).every((uri) => typeof uri === 'string')
}

/** Works one item: a record of a file, or the XML column of a row. */
function convertPayload(
  payload: unknown,
  parts: { plan: Plan; column: string | null },
): ResultRows {
  const { plan, column } = parts
  const fields: Fields = isFields(payload) ? payload : {}
  if (typeof fields.problem === 'string') throw new RecordProblem(plan.place, fields.problem)
  const xml = fields[column ?? 'xml'] ?? fields.xml
  if (typeof xml !== 'string') throw new RecordProblem(plan.place, 'the item holds no XML')
  const { namespaces } = fields
  return convertRecord(isNamespaces(namespaces) ? { xml, namespaces } : { xml }, plan)
}

/** The workflow that loads records by a mapping into a schema. */
export function defineRecords(mapping: Mapping, schema: string): WorkflowDefinition {
  const plan = makePlan(mapping)
  const column = mapping.source?.xml ?? null
  const sinks = mapping.tables.map(
    (table) => [table.table, sinkOf(table, mapping, schema)] as const,
  )
  return {
    name: workflowNameOf(mapping, schema),
    sinks: Object.fromEntries(sinks),
    partitions: LIMITS.partitionsMax,
    ...(mapping.source === null ? {} : { source: sourceOf(mapping.source, schema) }),
    work: ({ payload }) => {
      try {
        return convertPayload(payload, { plan, column })
      } catch (error) {
        // The same record would fail again: it ends by its reason, and the next one is worked.
        if (error instanceof RecordProblem) throw new FetchFailure('parse', error.message)
        throw error
      }
    },
  }
}
