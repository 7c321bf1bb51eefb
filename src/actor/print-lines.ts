// What a handler prints, cut into lines for the supervisor's log: bounded, whatever is printed.

import { LIMITS } from '../core/limits.js'

/** Characters of a line; what goes beyond is dropped, up to the end of the line. */
export const PRINT_COLUMNS_MAX = LIMITS.errorTextMax

export interface LineCutter {
  readonly push: (text: string) => void
  /** A last line without an end is a line. */
  readonly end: () => void
}

export function createLineCutter(onLine: (line: string) => void): LineCutter {
  let open = ''
  const add = (part: string) => {
    if (open.length < PRINT_COLUMNS_MAX) open += part.slice(0, PRINT_COLUMNS_MAX - open.length)
  }
  const flush = () => {
    const line = open.trimEnd()
    open = ''
    if (line !== '') onLine(line)
  }
  return {
    push: (text) => {
      const [first = '', ...rest] = text.split('\n')
      add(first)
      for (const part of rest) {
        flush()
        add(part)
      }
    },
    end: flush,
  }
}
