import { suggestion } from '../../../config/suggest.js'
import { FetchyardError } from '../../../src/core/errors.js'
import { type Command, type Invocation, textGiven } from '../command.js'
import { runDocuments } from '../documents/run-documents.js'
import { verifyDocuments } from '../documents/verify-documents.js'

const ACTIONS: { readonly [action: string]: (invocation: Invocation) => Promise<number> } = {
  run: runDocuments,
  verify: verifyDocuments,
}

export const documentsCommand: Command = {
  syntax: 'documents <action> [path]',
  summary: 'Save documents by their references, through logged-in browsers or from URLs',
  examples: [
    ['fetchyard documents run references.csv', 'plain URLs, without a browser'],
    ['fetchyard documents run references.txt --site ./archive.mjs', 'through a site module'],
    ['fetchyard documents run - --site ./archive.mjs --contexts 3', 'references from stdin'],
    ['fetchyard documents verify --mend', 'hold every file against the ledger'],
  ],
  groups: [
    ...(['database', 'node', 'work', 'fetch', 'politeness', 'documents'] as const),
    ...(['alert', 'webhook', 'web'] as const),
  ],
  flags: {
    mend: { type: 'switch', sentence: 'verify: ask again for what is not as it was saved' },
    json: { type: 'switch', sentence: 'Print the result as JSON' },
  },
  // The report counts what failed; a line for each would bury it.
  preferences: { logLevel: 'error' },
  run: (invocation) => {
    const action = textGiven(invocation, 'action') ?? ''
    const known = Object.keys(ACTIONS)
    const act = Object.hasOwn(ACTIONS, action) ? ACTIONS[action] : undefined
    if (act !== undefined) return act(invocation)
    throw new FetchyardError(
      'USAGE',
      `There is no \`documents ${action}\`.${suggestion(action, known)} Expected ${known.join(', ')}.`,
    )
  },
}
