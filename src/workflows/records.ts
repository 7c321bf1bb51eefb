// The workflow of a mapping file, as workers import it: the module's own URL says which file and
// which schema, so that a worker needs nothing but a URL.

import { FetchyardError } from '../core/errors.js'
import { defineRecords } from '../records/define.js'
import { readMappingFile, targetSchema } from '../records/mapping-file.js'
import type { WorkflowDefinition } from '../workflow/define.js'

async function definitionOf(moduleUrl: string): Promise<WorkflowDefinition> {
  const { searchParams } = new URL(moduleUrl)
  const file = searchParams.get('mapping')
  if (file === null) {
    throw new FetchyardError('WORKFLOW_UNKNOWN', 'Records are loaded by the path of their mapping.')
  }
  const { mapping, digest } = await readMappingFile(new URL(file))
  // Rows of one run by two mappings would be the worst of both.
  const expected = searchParams.get('digest')
  if (expected !== null && expected !== digest) {
    throw new FetchyardError(
      'WORKFLOW_INVALID',
      `The mapping ${file} has changed since this node was started. Start the node again.`,
    )
  }
  return defineRecords(mapping, targetSchema(mapping, searchParams.get('schema')))
}

export default await definitionOf(import.meta.url)
