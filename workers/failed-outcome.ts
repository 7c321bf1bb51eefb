import { messageOf } from '../src/core/errors.js'
import { LIMITS } from '../src/core/limits.js'
import {
  type AttemptFacts,
  OUTCOME_CODES,
  OUTCOMES,
  type Outcome,
  type OutcomeCode,
} from '../src/core/outcome.js'
import { cleanText } from './result-rows.js'

export type FailedOutcome = Extract<Outcome, { readonly result: 'failed' }>

/** What was thrown, as far as it can be read without trusting it. */
interface Thrown {
  readonly code: OutcomeCode
  readonly message: string
  readonly retryAfterMs?: number
  readonly httpStatus?: number
}

/**
 * The outcome of an attempt whose handler threw.
 *
 * A `code` that is an outcome code decides; it is read from the error's own property, not by class,
 * so that errors of another copy of the package count. Codes that only the engine may give ('ok',
 * 'sink', 'poison', reclaim and cancel) are no word for a handler: they become `handler`, as
 * everything else.
 */
export function failedOutcome(error: unknown, facts: AttemptFacts): FailedOutcome {
  const thrown = readThrown(error)
  const { code, message, retryAfterMs, httpStatus } = thrown
  const known = facts.httpStatus ?? httpStatus
  return {
    result: 'failed',
    code,
    message,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    facts: known === undefined ? facts : { ...facts, httpStatus: known },
  }
}

function readThrown(error: unknown): Thrown {
  try {
    const code = handlerCode(ownField(error, 'code'))
    const name = error instanceof Error && code === 'handler' ? `${error.name}: ` : ''
    const retryAfterMs = ownField(error, 'retryAfterMs')
    const httpStatus = ownField(error, 'httpStatus')
    return {
      code,
      message: cleanText(`${name}${messageOf(error)}`.slice(0, LIMITS.errorTextMax)),
      ...(isPositive(retryAfterMs) ? { retryAfterMs } : {}),
      ...(isPositive(httpStatus) ? { httpStatus } : {}),
    }
  } catch {
    // Its getters throw, or it cannot be made a string.
    return { code: 'handler', message: 'The handler threw something that cannot be read.' }
  }
}

function ownField(error: unknown, field: string): unknown {
  if (typeof error !== 'object' || error === null || !Object.hasOwn(error, field)) return undefined
  return Object.getOwnPropertyDescriptor(error, field)?.value
}

const ENGINE_RULES: ReadonlySet<string> = new Set(['complete', 'reclaim', 'cancel'])

function handlerCode(code: unknown): OutcomeCode {
  const known = OUTCOME_CODES.find((name) => name === code)
  if (known === undefined || known === 'sink' || known === 'poison') return 'handler'
  return ENGINE_RULES.has(OUTCOMES[known].rule) ? 'handler' : known
}

function isPositive(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value > 0
}
