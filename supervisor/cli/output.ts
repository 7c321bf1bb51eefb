// Writes results to a file, whole or not at all, or to standard output.

import { randomBytes } from 'node:crypto'
import { type FileHandle, open, rm } from 'node:fs/promises'
import { resolve } from 'node:path'
import { FetchyardError, messageOf } from '../../src/core/errors.js'
import type { Sql } from '../../src/store/client.js'
import { type ExportStatement, readExport } from '../../src/store/export.js'
import { writeWhole } from '../write-whole.js'
import { type RowFormat, rowsHead, rowsText } from './rows.js'
import type { Out } from './streams.js'

interface ExportJob {
  readonly sql: Sql
  readonly statement: ExportStatement
  readonly format: RowFormat
}

/** The export as text, slice by slice. */
async function* textOf(job: ExportJob): AsyncGenerator<{ text: string; rows: number }> {
  const { statement, format } = job
  const head = rowsHead(format, statement.columns)
  if (head !== '') yield { text: head, rows: 0 }
  for await (const slice of readExport(job.sql, statement)) {
    yield { text: rowsText(format, statement.columns, slice), rows: slice.length }
  }
}

/** @returns rows written. A reader that goes away early ends the export quietly. */
export async function exportToStream(job: ExportJob, out: Out): Promise<number> {
  let written = 0
  for await (const { text, rows } of textOf(job)) {
    if (!out.isOpen()) return written
    await out.write(text)
    written += rows
  }
  return written
}

/** @returns rows written. */
export async function exportToFile(job: ExportJob, path: string): Promise<number> {
  return writeOutput(path, async (file) => {
    let written = 0
    for await (const { text, rows } of textOf(job)) {
      await file.appendFile(text)
      written += rows
    }
    return written
  })
}

/**
 * Writes a file of results, whole or not at all.
 *
 * @throws {FetchyardError} USAGE when the file cannot be written.
 */
export function writeOutput<Done>(
  path: string,
  fill: (file: FileHandle) => Promise<Done>,
): Promise<Done> {
  return writeWhole(path, fill, { refuse: (error) => outputError(path, messageOf(error)) })
}

function outputError(path: string, problem: string): FetchyardError {
  return new FetchyardError('USAGE', `The output ${path} cannot be written: ${problem}`)
}

/**
 * Finds out before a long run whether its output can be written at its end.
 *
 * @returns the absolute path.
 * @throws {FetchyardError} USAGE when it cannot.
 */
export async function checkOutput(path: string, cwd: string): Promise<string> {
  const target = resolve(cwd, path)
  const draft = `${target}.${randomBytes(6).toString('hex')}.part`
  const file = await open(draft, 'wx').catch((error: unknown) => {
    throw outputError(path, messageOf(error))
  })
  await file.close()
  await rm(draft, { force: true })
  const found = await open(target, 'r').catch(() => null)
  const isDirectory = (await found?.stat())?.isDirectory() === true
  await found?.close()
  if (isDirectory) throw outputError(path, 'it is a directory')
  return target
}
