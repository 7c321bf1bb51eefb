// A mapping's `source` against the live table that it names.

import { sourceOf } from '../../src/records/define.js'
import { workflowNameOf } from '../../src/records/mapping.js'
import { checkDefinition } from '../../src/store/check-definition.js'
import type { Sql } from '../../src/store/client.js'
import { findWorkflow } from '../../src/store/workflows.js'
import { type Complaint, type MappingOrigin, refuseUnfit } from './complaints.js'

/** A violation begins with its field. */
const FIELD = /^`([^`]*)`: (.*)$/s

/**
 * Holds the source of a mapping against its table. One that an operator bound otherwise is not
 * looked at, since nothing is read from it.
 *
 * @throws {FetchyardError} WORKFLOW_INVALID naming everything that would not fit, with the line.
 */
export async function checkSource(sql: Sql, origin: MappingOrigin, schema: string): Promise<void> {
  const { mapping } = origin
  if (mapping.source === null) return
  const row = await findWorkflow(sql, workflowNameOf(mapping, schema))
  if (row?.boundBy === 'operator') return
  const source = sourceOf(mapping.source, schema)
  const violations = await checkDefinition(sql, { source, sinks: {} })
  refuseUnfit(origin, `its source ${source.table}`, violations.map(complaintOf))
}

function complaintOf(violation: string): Complaint {
  const [, field = 'source', words = violation] = FIELD.exec(violation) ?? []
  // What a workflow calls the payload is one column here.
  return { field: field.replace(/^source\.payload/, 'source.xml'), words }
}
