// Where the items of a run come from: what `--input` names, or the file that the workflow itself
// names as its source.

import { stat } from 'node:fs/promises'
import type { FileSource } from '../../src/core/definition.js'
import { FetchyardError, hasCode, messageOf } from '../../src/core/errors.js'
import type { LoadedWorkflow } from '../node.js'
import { type Invocation, isGiven, textGiven } from './command.js'
import type { FeedParts } from './feed-workflow.js'
import { feedWorkflow, SAY_EVERY_MS } from './feed-workflow.js'
import { type Input, openInput, readInput } from './input.js'
import { showCount } from './progress.js'
import { type ImportedSource, importSource, itemOf } from './source-file/import-source.js'
import { formatOfSource, readSource, SOURCE_START } from './source-file/read-source.js'
import { sourcePathOf } from './source-file/source-files.js'
import { say } from './streams.js'

export interface RunSource {
  /** The file's absolute path, or `-`. */
  readonly name: string
  /** Keys of its items, in slices. */
  readonly keys: () => AsyncIterable<readonly string[]>
  /** Puts its items into the queue and into the run. */
  readonly feed: (parts: SourceParts) => Promise<RunFed>
}

export interface SourceParts extends Omit<FeedParts, 'input' | 'runId'> {
  readonly runId: number
}

export interface RunFed {
  /** URLs or records that can be worked, and those that cannot. */
  readonly good: number
  readonly bad: number
  /** Items that are new to the queue. */
  readonly added: number
}

/**
 * Opens what a run is about.
 *
 * @throws {FetchyardError} USAGE when nothing says where items come from; INPUT_INVALID when the
 * file is missing, a directory, or cannot be read.
 */
export async function openRunSource(
  invocation: Invocation,
  { definition, moduleUrl }: LoadedWorkflow,
): Promise<RunSource> {
  const { cwd, streams } = invocation
  const path = textGiven(invocation, 'input')
  if (path !== null) return inputSource(await openInput(path, { cwd, stdin: streams.stdin }))
  const { file } = definition
  if (file !== undefined) return fileSource(definition.name, file, sourcePathOf(moduleUrl, file))
  throw new FetchyardError(
    'USAGE',
    'Expected --input FILE, or --input - for standard input: ' +
      `${definition.name} names no file as its source.`,
  )
}

function inputSource(input: Input): RunSource {
  return {
    name: input.name,
    keys: () => urlsOf(input),
    feed: (parts) => feedWorkflow({ ...parts, input }),
  }
}

async function* urlsOf(input: Input): AsyncGenerator<readonly string[]> {
  for await (const slice of readInput(input)) {
    yield slice.flatMap(({ url }) => (url === undefined ? [] : [url]))
  }
}

async function fileSource(workflow: string, source: FileSource, path: string): Promise<RunSource> {
  const refused = (problem: string) => {
    const words = `The source file ${path} of ${workflow} cannot be read: ${problem}.`
    return new FetchyardError('INPUT_INVALID', words)
  }
  const found = await stat(path).catch((error: unknown) => {
    throw refused(hasCode(error, 'ENOENT') ? 'there is no such file' : messageOf(error))
  })
  if (found.isDirectory()) throw refused('it is a directory; name a file in it')
  // What the file system or the unpacking says; what the database says is not about the file.
  const reading = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work()
    } catch (error) {
      throw isOfFile(error) ? refused(messageOf(error)) : error
    }
  }
  return {
    name: path,
    keys: () => keysOf(source, path, reading),
    feed: (parts) => reading(() => feedFile(parts, source, path)),
  }
}

function isOfFile(error: unknown): boolean {
  if (!(error instanceof Error) || !('code' in error)) return false
  const code = String(error.code)
  return ('syscall' in error && 'path' in error) || code.startsWith('Z_') || code === 'EISDIR'
}

async function* keysOf(
  source: FileSource,
  path: string,
  reading: <T>(work: () => Promise<T>) => Promise<T>,
): AsyncGenerator<readonly string[]> {
  const slices = readSource({ path, format: formatOfSource(source), from: SOURCE_START })
  for (;;) {
    const next = await reading(() => slices.next())
    if (next.done === true) return
    yield next.value.flatMap((record) => itemOf(record, source).map(({ key }) => key))
  }
}

async function feedFile(parts: SourceParts, source: FileSource, path: string): Promise<RunFed> {
  const { invocation, database, workflow, handle, runId, isStopped } = parts
  const { streams, clock } = invocation
  let saidMs = clock.nowMs()
  const done = await importSource({
    ...{ sql: database.sql, workflowId: handle.workflowId, source, path, isStopped },
    run: { runId, again: isGiven(invocation, 'again') ? 'when-finished' : 'never' },
    onStep: (records) => {
      if (clock.nowMs() - saidMs < SAY_EVERY_MS) return
      saidMs = clock.nowMs()
      say(streams, `Read ${showCount(records)} records so far.`)
    },
  })
  refuseEnd(done, { name: workflow.definition.name, path })
  const { records, unused, problem, added } = done
  if (unused > 0) {
    const count = `${showCount(unused)} of ${showCount(records)} records`
    say(streams, `${count} are not used; the first: ${problem}.`)
  }
  return { good: records - unused, bad: unused, added }
}

function refuseEnd(
  { end, records, unused, problem }: ImportedSource,
  { name, path }: { readonly name: string; readonly path: string },
): void {
  if (end === 'moved') {
    const words = `Another process reads ${path} for the same run at this moment`
    throw new FetchyardError('INTERRUPTED', `${words}; nothing was enqueued twice.`)
  }
  if (end === 'stopped' || records > unused) return
  const why = problem === null ? 'it is empty' : `none of its ${records} can be used, ${problem}`
  throw new FetchyardError(
    'INPUT_INVALID',
    `The source file ${path} of ${name} has no record: ${why}.`,
  )
}
