/** Where a supervisor is in its life. */
export const SUPERVISOR_STATES = ['starting', 'running', 'draining', 'halting', 'stopped'] as const
export type SupervisorState = (typeof SUPERVISOR_STATES)[number]

/**
 * What happens to it. `stop`: shutdown message, SIGINT, SIGTERM, or a run that is finished.
 * `fenced`: its lease is gone, nothing it says counts any more.
 */
export const SUPERVISOR_EVENTS = [
  'ready',
  'stop',
  'drained',
  'deadline',
  'fenced',
  'ended',
] as const
export type SupervisorEvent = (typeof SUPERVISOR_EVENTS)[number]

/** The event changes nothing in this state. */
const STAYS = null

/**
 * What each event does in each state. Complete on purpose: a new state or event does not compile
 * until every cell is decided.
 */
const SUPERVISOR_TRANSITIONS = {
  starting: {
    ready: 'running',
    stop: 'halting', // Nothing was leased: there is nothing to drain.
    drained: STAYS,
    deadline: STAYS,
    fenced: 'halting',
    ended: 'stopped',
  },
  running: {
    ready: STAYS,
    stop: 'draining',
    drained: STAYS,
    deadline: STAYS,
    fenced: 'halting',
    ended: 'stopped',
  },
  draining: {
    ready: STAYS,
    stop: 'halting', // The second signal.
    drained: 'halting',
    deadline: 'halting',
    fenced: 'halting',
    ended: 'stopped',
  },
  halting: {
    ready: STAYS,
    stop: STAYS,
    drained: STAYS,
    deadline: STAYS,
    fenced: STAYS,
    ended: 'stopped',
  },
  stopped: {
    ready: STAYS,
    stop: STAYS,
    drained: STAYS,
    deadline: STAYS,
    fenced: STAYS,
    ended: STAYS,
  },
} as const satisfies Record<SupervisorState, Record<SupervisorEvent, SupervisorState | null>>

export function nextSupervisorState(
  state: SupervisorState,
  event: SupervisorEvent,
): SupervisorState {
  return SUPERVISOR_TRANSITIONS[state][event] ?? state
}
