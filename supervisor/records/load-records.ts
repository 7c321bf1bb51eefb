// Finds the workflow of a mapping file: `./applications.records.json`, into one schema.

import { stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { FetchyardError } from '../../src/core/errors.js'
import { defineRecords } from '../../src/records/define.js'
import { readMappingFile, targetSchema } from '../../src/records/mapping-file.js'
import type { Sql } from '../../src/store/client.js'
import { validateWorkflow } from '../../src/workflow/validate.js'
import { probeData } from '../module-probe.js'
import type { LoadedWorkflow } from '../node.js'
import { checkSource } from './check-source.js'
import type { MappingOrigin } from './complaints.js'
import { checkTarget } from './target.js'

const MODULE = new URL('../../src/workflows/records.js', import.meta.url)

/** Whether a word names a mapping, as opposed to a module. */
export function isMappingPath(word: string): boolean {
  return /\.records\.(?:json|[cm]?js)$/.test(word)
}

export interface LoadedRecords extends LoadedWorkflow {
  readonly origin: MappingOrigin
  readonly schema: string
  /** Holds the mapping against the live tables, before anything is worked. */
  readonly prepare: (sql: Sql) => Promise<void>
}

/**
 * Loads the workflow of a mapping.
 *
 * @param schema where rows go; null for the mapping's own choice.
 * @throws {FetchyardError} WORKFLOW_UNKNOWN, or WORKFLOW_INVALID with what is wrong and where.
 */
export async function loadRecords(
  word: string,
  directory: string,
  schema: string | null,
): Promise<LoadedRecords> {
  const path = resolve(directory, word)
  const found = await stat(path).catch(() => null)
  if (found === null || !found.isFile()) {
    throw new FetchyardError('WORKFLOW_UNKNOWN', `There is no mapping at ${path}.`)
  }
  const url = pathToFileURL(path)
  const { mapping, text, digest } = await readMappingFile(url, ({ href }) => probeData(href))
  const target = targetSchema(mapping, schema)
  const moduleUrl = new URL(MODULE)
  moduleUrl.search = String(new URLSearchParams({ mapping: url.href, schema: target, digest }))
  const origin = { path, text, mapping }
  const definition = validateWorkflow(defineRecords(mapping, target), path)
  const prepare = async (sql: Sql) => {
    await checkTarget(sql, origin, target)
    await checkSource(sql, origin, target)
  }
  return { definition, moduleUrl: moduleUrl.href, origin, schema: target, prepare }
}
