import { FetchFailure } from './failure.js'
import { parseRedirect } from './target.js'

const FOLLOWED: ReadonlySet<number> = new Set([301, 302, 303, 307, 308])

/** The URLs of one fetch in order: how far redirects have led it. */
export class RedirectTrail {
  readonly #redirectsMax: number
  readonly #seen = new Set<string>()

  constructor(redirectsMax: number) {
    this.#redirectsMax = redirectsMax
  }

  /**
   * Notes that `target` is requested now. No cookies are kept between hops, so a URL that comes
   * again would answer the same again.
   *
   * @throws {FetchFailure} `redirect` for a loop or one hop too many.
   */
  enter(target: URL): void {
    if (this.#seen.has(target.href)) {
      throw new FetchFailure('redirect', `redirects lead back to ${target.href.slice(0, 200)}`)
    }
    if (this.#seen.size > this.#redirectsMax) {
      throw new FetchFailure('redirect', `more than ${this.#redirectsMax} redirects`)
    }
    this.#seen.add(target.href)
  }

  /**
   * Where a response leads; null when it is no redirect with a Location.
   *
   * @throws {FetchFailure} `redirect` or `ssrf` for a target that may not be followed.
   */
  static next(from: URL, status: number, location: string | undefined): URL | null {
    if (!FOLLOWED.has(status) || location === undefined || location.trim() === '') return null
    return parseRedirect(location, from)
  }
}
