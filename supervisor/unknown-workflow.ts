import { suggestion } from '../config/suggest.js'
import { FetchyardError } from '../src/core/errors.js'

/** Somebody names a workflow that the database does not know; `names` are those it does. */
export function unknownWorkflow(name: string, names: readonly string[]): FetchyardError {
  const known = names.length === 0 ? 'It knows none yet.' : `It knows ${names.join(', ')}.`
  return new FetchyardError(
    'WORKFLOW_UNKNOWN',
    `The database knows no workflow \`${name}\`.${suggestion(name, names)} ${known}`,
  )
}
