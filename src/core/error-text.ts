import { LIMITS } from './limits.js'

/**
 * The words of an error as a receipt keeps them: bounded, without NUL, which Postgres refuses, and
 * without half a surrogate pair, which JSON cannot carry; the cut itself may leave one.
 */
export function errorText(message: string): string {
  const kept = message.slice(0, LIMITS.errorTextMax).replaceAll('\0', '')
  return kept.replace(/\p{Surrogate}/gu, '\uFFFD')
}
