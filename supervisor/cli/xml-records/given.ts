// What the actions of `records` have in common: the mapping that was named, and the files.

import { readdir, stat } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import { FetchyardError, messageOf } from '../../../src/core/errors.js'
import type { LoadedRecords } from '../../records/load-records.js'
import { type Invocation, textGiven } from '../command.js'
import { configuredRecords } from '../configured.js'

export function givenRecords(invocation: Invocation): Promise<LoadedRecords> {
  return configuredRecords(textGiven(invocation, 'mapping') ?? '', invocation)
}

export interface GivenFile {
  readonly path: string
  /** What its import is called. */
  readonly name: string
}

const XML = /\.xml(?:\.gz)?$/i

function unreadable(path: string, error: unknown): FetchyardError {
  const message = `${path} cannot be read: ${messageOf(error)}`
  return new FetchyardError('INPUT_INVALID', message, { cause: error })
}

/** The file that was named, or all of XML below the directory that was, in the order of names. */
export async function givenFiles(invocation: Invocation): Promise<readonly GivenFile[]> {
  const word = textGiven(invocation, 'path')
  if (word === null) {
    throw new FetchyardError('USAGE', 'Expected a file of XML, or a directory of such files.')
  }
  const path = resolve(invocation.cwd, word)
  const found = await stat(path).catch((error: unknown) => {
    throw unreadable(path, error)
  })
  const name = textGiven(invocation, 'name') ?? basename(path)
  if (!found.isDirectory()) return [{ path, name }]
  const names = await readdir(path, { recursive: true })
  const files = names.filter((file) => XML.test(file)).sort()
  if (files.length > 0)
    return files.map((file) => ({ path: join(path, file), name: `${name}/${file}` }))
  throw new FetchyardError('INPUT_INVALID', `There is no .xml or .xml.gz file in ${path}.`)
}
