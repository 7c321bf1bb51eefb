import type { ChainOptions } from './chain-options.js'
import type { DocumentOptions } from './document-options.js'
import type { UpstreamOptions } from './upstream-options.js'

/** Ports from the first to the last, both included. */
export type PortRange = readonly [number, number]

/** Limits and habits of the fetch loop; all durations in milliseconds, all sizes in bytes. */
export interface FetchOptions {
  readonly connectTimeoutMs: number
  readonly headersTimeoutMs: number
  readonly bodyTimeoutMs: number
  readonly totalTimeoutMs: number
  readonly keepAliveMs: number
  readonly bodyBytesMax: number
  readonly redirectsMax: number
  /** Sockets of this worker, to all hosts and to one. */
  readonly socketsMax: number
  readonly socketsPerHostMax: number
  readonly userAgent: string
  /** Whether robots.txt decides what is fetched. */
  readonly robots: 'obey' | 'ignore'
  /** Our name in these files; null: the product of the user agent. */
  readonly robotsName: string | null
  /** Ranges that the SSRF guard lets through although it would refuse them, as CIDR. */
  readonly allowedRanges: readonly string[]
  /** Ports that may be asked, those of other protocols excepted. Empty: all. */
  readonly ports: readonly PortRange[]
  /** Where requests really go. */
  readonly upstream: UpstreamOptions
}

/** All a worker may know of the configuration. It reads no environment. */
export interface WorkerOptions {
  readonly workerId: string
  readonly workflow: string
  /** URL of the module whose default export is the workflow's definition. */
  readonly moduleUrl: string
  /** Items worked at once. */
  readonly slots: number
  /** Most time for one item, in milliseconds, whatever it does. */
  readonly itemTimeoutMs: number
  readonly fetch: FetchOptions
  readonly chain: ChainOptions
  /** Of the workflow that saves documents, and of no other. */
  readonly documents?: DocumentOptions
}
