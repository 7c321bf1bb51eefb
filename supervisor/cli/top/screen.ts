// The screen of a terminal: a picture of lines, of which only those are written that changed. Plain
// escape sequences that every terminal of the last thirty years knows; no library would do less.

import type { Out } from '../streams.js'
import { type Line, showLine } from './lines.js'

export interface Screen {
  /** Takes the screen; what was on it comes back with `close`. */
  readonly open: () => void
  readonly draw: (lines: readonly Line[]) => void
  /** Everything is written at the next drawing. */
  readonly forget: () => void
  readonly close: () => Promise<void>
}

const CSI = '\u001b['
/** Other screen, no cursor, and a line that is too long is cut instead of wrapped. */
const OPEN = `${CSI}?1049h${CSI}?25l${CSI}?7l${CSI}2J`
const CLOSE = `${CSI}?7h${CSI}?25h${CSI}?1049l`

export function createScreen(out: Out): Screen {
  let shown: string[] = []
  let isOpen = false
  let isWriting = false
  let waiting: readonly Line[] | null = null

  const draw = (lines: readonly Line[]) => {
    if (!isOpen) return
    // A terminal that has not taken the last picture yet gets the newest one next, not all.
    if (isWriting) {
      waiting = lines
      return
    }
    const text = changesTo(lines)
    if (text === '') return
    isWriting = true
    void out.write(text).then(() => {
      const next = waiting
      isWriting = false
      waiting = null
      if (next !== null) draw(next)
    })
  }
  const changesTo = (lines: readonly Line[]) => {
    const next = lines.map((line) => showLine(line, out))
    const changed = next.flatMap((text, row) =>
      text === shown[row] ? [] : [`${CSI}${row + 1};1H${CSI}2K${text}`],
    )
    const rest = next.length < shown.length ? [`${CSI}${next.length + 1};1H${CSI}J`] : []
    shown = next
    return [...changed, ...rest].join('')
  }
  return {
    draw,
    open: () => {
      isOpen = true
      void out.write(OPEN)
    },
    forget: () => {
      shown = []
      if (isOpen) void out.write(`${CSI}2J`)
    },
    close: async () => {
      if (isOpen) await out.write(CLOSE)
      isOpen = false
    },
  }
}
