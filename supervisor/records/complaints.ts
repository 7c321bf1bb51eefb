// What is wrong between a mapping and the tables that it names, told by the lines of its file.

import { FetchyardError } from '../../src/core/errors.js'
import { jsonLines, lineOf } from '../../src/records/json-lines.js'
import type { Mapping } from '../../src/records/mapping.js'

export interface Complaint {
  /** Where in the mapping. */
  readonly field: string
  readonly words: string
}

export interface MappingOrigin {
  readonly path: string
  readonly text: string
  readonly mapping: Mapping
}

/** @throws {FetchyardError} WORKFLOW_INVALID with all complaints, where there are any. */
export function refuseUnfit(
  origin: MappingOrigin,
  what: string,
  complaints: readonly Complaint[],
): void {
  if (complaints.length === 0) return
  const lines = origin.path.endsWith('.json') ? jsonLines(origin.text) : null
  const words = complaints.map(({ field, words }) => {
    const line = lines === null ? null : lineOf(lines, field)
    return `- ${line === null ? '' : `line ${line}: `}\`${field}\`: ${words}`
  })
  throw new FetchyardError(
    'WORKFLOW_INVALID',
    `The mapping ${origin.path} does not fit ${what}:\n${words.join('\n')}`,
  )
}
