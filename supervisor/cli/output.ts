// Writes results to a file, whole or not at all, or to standard output.

import { randomBytes } from 'node:crypto'
import { type FileHandle, open, rename, rm } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { FetchyardError, messageOf } from '../../src/core/errors.js'
import type { Sql } from '../../src/store/client.js'
import { type ExportStatement, readExport } from '../../src/store/export.js'
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
  return writeWhole(path, async (file) => {
    let written = 0
    for await (const { text, rows } of textOf(job)) {
      await file.appendFile(text)
      written += rows
    }
    return written
  })
}

/**
 * Writes beside the file, makes it durable and renames it: whoever looks sees the old file or the
 * whole new one.
 *
 * @throws {FetchyardError} USAGE when the file cannot be written.
 */
export async function writeWhole<Done>(
  path: string,
  fill: (file: FileHandle) => Promise<Done>,
): Promise<Done> {
  const draft = `${path}.${randomBytes(6).toString('hex')}.part`
  const file = await openDraft(draft, path)
  try {
    const done = await fill(file)
    await file.sync()
    await file.close()
    await rename(draft, path)
    await syncDirectory(dirname(path))
    return done
  } catch (error) {
    await file.close().catch(() => {})
    await rm(draft, { force: true })
    throw error
  }
}

async function openDraft(draft: string, path: string): Promise<FileHandle> {
  return open(draft, 'wx').catch((error: unknown) => {
    throw outputError(path, messageOf(error))
  })
}

function outputError(path: string, problem: string): FetchyardError {
  return new FetchyardError('USAGE', `The output ${path} cannot be written: ${problem}`)
}

/** Makes the rename durable, where directories can be synced at all. */
async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r').catch(() => null)
  await directory?.sync().catch(() => {})
  await directory?.close()
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
  const file = await openDraft(draft, path)
  await file.close()
  await rm(draft, { force: true })
  const found = await open(target, 'r').catch(() => null)
  const isDirectory = (await found?.stat())?.isDirectory() === true
  await found?.close()
  if (isDirectory) throw outputError(path, 'it is a directory')
  return target
}
