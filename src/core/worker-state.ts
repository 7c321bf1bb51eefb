/** Where a worker, child process or thread, is in its life, as its supervisor sees it. */
export const WORKER_STATES = ['starting', 'ready', 'draining', 'killed', 'exited'] as const
export type WorkerState = (typeof WORKER_STATES)[number]

/**
 * What happens to it. `refused`: its workflow's module is unusable. `silent`: no pong for too long,
 * or no hello in time. `swollen`: over its memory limit.
 */
export const WORKER_EVENTS = [
  'ready',
  'refused',
  'silent',
  'swollen',
  'drain',
  'halt',
  'exit',
] as const
export type WorkerEvent = (typeof WORKER_EVENTS)[number]

/** What the pool does about it. */
export const WORKER_ACTIONS = ['none', 'open', 'drain', 'kill', 'bury'] as const
export type WorkerAction = (typeof WORKER_ACTIONS)[number]

interface Cell {
  readonly next: WorkerState
  readonly action: WorkerAction
}

const stay = (next: WorkerState): Cell => ({ next, action: 'none' })
const kill: Cell = { next: 'killed', action: 'kill' }
const bury: Cell = { next: 'exited', action: 'bury' }

/** Every event in every state. A worker holds items only in `ready`, `draining` and `killed`. */
export const WORKER_TRANSITIONS: Readonly<
  Record<WorkerState, Readonly<Record<WorkerEvent, Cell>>>
> = {
  starting: {
    ready: { next: 'ready', action: 'open' },
    refused: kill,
    silent: kill,
    swollen: kill,
    drain: kill,
    halt: kill,
    exit: bury,
  },
  ready: {
    ready: stay('ready'),
    refused: kill,
    silent: kill,
    swollen: { next: 'draining', action: 'drain' },
    drain: { next: 'draining', action: 'drain' },
    halt: kill,
    exit: bury,
  },
  draining: {
    ready: stay('draining'),
    refused: kill,
    silent: kill,
    swollen: stay('draining'),
    drain: stay('draining'),
    halt: kill,
    exit: bury,
  },
  killed: {
    ready: stay('killed'),
    refused: stay('killed'),
    silent: stay('killed'),
    swollen: stay('killed'),
    drain: stay('killed'),
    halt: stay('killed'),
    exit: bury,
  },
  exited: {
    ready: stay('exited'),
    refused: stay('exited'),
    silent: stay('exited'),
    swollen: stay('exited'),
    drain: stay('exited'),
    halt: stay('exited'),
    exit: stay('exited'),
  },
}
