// How an alert comes and goes. What is beyond its bound for a moment raises nothing, and what comes
// back within it for a moment clears nothing; between the bound and the one at which it is well
// again nothing changes, so that a figure which swings around the bound tells once.

/** Without a row in the database an alert is quiet. */
export const ALERT_STATES = ['quiet', 'pending', 'raised', 'clearing'] as const
export type AlertState = (typeof ALERT_STATES)[number]

/** How what was measured stands to the bound; `unknown`: there is too little to judge by. */
export const ALERT_VERDICTS = ['beyond', 'between', 'within', 'unknown'] as const
export type AlertVerdict = (typeof ALERT_VERDICTS)[number]

/** Where a verdict leads, before the time that the state must last is over and after it. */
interface Cell {
  readonly early: AlertState
  readonly due: AlertState
}

const to = (state: AlertState): Cell => ({ early: state, due: state })

/**
 * Complete on purpose: a new state or verdict does not compile until every cell is decided. A
 * pending alert is due after `raiseAfterMs`, a clearing one after `clearAfterMs`; the time of the
 * others is of no matter.
 */
export const ALERT_TABLE: Readonly<Record<AlertState, Readonly<Record<AlertVerdict, Cell>>>> = {
  quiet: {
    beyond: to('pending'),
    between: to('quiet'),
    within: to('quiet'),
    unknown: to('quiet'),
  },
  pending: {
    beyond: { early: 'pending', due: 'raised' },
    between: to('quiet'),
    within: to('quiet'),
    // Nothing was seen that speaks against it, and nothing that would raise it.
    unknown: to('pending'),
  },
  raised: {
    beyond: to('raised'),
    between: to('raised'),
    within: to('clearing'),
    unknown: to('raised'),
  },
  clearing: {
    beyond: to('raised'),
    between: to('raised'),
    within: { early: 'clearing', due: 'quiet' },
    unknown: to('clearing'),
  },
}

export interface AlertTimes {
  readonly raiseAfterMs: number
  readonly clearAfterMs: number
}

/** The state that follows from a verdict, `waitedMs` after the state was entered. */
export function nextAlertState(
  state: AlertState,
  verdict: AlertVerdict,
  time: AlertTimes & { readonly waitedMs: number },
): AlertState {
  const { early, due } = ALERT_TABLE[state][verdict]
  const neededMs = state === 'pending' ? time.raiseAfterMs : time.clearAfterMs
  return time.waitedMs >= neededMs ? due : early
}

/** Whether a change of state is one that people are told of. */
export function toldChange(from: AlertState, next: AlertState): 'raised' | 'cleared' | null {
  if (next === 'raised' && from !== 'clearing' && from !== 'raised') return 'raised'
  return next === 'quiet' && (from === 'clearing' || from === 'raised') ? 'cleared' : null
}
