// Workflows as the configuration file has them: which ones a node works, where their modules are,
// and what each has for itself.

import { dirname, resolve } from 'node:path'
import { schedulerOf } from '../../config/scheduler-names.js'
import type { Settings } from '../../config/settings.js'
import { settingsOfWorkflow } from '../../config/workflows.js'
import { FetchyardError, messageOf } from '../../src/core/errors.js'
import type { RefusedWorkflow } from '../../src/core/figures.js'
import { checkBrowser } from '../documents/find-browser.js'
import { DOCUMENTS } from '../documents/settings.js'
import type { LoadedWorkflow } from '../node.js'
import { type LoadedRecords, loadRecords } from '../records/load-records.js'
import { isModulePath, loadWorkflow, SHIPPED_NAMES, USUAL_NAMES } from '../workflows.js'
import type { Invocation } from './command.js'

/** What was found of the workflows that were asked for. */
export interface ChosenWorkflows {
  readonly loaded: readonly LoadedWorkflow[]
  readonly refused: readonly RefusedWorkflow[]
}

type Asked = { readonly word: string; readonly directory: string }

function fileDirectory({ cwd, configuration }: Invocation): string {
  return configuration.file === null ? cwd : dirname(configuration.file)
}

/** Loads a workflow by a word, with the settings that it has for itself. */
async function load(asked: Asked, invocation: Invocation): Promise<LoadedWorkflow> {
  const workflow = await loadWorkflow(asked.word, asked.directory, schemaFor(asked, invocation))
  const { definition } = workflow
  const { name, schedule: own = null } = definition
  const wish = schedulerOf({ name, schedule: own }, invocation.environment)
  if (wish.violations.length > 0) {
    throw new FetchyardError('CONFIG_INVALID', wish.violations.join('\n'))
  }
  const overrides = { ...wish.overrides, ...overridesOf(workflow, asked, invocation) }
  if (name === DOCUMENTS) await checkBrowser({ ...invocation.settings, ...overrides })
  if (wish.schedule === null) return { ...workflow, overrides }
  return { ...workflow, overrides, definition: { ...definition, schedule: wish.schedule } }
}

/** The same for a mapping of records, by its path. */
export async function configuredRecords(
  word: string,
  invocation: Invocation,
): Promise<LoadedRecords> {
  const asked = { word, directory: invocation.cwd }
  const records = await loadRecords(word, asked.directory, schemaFor(asked, invocation))
  return { ...records, overrides: overridesOf(records, asked, invocation) }
}

/** The schema that rows of records go to, by what the file has for their mapping, or for all. */
function schemaFor(asked: Asked, invocation: Invocation): string | null {
  return entryOf(asked, null, invocation).schema ?? invocation.settings.schema
}

function overridesOf(
  workflow: LoadedWorkflow,
  asked: Asked,
  invocation: Invocation,
): Partial<Settings> {
  const { definition } = workflow
  const overrides = settingsOfWorkflow(invocation.configuration, {
    origin: asked.word,
    options: { ...definition.options },
    entry: entryOf(asked, definition.name, invocation),
  })
  return { ...workflow.overrides, ...overrides }
}

/** What the file has for a workflow: under the path of its module, or under its name if known. */
function entryOf(asked: Asked, name: string | null, invocation: Invocation): Partial<Settings> {
  const { workflows } = invocation.configuration
  const path = resolve(asked.directory, asked.word)
  const directory = fileDirectory(invocation)
  for (const [word, own] of workflows) {
    if (word === asked.word || word === name) return own
    if (isModulePath(word) && resolve(directory, word) === path) return own
  }
  return {}
}

/** Module paths that the file names. */
function modulesOf(invocation: Invocation): readonly Asked[] {
  const { workflows } = invocation.configuration
  const directory = fileDirectory(invocation)
  return [...workflows.keys()].filter(isModulePath).map((word) => ({ word, directory }))
}

/**
 * The workflow that a person calls by this word: the name of a shipped one or of a module of the
 * file, or a path.
 *
 * @throws {FetchyardError} WORKFLOW_UNKNOWN or WORKFLOW_INVALID.
 */
export async function configuredWorkflow(
  word: string,
  invocation: Invocation,
): Promise<LoadedWorkflow> {
  if (SHIPPED_NAMES.includes(word) || isModulePath(word)) {
    return load({ word, directory: invocation.cwd }, invocation)
  }
  const refused: string[] = []
  for (const asked of modulesOf(invocation)) {
    try {
      const found = await load(asked, invocation)
      if (found.definition.name === word) return found
    } catch (error) {
      refused.push(`${asked.word}: ${messageOf(error)}`)
    }
  }
  return load({ word, directory: invocation.cwd }, invocation).catch((error: unknown) => {
    if (refused.length === 0) throw error
    // One of these may be what is meant: their names are known to nobody.
    const words = 'Modules of the configuration file cannot be loaded, and one may be it'
    throw new FetchyardError(
      'WORKFLOW_UNKNOWN',
      `${messageOf(error)}\n${words}:\n${refused.join('\n')}`,
    )
  })
}

/**
 * The workflows that a node is to work: those that were named; or those that the file lists; or the
 * shipped ones and the modules of the file. One that cannot be loaded is refused, and the others
 * are not kept from anything.
 */
export async function chosenWorkflows(
  named: readonly string[],
  invocation: Invocation,
): Promise<ChosenWorkflows> {
  const loaded: LoadedWorkflow[] = []
  const refused: RefusedWorkflow[] = []
  const asked = askedFor(named, invocation)
  const [only] = asked
  // Of one, the reason is the whole answer.
  if (only !== undefined && asked.length === 1) {
    return { loaded: [await load(only, invocation)], refused }
  }
  const tries = await Promise.allSettled(asked.map((one) => load(one, invocation)))
  for (const [index, outcome] of tries.entries()) {
    const module = asked[index]?.word ?? ''
    if (outcome.status === 'rejected') {
      refused.push({ module, reason: messageOf(outcome.reason) })
      continue
    }
    const { name } = outcome.value.definition
    if (!loaded.some((other) => other.definition.name === name)) loaded.push(outcome.value)
    else if (named.length > 0) {
      throw new FetchyardError('USAGE', `Two workflows are called \`${name}\`. Rename one.`)
    } else {
      refused.push({ module, reason: `\`name\`: another workflow is called ${name}. Rename one.` })
    }
  }
  return { loaded, refused }
}

function askedFor(named: readonly string[], invocation: Invocation): readonly Asked[] {
  const { cwd, configuration } = invocation
  if (named.length > 0) return named.map((word) => ({ word, directory: cwd }))
  const directory = fileDirectory(invocation)
  if (configuration.listed !== null) {
    return configuration.listed.map((word) => ({ word, directory }))
  }
  return [
    ...usualNames(invocation).map((word) => ({ word, directory: cwd })),
    ...modulesOf(invocation),
  ]
}

/** The usual ones, and those that the file has something for. */
function usualNames({ configuration: { workflows } }: Invocation): readonly string[] {
  return SHIPPED_NAMES.filter((name) => USUAL_NAMES.includes(name) || workflows.has(name))
}
