import { availableParallelism } from 'node:os'
import { suggestion } from '../../../config/suggest.js'
import { FetchyardError } from '../../../src/core/errors.js'
import { LIMITS } from '../../../src/core/limits.js'
import { type Command, type Invocation, textGiven } from '../command.js'
import { checkRecords } from '../xml-records/check.js'
import { createTables } from '../xml-records/create-tables.js'
import { importRecords } from '../xml-records/import-records.js'
import { runRecords } from '../xml-records/run-records.js'

/**
 * Items under way for each thread. Converting takes a millisecond or less, so most of them wait for
 * their settle; with fewer the settles are small, and the rate halves.
 */
const ITEMS_A_THREAD = 100

const threads = Math.min(availableParallelism(), LIMITS.workersMax)
const concurrency = Math.min(threads * ITEMS_A_THREAD, LIMITS.slotsMax)

const ACTIONS: { readonly [action: string]: (invocation: Invocation) => Promise<number> } = {
  check: checkRecords,
  'create-tables': createTables,
  import: importRecords,
  run: runRecords,
}

export const recordsCommand: Command = {
  syntax: 'records <action> <mapping> [path]',
  summary: 'Load XML records into tables by a mapping: check, create-tables, import, run',
  examples: [
    ['fetchyard records check orders.records.json --sample orders.xml', 'what records become'],
    ['fetchyard records create-tables orders.records.json --schema sandbox', 'tables to load into'],
    ['fetchyard records run orders.records.json orders.xml.gz', 'a file, to its end'],
    ['fetchyard records import orders.records.json inbox/', 'files, for nodes that run `up`'],
  ],
  groups: ['database', 'node', 'work', 'fetch', 'upstream', 'alert', 'webhook', 'web'],
  flags: {
    sample: {
      type: 'text',
      sentence: 'check: a file whose records are converted, and not written',
    },
    tables: { type: 'switch', sentence: 'check: hold the mapping against the live tables, too' },
    print: { type: 'switch', sentence: 'create-tables: print the statements and execute none' },
    name: { type: 'text', sentence: 'import, run: name of the import, instead of the file name' },
    json: { type: 'switch', sentence: 'Print the result as JSON' },
  },
  // Converting takes a core and no network: a thread a core, with work waiting for each.
  preferences: {
    executor: 'thread',
    threads,
    concurrency,
    // Nothing is fetched; the rule that slots have sockets holds all the same.
    sockets: concurrency,
    logLevel: 'error',
  },
  run: (invocation) => {
    const action = textGiven(invocation, 'action') ?? ''
    const known = Object.keys(ACTIONS)
    const act = Object.hasOwn(ACTIONS, action) ? ACTIONS[action] : undefined
    if (act !== undefined) return act(invocation)
    throw new FetchyardError(
      'USAGE',
      `There is no \`records ${action}\`.${suggestion(action, known)} Expected ${known.join(', ')}.`,
    )
  },
}
