// `fetchyard top` without a terminal: a line now and then, for a log or for a program.

import type { CancelTimer } from '../../../src/core/clock.js'
import type { Invocation } from '../command.js'
import { print, say } from '../streams.js'
import type { LinkStatus, LiveLink } from './live-link.js'
import { figuresJson, figuresLine, linkJson, linkWords } from './plain.js'

export interface LinesRequest {
  readonly isJson: boolean
  readonly everyMs: number
  /** Lines of figures after which it ends; null: none. */
  readonly linesMax: number | null
  readonly topics: readonly string[]
}

export interface LinesView {
  readonly change: () => void
  readonly close: () => Promise<void>
}

/** @param onDone called when so many lines were written, or nobody reads them any more. */
export function showInLines(
  { streams, clock }: Invocation,
  link: LiveLink,
  { isJson, everyMs, linesMax, topics }: LinesRequest,
  onDone: () => void,
): LinesView {
  let written: Promise<void> = Promise.resolve()
  let lines = 0
  let told: LinkStatus = 'connecting'
  let cancel: CancelTimer | null = null

  const write = (line: string) => {
    written = print(streams, line).then(() => {
      if (!streams.stdout.isOpen()) onDone()
    })
  }
  const tellLink = () => {
    const view = link.view()
    if (view.status === told || view.status === 'connecting') return
    // Once that it is lost, not at each try; and that it is back.
    told = view.status
    if (isJson) write(linkJson(view))
    else say(streams, linkWords(view))
  }
  const tick = () => {
    cancel = clock.setTimer(everyMs, tick)
    const view = link.view()
    // Figures of a connection that is lost are none.
    if (view.status !== 'live' || (linesMax !== null && lines >= linesMax)) return
    lines += 1
    write(isJson ? figuresJson(view) : figuresLine(view.topics, view.serverMs))
    if (lines === linesMax) void written.then(onDone)
  }
  return {
    change: () => {
      tellLink()
      const isWhole = topics.every((topic) => link.view().topics[topic] !== undefined)
      // The first line at once: who starts it wants to see that it works.
      if (cancel === null && isWhole) tick()
    },
    close: () => {
      cancel?.()
      return written
    },
  }
}
