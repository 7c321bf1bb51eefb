// Whether robots.txt lets us fetch a URL. Files are kept a while, fetched once for all who ask at
// the same time, and forgotten when there are too many. Each worker keeps its own.

import type { Clock, MonotonicMs } from '../../core/clock.js'
import type { FetchedPage } from '../../core/fetched-page.js'
import { LIMITS } from '../../core/limits.js'
import { createTally, type FetchTally } from '../facts.js'
import { FetchFailure } from '../failure.js'
import { ALLOW_ALL, parseRobots, ROBOTS_BYTES_MAX, type RobotsFile } from './robots-file.js'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
/** How long a file holds that says nothing about it, and the bounds of what servers say. */
const FRESH_MS = { usual: 6 * HOUR_MS, min: 5 * MINUTE_MS, max: 24 * HOUR_MS }
/** How long a site is left alone whose robots.txt could not be had. */
const RETRY_MS = { min: MINUTE_MS, max: HOUR_MS }
/** After this time without an answer a robots.txt counts as absent (RFC 9309, 2.3.1.4). */
const GIVEN_UP_MS = 30 * 24 * HOUR_MS
const FETCH_MS = 30_000
/** Redirects that RFC 9309 asks to follow. */
export const ROBOTS_REDIRECTS_MAX = 5

export interface RobotsGateDeps {
  readonly clock: Clock
  /** Our name in robots.txt files. */
  readonly product: string
  /** Fetches a page without asking this gate. */
  readonly fetchPage: (
    url: string,
    request: { readonly abortSignal: AbortSignal; readonly tally: FetchTally },
  ) => Promise<FetchedPage>
}

/** What is known of one origin. */
interface Known {
  readonly untilMs: MonotonicMs
  /** null: nothing is known that would allow anything. */
  readonly file: RobotsFile | null
  readonly failure: FetchFailure | null
  /** Since when every try has failed. */
  readonly failingSinceMs: MonotonicMs | null
}

export class RobotsGate {
  readonly #deps: RobotsGateDeps
  /** Those asked for longest ago first. */
  readonly #known = new Map<string, Known>()
  readonly #underWay = new Map<string, Promise<Known>>()

  constructor(deps: RobotsGateDeps) {
    this.#deps = deps
  }

  /**
   * Resolves when the URL may be fetched.
   *
   * @returns the time that the site asks for between two requests, or null.
   * @throws {FetchFailure} `robots` when the site forbids it; when its robots.txt cannot be had,
   * the reason, with the time after which it is asked for again.
   */
  async permit(url: URL, abortSignal: AbortSignal): Promise<number | null> {
    const known = this.#fresh(url.origin) ?? (await this.#shared(url.origin, abortSignal))
    if (known.file === null) throw this.#unreachable(known)
    const { file } = known
    if (!file.allows(`${url.pathname}${url.search}`)) {
      throw new FetchFailure('robots', `${url.origin}/robots.txt forbids ${url.pathname}`)
    }
    return file.crawlDelayMs
  }

  #fresh(origin: string): Known | null {
    const known = this.#known.get(origin)
    if (known === undefined || known.untilMs <= this.#deps.clock.nowMs()) return null
    this.#known.delete(origin)
    this.#known.set(origin, known)
    return known
  }

  #unreachable({ failure, untilMs }: Known): FetchFailure {
    const code = failure?.code ?? 'connect'
    const message = `robots.txt cannot be had: ${failure?.message ?? 'no answer'}`
    const retryAfterMs = Math.max(1, untilMs - this.#deps.clock.nowMs())
    return new FetchFailure(code, message, { httpStatus: failure?.httpStatus, retryAfterMs })
  }

  /** Waits for the fetch that all share; whoever gives up leaves it to the others. */
  #shared(origin: string, abortSignal: AbortSignal): Promise<Known> {
    let fetching = this.#underWay.get(origin)
    if (fetching === undefined) {
      fetching = this.#fetch(origin).finally(() => this.#underWay.delete(origin))
      this.#underWay.set(origin, fetching)
    }
    const shared = fetching
    return new Promise((resolve, reject) => {
      const onAbort = () => reject(abortSignal.reason)
      if (abortSignal.aborted) return onAbort()
      abortSignal.addEventListener('abort', onAbort, { once: true })
      shared.then(resolve, reject).finally(() => abortSignal.removeEventListener('abort', onAbort))
    })
  }

  async #fetch(origin: string): Promise<Known> {
    const { clock, fetchPage, product } = this.#deps
    const tally = createTally()
    const controller = new AbortController()
    const cancelTimer = clock.setTimer(FETCH_MS, () =>
      controller.abort(new FetchFailure('timeout_total', `no answer in ${FETCH_MS} ms`)),
    )
    let known: Known
    try {
      const abortSignal = controller.signal
      const page = await fetchPage(`${origin}/robots.txt`, { abortSignal, tally })
      known = this.#held(parseRobots(readable(page.text), product), freshMs(page))
    } catch (error) {
      if (!(error instanceof FetchFailure)) throw error
      known = isAbsent(error, tally) ? this.#held(ALLOW_ALL) : this.#failed(origin, error)
    } finally {
      cancelTimer()
    }
    this.#known.delete(origin)
    this.#known.set(origin, known)
    if (this.#known.size > LIMITS.robotsOriginsMax) {
      for (const oldest of this.#known.keys()) {
        this.#known.delete(oldest)
        break
      }
    }
    return known
  }

  #held(file: RobotsFile, forMs: number = FRESH_MS.usual): Known {
    const untilMs = this.#deps.clock.nowMs() + forMs
    return { untilMs, file, failure: null, failingSinceMs: null }
  }

  /** An older file goes on holding while the site cannot be asked for a newer one. */
  #failed(origin: string, failure: FetchFailure): Known {
    const nowMs = this.#deps.clock.nowMs()
    const before = this.#known.get(origin)
    const failingSinceMs = before?.failingSinceMs ?? nowMs
    const isGivenUp = nowMs - failingSinceMs >= GIVEN_UP_MS
    return {
      untilMs: nowMs + within(failure.retryAfterMs ?? RETRY_MS.min, RETRY_MS),
      file: isGivenUp ? ALLOW_ALL : (before?.file ?? null),
      failure,
      failingSinceMs,
    }
  }
}

const within = (value: number, { min, max }: { readonly min: number; readonly max: number }) =>
  Math.min(max, Math.max(min, value))

/**
 * Whether the site has no robots.txt, which allows everything: it says so (4xx), or leads nowhere.
 * 429 speaks of us, not of the file.
 */
function isAbsent({ code, httpStatus = 0 }: FetchFailure, tally: FetchTally): boolean {
  if (httpStatus >= 400 && httpStatus < 500) return httpStatus !== 429
  // A guard's refusal of the site itself is the item's own end; that of a redirect is not.
  return code === 'redirect' || (code === 'ssrf' && tally.requests > 0)
}

/** The part that is read, up to the end of its last whole line. */
function readable(text: string): string {
  if (text.length <= ROBOTS_BYTES_MAX) return text
  const part = text.slice(0, ROBOTS_BYTES_MAX)
  return part.slice(0, Math.max(part.lastIndexOf('\n'), part.lastIndexOf('\r')) + 1)
}

function freshMs({ headers }: FetchedPage): number {
  const words = headers['cache-control']?.toLowerCase() ?? ''
  if (/\bno-(cache|store)\b/.test(words)) return FRESH_MS.min
  const seconds = /\bmax-age\s*=\s*"?(\d{1,10})/.exec(words)?.[1]
  return seconds === undefined ? FRESH_MS.usual : within(Number(seconds) * 1_000, FRESH_MS)
}
