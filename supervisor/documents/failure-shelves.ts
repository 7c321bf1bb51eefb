import { resolve } from 'node:path'
import type { Settings } from '../../config/settings.js'
import { KeptFailures } from '../../src/documents/kept-failures.js'
import type { LoadedWorkflow } from '../node.js'
import type { FailureShelves } from '../web/failure-page.js'
import { DOCUMENTS } from './settings.js'

/** Where pages of failures are kept on this machine, also those of earlier runs. */
export function failureShelvesOf(
  settings: Settings,
  workflows: readonly LoadedWorkflow[],
): FailureShelves {
  const own = workflows.find(({ definition }) => definition.name === DOCUMENTS)?.overrides
  const { documentDirectory } = { ...settings, ...own }
  return new Map([[DOCUMENTS, new KeptFailures(resolve(documentDirectory))]])
}
