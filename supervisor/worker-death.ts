// How a worker came to its end: as it was asked to, or not, and in which words.

import type { WorkerState } from '../src/core/worker-state.js'
import type { LinkExit, WorkerKind, WorkerLink } from './transport.js'

/** Who died and how, in words for the history of the items it held. */
export interface WorkerDeath {
  readonly reason: string
  readonly isExpected: boolean
}

/** What the pool knows of a worker that is gone. */
export interface Deceased {
  readonly identity: { readonly workerId: string; readonly kind: WorkerKind }
  readonly link: Pick<WorkerLink, 'pid'> | null
  /** Its last state while it lived. */
  readonly state: WorkerState
  readonly isExpectedToEnd: boolean
  /** Why it was killed for its own fault; null when it was not. */
  readonly killReason: string | null
}

/**
 * Whether a worker ended because it was asked to. One that crashes while it drains, or falls silent
 * and is killed, has died of what it worked: its items must not go back as if nothing had happened.
 */
export function hasEndedAsAsked(worker: Deceased, exit: LinkExit): boolean {
  if (!worker.isExpectedToEnd || worker.killReason !== null) return false
  return worker.state === 'killed' || exit.exitCode === 0
}

/** Which worker, so that it can be found in the log and in the list of processes. */
function workerWords(who: {
  readonly workerId: string
  readonly kind: WorkerKind
  readonly pid: number
}): string {
  // The pid of a thread is its supervisor's: said alone it would blame the wrong one.
  const where = who.kind === 'thread' ? `a thread of pid ${who.pid}` : `pid ${who.pid}`
  return `worker ${who.workerId} (${where})`
}

/** What usually lies behind a signal that we did not send. */
const SIGNAL_HINTS: ReadonlyMap<string, string> = new Map([
  [
    'SIGKILL',
    'which its supervisor did not send: a person did, or the system because memory ran out',
  ],
  ['SIGABRT', 'as Node ends when its heap is full, see --heap'],
])
/** What a shell or a container makes of the same end. */
const SIGABRT_CODE = 134

export function deathReason(worker: Deceased, exit: LinkExit): string {
  const who = workerWords({ ...worker.identity, pid: worker.link?.pid ?? 0 })
  if (worker.killReason !== null) return `${who} was killed: it ${worker.killReason}`
  const meanwhile = worker.state === 'draining' ? ', asked to end,' : ''
  return `${who}${meanwhile} ${endWords(exit)}`
}

function endWords({ exitCode, signal, message }: LinkExit): string {
  if (signal !== null) {
    const hint = SIGNAL_HINTS.get(signal)
    return `died of ${signal}${hint === undefined ? '' : `, ${hint}`}`
  }
  if (message !== null) return exitCode === null ? `did not start: ${message}` : `died: ${message}`
  const hint = exitCode === SIGABRT_CODE ? `, ${SIGNAL_HINTS.get('SIGABRT')}` : ''
  return `exited with code ${exitCode ?? 'unknown'}${hint}`
}
