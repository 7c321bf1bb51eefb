// What a fetch carries with it, from request to request, and what it ends in.

import type { FetchedPage, TakeBytes } from '../core/fetched-page.js'
import type { FetchTally } from './facts.js'
import type { RobotsGate } from './robots/robots-gate.js'

/** A request's own facts, kept while it is retried and redirected. */
export interface Errand {
  readonly tally: FetchTally
  readonly abortSignal: AbortSignal
  readonly startClock: () => void
  /** Who reads the body; null when it is kept. */
  readonly take: TakeBytes | null
  /** Headers of the request's own, for the origin it began at. */
  readonly headers: { readonly [name: string]: string }
  readonly origin: string
}

/** A page, or what was left of it to keep. */
export interface ReadPage extends FetchedPage {
  readonly isWhole: boolean
}

/** What a page and a robots.txt differ in. */
export interface FetchTerms {
  readonly robots: RobotsGate | null
  readonly redirectsMax: number
  /** Takes the bytes as they come; null keeps them. */
  readonly take: TakeBytes | null
}
