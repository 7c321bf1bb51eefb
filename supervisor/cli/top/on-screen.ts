// `fetchyard top` on a terminal: draws once a second and at each key, until the person is done.

import type { CancelTimer } from '../../../src/core/clock.js'
import type { Invocation } from '../command.js'
import { keyOf, tokensOf } from './keys.js'
import type { LiveLink } from './live-link.js'
import { drawPage, FIRST_PAGE, type Page, pressed } from './page.js'
import { createScreen } from './screen.js'

/** Frames of all topics come one after the other; they make one picture. */
const GATHER_MS = 50
const REDRAW_MS = 1_000

export interface ScreenView {
  /** Something changed: draws soon. */
  readonly change: () => void
  readonly close: () => Promise<void>
}

/** @param onQuit called when the person is done. */
export function showOnScreen(
  { streams, clock }: Invocation,
  link: LiveLink,
  onQuit: () => void,
): ScreenView {
  const { stdout, stdin } = streams
  const screen = createScreen(stdout)
  let page: Page = FIRST_PAGE
  let frozen: ReturnType<LiveLink['view']> | null = null
  let cancel: CancelTimer | null = null
  let isSoon = false

  const draw = () => {
    cancel?.()
    isSoon = false
    cancel = clock.setTimer(REDRAW_MS, draw)
    const view = frozen ?? link.view()
    const { columns, rows } = stdout
    const drawn = drawPage(page, { view, nowMs: clock.nowMs(), columns, rows })
    page = drawn.page
    screen.draw(drawn.lines)
  }
  const change = () => {
    if (isSoon || page.isFrozen) return
    isSoon = true
    cancel?.()
    cancel = clock.setTimer(GATHER_MS, draw)
  }
  const onKeys = (typed: unknown) => {
    for (const token of tokensOf(String(typed))) {
      const key = keyOf(token, page.isTyping)
      if (key.does === 'redraw') screen.forget()
      const next = pressed(page, key, stdout.rows)
      if (next === null) return onQuit()
      page = next
      frozen = page.isFrozen ? (frozen ?? link.view()) : null
    }
    draw()
  }
  const stopResizing = stdout.onResize(() => {
    screen.forget()
    draw()
  })
  screen.open()
  const stopKeys = listenForKeys(stdin, onKeys)
  draw()
  return {
    change,
    close: () => {
      cancel?.()
      stopResizing()
      stopKeys()
      return screen.close()
    },
  }
}

/** Without a terminal to type on there are no keys; signals end it all the same. */
function listenForKeys(
  stdin: Invocation['streams']['stdin'],
  listen: (typed: unknown) => void,
): () => void {
  if (stdin.isTTY !== true) return () => {}
  stdin.setRawMode?.(true)
  stdin.setEncoding('utf8')
  stdin.on('data', listen)
  stdin.resume()
  return () => {
    stdin.off('data', listen)
    stdin.setRawMode?.(false)
    stdin.pause()
  }
}
