// The source files of the workflows that a node works: each is imported while the node runs, and a
// node that starts later goes on where it ended.

import { dirname, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { FileSource } from '../../../src/core/definition.js'
import { messageOf } from '../../../src/core/errors.js'
import type { Sql } from '../../../src/store/client.js'
import { registerWorkflow } from '../../../src/store/workflows.js'
import type { LoadedWorkflow } from '../../node.js'
import { importSource } from './import-source.js'

export interface SourceFiles {
  /** Ends after the records that are being committed. */
  readonly stop: () => Promise<void>
}

/** Pause before a file is looked at again that could not be read, or that another node imports. */
const AGAIN_MS = 5_000

export function startSourceFiles(of: {
  readonly sql: Sql
  readonly workflows: readonly LoadedWorkflow[]
  readonly say: (words: string) => void
}): SourceFiles {
  const stopped = new AbortController()
  const all = of.workflows.map((workflow) => importFor(workflow, { ...of, stopped }))
  return {
    stop: async () => {
      stopped.abort()
      await Promise.all(all)
    },
  }
}

/** Where the file of a module is: its path is relative to the module. */
export function sourcePathOf(moduleUrl: string, { file }: FileSource): string {
  return resolve(dirname(fileURLToPath(moduleUrl)), file)
}

async function importFor(
  { definition, moduleUrl }: LoadedWorkflow,
  of: {
    readonly sql: Sql
    readonly say: (words: string) => void
    readonly stopped: AbortController
  },
): Promise<void> {
  const { name, file: source } = definition
  if (source === undefined) return
  const { sql, say } = of
  const { signal } = of.stopped
  const path = sourcePathOf(moduleUrl, source)
  let told = ''
  while (!signal.aborted) {
    try {
      const { workflowId } = await registerWorkflow(sql, name)
      const isStopped = () => signal.aborted
      const done = await importSource({ sql, workflowId, source, path, isStopped })
      if (done.end === 'stopped') return
      if (done.end === 'finished') {
        const { records, added, unused, problem } = done
        const bad = unused === 0 ? '' : `, ${unused} not used (first ${problem})`
        return say(`${name}: ${source.file} has ${records} records, ${added} are new${bad}.`)
      }
    } catch (error) {
      // Said once: the file may come later, and the database back.
      const words = `${name}: ${source.file} is not imported yet: ${messageOf(error)}`
      if (words !== told) say(words)
      told = words
    }
    await sleep(AGAIN_MS, undefined, { signal }).catch(() => {})
  }
}
