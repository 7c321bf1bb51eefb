/** Types of requests that a page may do without, as browsers name them. */
export const BLOCKED_TYPES = ['stylesheet', 'image', 'font', 'media'] as const
export type BlockedType = (typeof BLOCKED_TYPES)[number]

export const ASSIGNMENTS = ['dynamic', 'round-robin'] as const
/**
 * How references come to contexts: to whichever is free, or to one that is fixed before the start.
 */
export type Assignment = (typeof ASSIGNMENTS)[number]

/** What the workflow that saves documents is to do; durations in milliseconds, sizes in bytes. */
export interface DocumentOptions {
  /** Where documents are saved; relative to where the node was started. */
  readonly directory: string
  /** Module that knows the site; null: documents are plain URLs, and no browser is needed. */
  readonly siteModule: string | null
  /** Program of the browser; null: there is none. */
  readonly browserPath: string | null
  /** Credentials for the site module. They travel in messages, never on a command line. */
  readonly user: string | null
  readonly password: string | null
  /** Browser contexts of this worker, each with a login of its own. */
  readonly contexts: number
  /** Documents, and time, after which a context is closed and replaced. */
  readonly contextPages: number
  readonly contextAgeMs: number
  /** Memory of the browser's processes above which contexts move to a new one. */
  readonly browserBytesMax: number
  /** Most time for one step of a site module, whatever it does. */
  readonly stepTimeoutMs: number
  readonly isHeadless: boolean
  readonly blockedTypes: readonly BlockedType[]
  /** Parts of URLs that are not requested; `*` stands for any characters. */
  readonly blockedPatterns: readonly string[]
  /** Size of a document, at least and at most. */
  readonly bytesMin: number
  readonly bytesMax: number
  /** Whether a picture and the HTML of a page are kept when its document fails. */
  readonly keepsFailurePages: boolean
  /** Ranges and ports that the guard lets the browser through to, as it does for fetches. */
  readonly allowedRanges: readonly string[]
  readonly ports: readonly (readonly [number, number])[]
}
