// How a worker came to its end: as it was asked to, or not, and in which words.

import type { WorkerState } from '../src/core/worker-state.js'
import type { LinkExit, WorkerLink } from './transport.js'

/** Who died and how, in words for the history of the items it held. */
export interface WorkerDeath {
  readonly reason: string
  readonly isExpected: boolean
}

/** What the pool knows of a worker that is gone. */
export interface Deceased {
  readonly identity: { readonly workerId: string }
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

export function deathReason(worker: Deceased, exit: LinkExit): string {
  const who = `worker ${worker.identity.workerId} (pid ${worker.link?.pid ?? 0})`
  if (worker.killReason !== null) return `${who} was killed: it ${worker.killReason}`
  if (exit.signal !== null) return `${who} died of ${exit.signal}`
  const words = exit.message === null ? '' : `: ${exit.message}`
  return `${who} exited with code ${exit.exitCode ?? 'unknown'}${words}`
}
