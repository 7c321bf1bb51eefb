/**
 * How an attempt may end, in one closed list. Codes are what receipts, logs, metrics, reports and
 * docs compare; messages are for people.
 */
export const OUTCOME_CODES = [
  'ok',
  'dns',
  'connect',
  'tls',
  'timeout_connect',
  'timeout_headers',
  'timeout_body',
  'timeout_total',
  'reset',
  'truncated',
  'too_large',
  'redirect',
  'rate_limited',
  'blocked',
  'http_4xx',
  'http_5xx',
  'content_type',
  'decode',
  'robots',
  'ssrf',
  'url',
  'budget',
  'too_costly',
  'known_failure',
  'key_refused',
  'request_refused',
  'upstream_down',
  'parse',
  'login_refused',
  'site_refused',
  'browser',
  'disk_full',
  'directory_refused',
  'handler',
  'sink',
  'poison',
  'worker_lost',
  'node_lost',
  'cancelled',
] as const
export type OutcomeCode = (typeof OUTCOME_CODES)[number]

/** What the queue does with an item whose attempt ended with a code. */
export type OutcomeRule =
  /** Done; its results are written. */
  | 'complete'
  /** Tried again after a backoff while attempts are left, then discarded. */
  | 'retry'
  /** Tried again after the time the other side asked for; the attempt is given back. */
  | 'snooze'
  /** Failed for good: the same call would fail again. */
  | 'discard'
  /** Made ready again by the reclaimer; no attempt is charged. */
  | 'reclaim'
  /** Ended by an operator. */
  | 'cancel'

export interface OutcomeRow {
  readonly rule: OutcomeRule
  /** Every further item would end the same way: the workflow is paused, the code is the reason. */
  readonly pauses?: true
  /** The same URL would end the same way for long; where it was charged, it is remembered. */
  readonly lasts?: true
  readonly meaning: string
}

export const OUTCOMES: Readonly<Record<OutcomeCode, OutcomeRow>> = {
  ok: { rule: 'complete', meaning: 'The work was done and its results are written.' },
  dns: { rule: 'retry', meaning: 'The host name has no address, or the resolver did not answer.' },
  connect: { rule: 'retry', meaning: 'The connection was refused or the host cannot be reached.' },
  tls: { rule: 'retry', meaning: 'The TLS handshake or the certificate failed.' },
  timeout_connect: { rule: 'retry', meaning: 'No connection within the connect timeout.' },
  timeout_headers: { rule: 'retry', meaning: 'No response headers within the headers timeout.' },
  timeout_body: { rule: 'retry', meaning: 'The body stood still for the body timeout.' },
  timeout_total: { rule: 'retry', meaning: 'The attempt took longer than its time in all.' },
  reset: { rule: 'retry', meaning: 'The connection was closed before the response was complete.' },
  truncated: {
    rule: 'retry',
    meaning: 'The body is shorter than announced, or its coding broke off.',
  },
  too_large: { rule: 'discard', lasts: true, meaning: 'The body is larger than the cap.' },
  redirect: { rule: 'discard', meaning: 'Too many redirects, a loop, or a target that is no URL.' },
  rate_limited: {
    rule: 'snooze',
    meaning: 'The server asked to wait (429, or 503 with Retry-After).',
  },
  blocked: { rule: 'retry', meaning: 'The server refused this client (401, 403, 407, 451).' },
  http_4xx: {
    rule: 'discard',
    lasts: true,
    meaning: 'The page does not exist or the request is not acceptable.',
  },
  http_5xx: { rule: 'retry', meaning: 'The server failed.' },
  content_type: {
    rule: 'discard',
    lasts: true,
    meaning: 'The response is not of a type the handler reads.',
  },
  decode: { rule: 'retry', meaning: 'The content coding of the body is broken or unknown.' },
  robots: { rule: 'discard', meaning: 'The site asks robots not to fetch this URL.' },
  ssrf: {
    rule: 'discard',
    meaning: 'The URL leads to an address or a port that may not be fetched.',
  },
  url: { rule: 'discard', meaning: 'The item holds no usable http or https URL.' },
  budget: {
    rule: 'snooze',
    pauses: true,
    meaning: 'The budget of calls or credits is spent for now; the workflow is paused.',
  },
  too_costly: { rule: 'discard', meaning: 'The call would cost more than `max-cost` allows.' },
  known_failure: {
    rule: 'discard',
    meaning: 'The URL failed for good and was charged for it lately; it was not asked for again.',
  },
  key_refused: {
    rule: 'snooze',
    pauses: true,
    meaning: 'The upstream refuses the key; the workflow is paused.',
  },
  request_refused: {
    rule: 'snooze',
    pauses: true,
    meaning:
      'The upstream refuses what every request asks of it, such as a field it does not know; ' +
      'the workflow is paused.',
  },
  upstream_down: { rule: 'snooze', meaning: 'No endpoint of the upstream can be reached.' },
  parse: { rule: 'discard', meaning: 'The content could not be read as what it claims to be.' },
  login_refused: {
    rule: 'snooze',
    pauses: true,
    meaning: 'The site refuses the login; the workflow is paused.',
  },
  site_refused: {
    rule: 'snooze',
    pauses: true,
    meaning: 'The site module cannot be imported or is none; the workflow is paused.',
  },
  browser: {
    rule: 'retry',
    meaning: 'The browser, or a page in it, failed or stood still on every level of recovery.',
  },
  disk_full: {
    rule: 'snooze',
    pauses: true,
    meaning: 'The disk that documents are saved on is full; the workflow is paused.',
  },
  directory_refused: {
    rule: 'snooze',
    pauses: true,
    meaning: 'The directory of documents cannot be written to; the workflow is paused.',
  },
  handler: {
    rule: 'retry',
    meaning: 'The handler threw, or returned something that is no result.',
  },
  sink: { rule: 'discard', meaning: 'The database refused the result rows.' },
  poison: { rule: 'discard', meaning: 'The item killed its worker again and again, alone.' },
  worker_lost: {
    rule: 'reclaim',
    meaning: 'The worker died or was stopped while it had the item.',
  },
  node_lost: { rule: 'reclaim', meaning: 'The supervisor died or lost its lease on the item.' },
  cancelled: { rule: 'cancel', meaning: 'An operator ended the item.' },
}

/** A value that survives JSON and structured clone. */
export type Json =
  | null
  | boolean
  | number
  | string
  | readonly Json[]
  | { readonly [key: string]: Json }

/** A row for a sink: column name to value. */
export type ResultRow = { readonly [column: string]: Json }

/** Rows for each sink of a workflow, by the sink's name. */
export type ResultRows = { readonly [sink: string]: readonly ResultRow[] }

/**
 * Rows on their way to the database: as they are, or each as the text of its JSON, which a thread
 * makes so that the supervisor does not have to.
 */
export type SentRows = { readonly [sink: string]: readonly (ResultRow | string)[] }

/** What one attempt cost and how it went on the wire. Durations in milliseconds. */
export interface AttemptFacts {
  /** Time the handler had the item. */
  readonly durationMs: number
  readonly httpStatus?: number
  /** Bytes of bodies received. */
  readonly bytes?: number
  /** Whether the request went over a connection that was open before. */
  readonly reused?: boolean
  readonly requests?: number
  readonly credits?: number
  /** Time that the site's robots.txt asks for between two requests. */
  readonly crawlDelayMs?: number
  /** Beyond `credits`: what calls without a known end may have cost, at most. */
  readonly creditsAtMost?: number
}

/** A worker's account of an attempt. The supervisor decides what it means for the item. */
export type Outcome =
  | { readonly result: 'complete'; readonly rows: SentRows; readonly facts: AttemptFacts }
  | {
      readonly result: 'failed'
      readonly code: OutcomeCode
      readonly message: string
      /** Time the other side asked us to wait. */
      readonly retryAfterMs?: number
      readonly facts: AttemptFacts
    }
  /**
   * Given back: the worker is draining or was told to drop the item. `facts` when it was begun: its
   * calls are paid for in vain.
   */
  | { readonly result: 'release'; readonly facts?: AttemptFacts }
