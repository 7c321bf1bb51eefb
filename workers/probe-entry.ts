// Imports one workflow's module and says what it declares, in a process of its own: what a module
// does on import, be it to throw, to exit or never to end, happens to nobody else.

import { writeSync } from 'node:fs'
import { messageOf } from '../src/core/errors.js'
import { validateWorkflow } from '../src/workflow/validate.js'
import { loadDefault } from './load-default.js'

/** Where the answer goes, since a module may print to the standard output. */
const ANSWER_FD = 3

function answer(value: object): void {
  const text = Buffer.from(JSON.stringify(value))
  for (let sent = 0; sent < text.length; ) sent += writeSync(ANSWER_FD, text, sent)
}

/** The line of the module's own that its error came from, as people know its file. */
function placeOf(error: unknown, moduleUrl: string): string {
  const stack = error instanceof Error ? (error.stack ?? '') : ''
  const at = stack.indexOf(`${moduleUrl}:`)
  const line = at === -1 ? undefined : /^:(\d+)/.exec(stack.slice(at + moduleUrl.length))?.[1]
  return line === undefined ? '' : ` (line ${line})`
}

async function main(moduleUrl: string, origin: string): Promise<void> {
  let exported: unknown
  try {
    exported = await loadDefault(moduleUrl)
  } catch (error) {
    const what = `${messageOf(error)}${placeOf(error, moduleUrl)}`
    answer({ refused: `The workflow module ${origin} cannot be imported: ${what}` })
    return
  }
  try {
    // Functions do not survive JSON: what is told is everything but the code.
    answer({ declared: validateWorkflow(exported, origin) })
  } catch (error) {
    answer({ refused: messageOf(error) })
  }
}

/** A function would be lost on the way, and what is told would not be what the module exports. */
function refuseFunctions(field: string, value: unknown): unknown {
  if (typeof value === 'function') throw new Error(`\`${field}\` is a function, and no data`)
  return value
}

/** Tells what the module exports, as it is. */
async function tellData(moduleUrl: string): Promise<void> {
  try {
    const data = await loadDefault(moduleUrl)
    answer({ data: JSON.parse(JSON.stringify(data ?? null, refuseFunctions)) })
  } catch (error) {
    answer({ refused: `${messageOf(error)}${placeOf(error, moduleUrl)}` })
  }
}

const [, , moduleUrl = '', origin = '', kind = 'workflow'] = process.argv
if (kind === 'data') await tellData(moduleUrl)
else await main(moduleUrl, origin)
// Whatever the module left running, its declaration is known.
process.exit(0)
