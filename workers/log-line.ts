import type { LogLine } from '../src/actor/messages.js'
import { LIMITS } from '../src/core/limits.js'
import type { Json } from '../src/core/outcome.js'
import { cleanText, cleanValue } from './result-rows.js'

/**
 * A line for the supervisor's log, made fit to travel: a handler may log anything, and no line of
 * its may cost it its item. Fields that are no plain data, or too long, are replaced by a word.
 */
export function logLine(
  level: LogLine['level'],
  message: unknown,
  fields: { readonly [key: string]: unknown } = {},
): LogLine {
  const clean: Record<string, Json> = {}
  for (const [name, value] of Object.entries(fields)) clean[name] = cleanField(value)
  const words = cleanText(String(message).slice(0, LIMITS.errorTextMax))
  return { type: 'log', level, message: words, fields: clean }
}

function cleanField(value: unknown): Json {
  const budget = { rows: 0, bytes: LIMITS.resultBytesMax - LIMITS.itemKeyMax }
  try {
    return cleanValue(value, { at: 'field', budget }, 0)
  } catch {
    return '(not loggable)'
  }
}
