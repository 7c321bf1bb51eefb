// Asks a process of its own what a user's module declares. The supervisor itself never runs code of
// a user's: a module that throws, exits or hangs on import costs its workflow and nothing else.

import { spawn } from 'node:child_process'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { FetchyardError, messageOf } from '../src/core/errors.js'
import type { DeclaredWorkflow } from '../src/workflow/define.js'
import { workerEnvironment } from './process-transport.js'

const ENTRY = fileURLToPath(new URL('../workers/probe-entry.js', import.meta.url))

/** Time that a module has to be imported: as long as a worker has to say hello. */
const IMPORT_MS = 30_000
/** Characters of an answer: a declaration with the SQL of many tables. */
const ANSWER_CHARS_MAX = 1_048_576

/** Processes that are asked when one after another is killed. */
const ASKED_MAX = 3

interface Told {
  readonly text: string
  /** Why there is no answer; null when there is one. */
  readonly failure: string | null
  /** By somebody else, the machine short of memory most likely: not the module's fault. */
  readonly isKilled: boolean
}

/**
 * What the module at a URL declares.
 *
 * @param origin how people call the module, for the message.
 * @throws {FetchyardError} WORKFLOW_INVALID with what is wrong with it.
 */
export async function probeModule(
  moduleUrl: string,
  origin: string,
  importMs = IMPORT_MS,
): Promise<DeclaredWorkflow> {
  const { text, failure } = await ask([moduleUrl, origin], importMs)
  // Our own program wrote it.
  const told = (text === '' ? {} : JSON.parse(text)) as {
    readonly declared?: DeclaredWorkflow
    readonly refused?: string
  }
  if (told.declared !== undefined) return told.declared
  const words = told.refused ?? `The workflow module ${origin} cannot be imported: ${failure}.`
  throw new FetchyardError('WORKFLOW_INVALID', words)
}

/**
 * What the module at a URL exports as default, when that is data and no workflow.
 *
 * @throws {Error} with what is wrong with it.
 */
export async function probeData(moduleUrl: string, importMs = IMPORT_MS): Promise<unknown> {
  const { text, failure } = await ask([moduleUrl, moduleUrl, 'data'], importMs)
  // Our own program wrote it.
  const told = (text === '' ? { refused: failure } : JSON.parse(text)) as {
    readonly data?: unknown
    readonly refused?: string
  }
  if (told.refused !== undefined) throw new Error(told.refused)
  return told.data
}

/**
 * The answer of the first process that gives one. A node that starts while its machine is short of
 * memory must not take that for a module that is wrong: for those it ends for good.
 */
async function ask(words: readonly string[], importMs: number): Promise<Told> {
  let told = await askOnce(words, importMs)
  for (let asked = 1; told.isKilled && asked < ASKED_MAX; asked += 1) {
    told = await askOnce(words, importMs)
  }
  return told
}

function askOnce(words: readonly string[], importMs: number): Promise<Told> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [ENTRY, ...words], {
      env: workerEnvironment(),
      // What it prints goes to the talk: our standard output belongs to results.
      stdio: ['ignore', 2, 2, 'pipe'],
    })
    let text = ''
    let failure: string | null = null
    const giveUp = (why: string) => {
      failure ??= why
      child.kill('SIGKILL')
    }
    const timer = setTimeout(() => {
      giveUp(`it did not come to an end within ${importMs / 1_000} s`)
    }, importMs)
    const answer = child.stdio[3] as Readable
    answer.setEncoding('utf8')
    answer.on('data', (chunk) => {
      text += String(chunk)
      if (text.length > ANSWER_CHARS_MAX) giveUp('it declares more than a megabyte')
    })
    child.once('error', (error) => giveUp(`no process for it can be started, ${messageOf(error)}`))
    child.once('close', (exitCode, signal) => {
      clearTimeout(timer)
      const end = signal === null ? `with code ${exitCode}` : `on ${signal}`
      resolve({
        text: failure === null ? text : '',
        failure: failure ?? `its process ended ${end} before it was imported`,
        isKilled: failure === null && signal !== null && text === '',
      })
    })
  })
}
