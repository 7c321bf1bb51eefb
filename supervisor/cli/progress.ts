// How far a run is: figures to words. A bar that is drawn over itself on a terminal, a line now and
// then elsewhere.

import type { MonotonicMs } from '../../src/core/clock.js'
import type { Out } from './streams.js'

export interface ProgressFigures {
  readonly total: number
  readonly open: number
  /** On this node since it started. */
  readonly ok: number
  readonly failed: number
  readonly inFlight: number
  readonly slots: number
  /** A word when nothing is leased for a reason, such as `paused`. */
  readonly note: string | null
}

interface Sample {
  readonly atMs: MonotonicMs
  readonly done: number
}

const WINDOW_MS = 10_000
const LINE_EVERY_MS = 10_000
const DRAW_EVERY_MS = 250
const BAR_CELLS = 20

/** Items finished a second, over the last ten seconds. */
export class RateWindow {
  #samples: Sample[] = []

  add(sample: Sample): void {
    this.#samples.push(sample)
    const oldest = sample.atMs - WINDOW_MS
    // The sample before the window stays, so that the window is full.
    while ((this.#samples[1]?.atMs ?? sample.atMs) <= oldest) this.#samples.shift()
  }

  perSecond(): number {
    const [first] = this.#samples
    const last = this.#samples.at(-1)
    if (first === undefined || last === undefined || last.atMs <= first.atMs) return 0
    return ((last.done - first.done) * 1_000) / (last.atMs - first.atMs)
  }
}

export function showSeconds(totalSeconds: number): string {
  const seconds = Math.round(totalSeconds)
  if (seconds < 60) return `${seconds} s`
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`
  return `${Math.floor(seconds / 3_600)} h ${Math.floor((seconds % 3_600) / 60)} min`
}

export function showCount(value: number): string {
  return Math.round(value).toLocaleString('en-US').replaceAll(',', ' ')
}

export function progressWords(figures: ProgressFigures, perSecond: number): string {
  const { total, open, ok, failed, inFlight, slots, note } = figures
  const parts = [
    `${showCount(total - open)}/${showCount(total)}`,
    `ok ${showCount(ok)}`,
    `failed ${showCount(failed)}`,
    `${perSecond >= 10 ? perSecond.toFixed(0) : perSecond.toFixed(1)}/s`,
    `in flight ${inFlight}/${slots}`,
  ]
  if (note !== null) parts.push(note)
  else if (perSecond > 0 && open > 0) parts.push(`ETA ${showSeconds(open / perSecond)}`)
  return parts.join('  ')
}

export function progressBar(figures: ProgressFigures): string {
  const { total, open } = figures
  const share = total === 0 ? 0 : (total - open) / total
  const full = Math.floor(share * BAR_CELLS)
  const percent = `${Math.floor(share * 100)}`.padStart(3)
  return `${'█'.repeat(full)}${'░'.repeat(BAR_CELLS - full)} ${percent}%`
}

export interface ProgressDisplay {
  readonly show: (figures: ProgressFigures, nowMs: MonotonicMs) => void
  /** Takes the bar away, so that something else can be said. */
  readonly clear: () => void
}

export function createProgressDisplay(out: Out): ProgressDisplay {
  const rate = new RateWindow()
  let shownMs: MonotonicMs | null = null
  let isDrawn = false
  const clear = () => {
    if (isDrawn) void out.write('\r\u001b[2K')
    isDrawn = false
  }
  return {
    show: (figures, nowMs) => {
      rate.add({ atMs: nowMs, done: figures.total - figures.open })
      const every = out.isTerminal ? DRAW_EVERY_MS : LINE_EVERY_MS
      if (shownMs !== null && nowMs - shownMs < every) return
      // The first line of many would say that nothing is done yet.
      const isFirstLine = shownMs === null && !out.isTerminal
      shownMs = nowMs
      if (isFirstLine) return
      const words = progressWords(figures, rate.perSecond())
      if (!out.isTerminal) void out.write(`${words}\n`)
      else {
        const line = `${progressBar(figures)}  ${words}`
        void out.write(`\r\u001b[2K${line.slice(0, Math.max(20, out.columns - 1))}`)
        isDrawn = true
      }
    },
    clear,
  }
}
