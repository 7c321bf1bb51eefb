// What the statuses of a proxy API mean. They are the API's word about the call, not the site's.

import type { OutcomeCode } from '../../core/outcome.js'
import { outcomeOfStatus } from '../classify.js'

/** Words of a 403 that tell its kinds apart, in the order in which they are looked for. */
const REFUSAL_WORDS: readonly (readonly [RegExp, OutcomeCode])[] = [
  [/max[_ -]?cost|would cost more/i, 'too_costly'],
  [/unauthori[sz]ed|api[_ ]?key/i, 'key_refused'],
]

/**
 * The outcome code of an answer. `words` is the text of a refusal, as far as it was read.
 *
 * A 403 has two published meanings, the call's price is above `max_cost`, and the credits are used
 * up; only its words tell them apart. One without known words counts as the second, which pauses
 * the workflow: better somebody looks than the queue turns into errors.
 */
export function outcomeOfAnswer(status: number, words: string): OutcomeCode {
  if (status === 401 || status === 407) return 'key_refused'
  if (status === 403) {
    return REFUSAL_WORDS.find(([pattern]) => pattern.test(words))?.[1] ?? 'budget'
  }
  // Payment required.
  if (status === 402) return 'budget'
  if (status === 451 || status === 999) return 'http_4xx'
  // A Retry-After does not make a failure of the API a limit of the plan.
  return outcomeOfStatus(status, false)
}

/** Statuses that the gateway in front of the API gives, not the API: the endpoint is sick. */
const GATEWAY_STATUSES: ReadonlySet<number> = new Set([502, 503, 504, 520, 521, 522, 523, 524])

export const isGatewayFailure = (status: number) => GATEWAY_STATUSES.has(status)
