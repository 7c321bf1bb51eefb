// The workflows that are shipped, and how those of a user's are found: a name is looked up here, a
// path is imported.

import { stat } from 'node:fs/promises'
import { isAbsolute, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Settings } from '../config/settings.js'
import { suggestion } from '../config/suggest.js'
import { FetchyardError } from '../src/core/errors.js'
import { validateWorkflow } from '../src/workflow/validate.js'
import { DOCUMENTS } from './documents/settings.js'
import { probeModule } from './module-probe.js'
import type { LoadedWorkflow } from './node.js'
import { isMappingPath, loadRecords } from './records/load-records.js'

/** Modules of the shipped workflows. They are imported when they are asked for. */
const SHIPPED: ReadonlyMap<string, URL> = new Map(
  ['deep-scan', 'domain-extraction', 'sitemap', 'sitemap-file', 'contacts', DOCUMENTS].map(
    (name) => [name, new URL(`../src/workflows/${name}.js`, import.meta.url)],
  ),
)

/** Settings of a shipped workflow in place of the node's, unless the file says otherwise. */
const OVERRIDES: ReadonlyMap<string, Partial<Settings>> = new Map([
  ['deep-scan', { upstream: 'places-api' }],
])

export const SHIPPED_NAMES: readonly string[] = [...SHIPPED.keys()]

/** Those that a node works when nobody says which. Documents are asked for by name. */
export const USUAL_NAMES: readonly string[] = SHIPPED_NAMES.filter((name) => name !== DOCUMENTS)

/** Whether a word names a module file, as opposed to a workflow. */
export function isModulePath(word: string): boolean {
  return (
    /^\.{0,2}[/\\]/.test(word) || isAbsolute(word) || /\.[cm]?js$/.test(word) || isMappingPath(word)
  )
}

/**
 * Loads a workflow by its name, or by the path of its module or of a mapping of records.
 *
 * @param directory what a relative path is relative to.
 * @param schema where rows of records go; null for what their mapping says.
 * @throws {FetchyardError} WORKFLOW_UNKNOWN for a name or file that is not there, WORKFLOW_INVALID
 * for a module that cannot be imported or exports no workflow.
 */
export async function loadWorkflow(
  word: string,
  directory: string,
  schema: string | null = null,
): Promise<LoadedWorkflow> {
  if (isMappingPath(word)) return loadRecords(word, directory, schema)
  const shipped = SHIPPED.get(word)
  if (shipped !== undefined) {
    const workflow = await importShipped(shipped, word)
    const overrides = OVERRIDES.get(word)
    return overrides === undefined ? workflow : { ...workflow, overrides }
  }
  if (!isModulePath(word)) {
    throw new FetchyardError(
      'WORKFLOW_UNKNOWN',
      `There is no workflow \`${word}\`.${suggestion(word, SHIPPED_NAMES)} ` +
        `Shipped: ${SHIPPED_NAMES.join(', ')}. One of your own is named by its path: ./${word}.js`,
    )
  }
  const path = resolve(directory, word)
  const found = await stat(path).catch(() => null)
  if (found === null || !found.isFile()) {
    throw new FetchyardError('WORKFLOW_UNKNOWN', `There is no workflow module at ${path}.`)
  }
  const { href } = pathToFileURL(path)
  return { definition: await probeModule(href, path), moduleUrl: href }
}

/** What we ship is trusted not to harm the process that imports it. */
async function importShipped(url: URL, origin: string): Promise<LoadedWorkflow> {
  const module: { readonly default?: unknown } = await import(url.href)
  return { definition: validateWorkflow(module.default, origin), moduleUrl: url.href }
}
