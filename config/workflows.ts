// What single workflows have for themselves: in the `workflows` part of the configuration file, and
// in the `options` of their modules.

import { FetchyardError } from '../src/core/errors.js'
import { type Fields, isFields } from '../src/core/fields.js'
import type { Configuration } from './load.js'
import { OPTIONS, WORKFLOW_SETTING_NAMES } from './options.js'
import { checkRules, put, reportUnknown, type Writable, widened, withOrigin } from './reading.js'
import type { Settings } from './settings.js'

export interface WorkflowEntries {
  /** What a workflow has for itself, by its name or module path. */
  readonly own: ReadonlyMap<string, Partial<Settings>>
  /** The names and paths of a list, in its order; null where there is none. */
  readonly listed: readonly string[] | null
}

const SHAPE =
  'a list of names, module paths and objects with a field `module`, or an object by workflow'

/** Reads `workflows`: a list is all that a node works, an object adds options to what it works. */
export function readWorkflowEntries(
  value: unknown,
  path: string,
  violations: string[],
): WorkflowEntries {
  const own = new Map<string, Partial<Settings>>()
  if (value === undefined) return { own, listed: null }
  if (Array.isArray(value)) return readList(value, path, violations)
  if (!isFields(value)) {
    violations.push(`Expected \`workflows\` to be ${SHAPE} (from ${path}).`)
    return { own, listed: null }
  }
  for (const [workflow, fields] of Object.entries(value)) {
    const name = `workflows.${workflow}`
    if (isFields(fields)) {
      own.set(workflow, readOptions(fields, { where: `${path}, ${name}`, violations }))
    } else violations.push(`Expected \`${name}\` to be an object of options.`)
  }
  return { own, listed: null }
}

function readList(
  entries: readonly unknown[],
  path: string,
  violations: string[],
): WorkflowEntries {
  const own = new Map<string, Partial<Settings>>()
  for (const [index, entry] of entries.entries()) {
    const name = `workflows[${index}]`
    const fields = typeof entry === 'string' ? { module: entry } : entry
    if (!isFields(fields) || typeof fields.module !== 'string' || fields.module === '') {
      violations.push(
        `Expected \`${name}\` to be a name, a module path, or an object with a field ` +
          `\`module\` that is one (from ${path}).`,
      )
      continue
    }
    const { module, ...options } = fields
    if (own.has(module)) violations.push(`\`${module}\` is in \`workflows\` twice (in ${path}).`)
    own.set(module, readOptions(options, { where: `${path}, ${name}`, violations }))
  }
  return { own, listed: [...own.keys()] }
}

/** Reads options that a workflow may have for itself. */
function readOptions(
  fields: Fields,
  report: { readonly where: string; readonly violations: string[] },
): Partial<Settings> {
  const { where, violations } = report
  reportUnknown(fields, { known: WORKFLOW_SETTING_NAMES, where, violations })
  const settings: Partial<Writable<Settings>> = {}
  for (const name of WORKFLOW_SETTING_NAMES) {
    if (!Object.hasOwn(fields, name)) continue
    const found = { raw: fields[name], origin: where, read: widened(name).read }
    put(settings, name, found, { violations, preferences: {} })
  }
  return settings
}

/**
 * The settings of one workflow that differ from the node's: the file's entry before flags and
 * environment, these before the module's own options, and those before all that is general.
 *
 * @throws {FetchyardError} WORKFLOW_INVALID naming every violation of the module's options.
 */
export function settingsOfWorkflow(
  configuration: Configuration,
  workflow: {
    /** Where the module's options are, for messages. */
    readonly origin: string
    readonly options: Fields
    readonly entry: Partial<Settings>
  },
): Partial<Settings> {
  const { origins, settings } = configuration
  const violations: string[] = []
  const where = `${workflow.origin}, options`
  const written = readOptions(workflow.options, { where, violations })
  const module = Object.fromEntries(
    WORKFLOW_SETTING_NAMES.filter((name) => name in written && !isAsked(configuration, name)).map(
      (name) => [name, written[name]],
    ),
  )
  const own: Partial<Settings> = { ...module, ...workflow.entry }
  if (violations.length === 0) {
    checkRules({ ...settings, ...own }, { origins: withOrigin(origins, module, where), violations })
  }
  if (violations.length === 0) return own
  throw new FetchyardError(
    'WORKFLOW_INVALID',
    `The options of the workflow in ${workflow.origin} cannot be used:\n- ${violations.join('\n- ')}`,
  )
}

/** Whether somebody asked for this setting now: by a flag, or by the environment. */
function isAsked({ origins }: Configuration, name: keyof Settings): boolean {
  const origin = origins[name]
  const { environment, aliases } = OPTIONS[name]
  return (
    origin.startsWith('--') ||
    environment.includes(origin) ||
    aliases.some((alias) => alias.name === origin)
  )
}
