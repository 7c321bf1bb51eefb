import type { ChainOptions } from '../core/chain-options.js'
import type { ResultRow } from '../workflow/define.js'

/**
 * What a result row says to the workflow whose work it is: taken up at once, or left to a person,
 * whose 'Selected' queues it.
 *
 * @param isWork whether the next workflow can do anything with the row at all.
 */
export function nextStage(
  { selectsResults }: ChainOptions,
  status: string,
  isWork = true,
  curation = 'curation_status',
): ResultRow {
  if (!selectsResults || !isWork) return { [curation]: 'New', [status]: null }
  return { [curation]: 'Selected', [status]: 'Queued' }
}
