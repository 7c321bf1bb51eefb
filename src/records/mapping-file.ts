// A mapping as a file: JSON, or a module whose default export is the same object.

import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { FetchyardError, messageOf } from '../core/errors.js'
import { jsonLines, lineAt, lineOf } from './json-lines.js'
import { type Mapping, SCHEMA_NAME, SCHEMA_RULE } from './mapping.js'
import { readMapping } from './read-mapping.js'

/** Tells what a module exports as default. */
export type ModuleReader = (url: URL) => Promise<unknown>

export interface MappingFile {
  readonly mapping: Mapping
  readonly text: string
  /** Of the file's bytes. */
  readonly digest: string
}

function invalid(path: string, lines: readonly string[], cause?: unknown): FetchyardError {
  const count = lines.length === 1 ? 'one violation' : `${lines.length} violations`
  return new FetchyardError(
    'WORKFLOW_INVALID',
    `The mapping ${path} is not valid (${count}):\n- ${lines.join('\n- ')}`,
    { cause },
  )
}

/**
 * Reads and checks a mapping file.
 *
 * @param readModule how the default export of a mapping that is a module is come by.
 * @throws {FetchyardError} WORKFLOW_UNKNOWN when it cannot be read, WORKFLOW_INVALID naming every
 * violation with its line.
 */
export async function readMappingFile(
  url: URL,
  readModule: ModuleReader = importDefault,
): Promise<MappingFile> {
  const path = fileURLToPath(url)
  const text = await readFile(url, 'utf8').catch((error: unknown) => {
    throw new FetchyardError(
      'WORKFLOW_UNKNOWN',
      `The mapping cannot be read: ${messageOf(error)}`,
      {
        cause: error,
      },
    )
  })
  const isJson = path.endsWith('.json')
  const value = isJson ? parseJson(text, path) : await moduleValue(url, path, readModule)
  const read = readMapping(value)
  const digest = createHash('sha256').update(text).digest('hex')
  if (read.mapping !== undefined) return { mapping: read.mapping, text, digest }
  throw invalid(path, isJson ? withLines(read.violations, text) : read.violations)
}

/** The words that V8 has for where a text stops being JSON. */
const JSON_POSITION = /position (\d+)/

function parseJson(text: string, path: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    const message = messageOf(error)
    const offset = JSON_POSITION.exec(message)?.[1]
    const line = lineAt(text, offset === undefined ? text.length : Number(offset))
    throw invalid(path, [`line ${line}: it is no JSON: ${message}`], error)
  }
}

async function importDefault(url: URL): Promise<unknown> {
  const module: { readonly default?: unknown } = await import(url.href)
  return module.default
}

async function moduleValue(url: URL, path: string, readModule: ModuleReader): Promise<unknown> {
  try {
    return await readModule(url)
  } catch (error) {
    throw invalid(path, [`it cannot be imported: ${messageOf(error)}`], error)
  }
}

function withLines(violations: readonly string[], text: string): readonly string[] {
  const lines = jsonLines(text)
  return violations.map((violation) => {
    const field = /^`([^`]*)`/.exec(violation)?.[1] ?? ''
    return `line ${lineOf(lines, field === 'mapping' ? '' : field) ?? 1}: ${violation}`
  })
}

/**
 * The schema that rows go to: the one asked for, or the mapping's.
 *
 * @throws {FetchyardError} CONFIG_INVALID for a name that is none.
 */
export function targetSchema(mapping: Mapping, asked: string | null): string {
  const schema = asked ?? mapping.schema
  if (SCHEMA_NAME.test(schema)) return schema
  throw new FetchyardError('CONFIG_INVALID', `Expected ${SCHEMA_RULE}, got \`${schema}\`.`)
}
