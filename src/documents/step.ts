// One step of a site module, held to its time, and to the life of what it works on.

import type { Page } from 'playwright-core'
import { type Json, OUTCOME_CODES, type OutcomeCode } from '../core/outcome.js'
import { FetchFailure } from '../fetch/failure.js'
import type { Seat } from './seat.js'
import type { SiteTools } from './site.js'
import { takeDownload, takeTab } from './take-source.js'

/** A step that did not end. */
export class StoodStill extends FetchFailure {
  constructor(words: string) {
    super('browser', words)
  }
}

export interface StepTerms {
  readonly name: 'login' | 'open' | 'save' | 'recover' | 'look'
  readonly timeoutMs: number
  readonly abortSignal: AbortSignal
  readonly log: (message: string, fields?: { readonly [key: string]: Json }) => void
}

/**
 * Runs a step. It ends with the first of these: the step's own end, its time, the death of the tab,
 * context or browser, the abort of the item.
 */
export async function runStep<Result>(
  seat: Seat,
  terms: StepTerms,
  work: (page: Page, tools: SiteTools) => Promise<Result> | Result,
): Promise<Result> {
  const { name, timeoutMs, abortSignal } = terms
  abortSignal.throwIfAborted()
  const page = await seat.page()
  const ending = new AbortController()
  const startedAtMs = performance.now()
  seat.note(`began ${name}`)
  let end: (error: unknown) => void = () => {}
  const ended = new Promise<never>((_, reject) => {
    end = reject
  })
  ended.catch(() => {})
  const timer = setTimeout(() => end(stoodStill(seat, terms)), timeoutMs)
  const onAbort = () => end(abortSignal.reason)
  abortSignal.addEventListener('abort', onAbort, { once: true })
  const leave = seat.watchDeath((dead) => {
    const seconds = ((performance.now() - startedAtMs) / 1_000).toFixed(1)
    end(new FetchFailure('browser', `the ${dead} died in \`${name}\` after ${seconds} s`))
  })
  const tools = toolsFor(seat, page, { ...terms, abortSignal: ending.signal })
  const worked = (async () => work(page, tools))()
  worked.catch(() => {})
  try {
    return await Promise.race([worked, ended])
  } finally {
    clearTimeout(timer)
    abortSignal.removeEventListener('abort', onAbort)
    leave()
    ending.abort(new FetchFailure('cancelled', 'the step is over'))
  }
}

function stoodStill(seat: Seat, { name, timeoutMs }: StepTerms): StoodStill {
  const { words, atMs } = seat.progress
  const seconds = ((performance.now() - atMs) / 1_000).toFixed(1)
  return new StoodStill(
    `\`${name}\` took more than ${timeoutMs} ms; last progress ${seconds} s ago: ${words}`,
  )
}

function toolsFor(seat: Seat, page: Page, { log, abortSignal }: StepTerms): SiteTools {
  return {
    abortSignal,
    log,
    progress: (words) => seat.note(words),
    download: (act) => takeDownload(page, act, abortSignal),
    tab: (act) => takeTab(page, act, abortSignal),
  }
}

/** The outcome code that an error carries, whoever made it; null for all other errors. */
export function codeOf(error: unknown): OutcomeCode | null {
  if (typeof error !== 'object' || error === null) return null
  const code: unknown = Object.getOwnPropertyDescriptor(error, 'code')?.value
  return OUTCOME_CODES.find((known) => known === code) ?? null
}
