// What a workflow's module may say about how it is worked. `config/options.ts` says for each option
// what it is for, its bounds and its default; a test holds the two lists against each other.

/** Milliseconds, or words such as '500ms', '30s', '2m'. */
export type Duration = number | string
/** Megabytes, or words such as '512mb', '2gb'. */
export type Size = number | string

/** Options of one workflow, by the names they have in a configuration file. */
export interface WorkflowOptions {
  readonly concurrency?: number
  readonly concurrencyStart?: number | null
  readonly planConcurrency?: number | null
  readonly ratePerMinute?: number | null
  readonly successPauseMs?: Duration
  readonly batchSize?: number | null
  readonly workerIdleMs?: Duration | 'off' | null
  readonly callCredits?: number | null
  readonly rollout?: number | 'sequential' | null
  readonly rollbackErrorPercent?: number
  readonly rollbackItems?: number
  readonly executor?: 'process' | 'thread' | 'both'
  readonly processes?: number
  readonly threads?: number
  readonly attempts?: number
  readonly backoffMs?: Duration
  readonly backoffFactor?: number
  readonly backoffMaxMs?: Duration
  readonly itemTimeoutMs?: Duration
  readonly coordination?: 'leased' | 'partitioned'
  readonly memoryMb?: Size
  readonly heapMb?: Size | null

  readonly selectResults?: boolean
  readonly checkDomains?: boolean
  readonly sitemaps?: number
  readonly sitemapPages?: number

  readonly connectTimeoutMs?: Duration
  readonly headersTimeoutMs?: Duration
  readonly bodyTimeoutMs?: Duration
  readonly totalTimeoutMs?: Duration
  readonly keepAliveMs?: Duration
  readonly sockets?: number
  readonly socketsPerHost?: number
  readonly bodyMb?: Size
  readonly redirects?: number
  readonly userAgent?: string
  readonly allowRanges?: readonly string[]
  readonly ports?: readonly (number | string)[]

  readonly robots?: 'obey' | 'ignore'
  readonly robotsName?: string | null
  readonly hostConcurrency?: number | null
  /** 'auto' goes by how fast a host answers. */
  readonly hostDelayMs?: Duration
  readonly crawlDelayMaxMs?: Duration

  readonly upstream?: 'direct' | 'proxy-api' | 'places-api'
  readonly upstreamEndpoints?: readonly string[]
  readonly render?: boolean
  readonly country?: string | null
  readonly premium?: 'off' | 'on' | 'ultra'
  readonly tiers?: readonly ('direct' | 'flat' | 'render' | 'premium' | 'ultra')[]
  readonly session?: number | null
  readonly maxCost?: number | null
  readonly keepHeaders?: boolean
  readonly failureAgeMs?: Duration
  readonly placesEndpoint?: string
  readonly placesFields?: readonly string[]
  readonly placesLanguage?: string | null
  readonly placesRegion?: string | null

  readonly documentDirectory?: string
  readonly siteModule?: string | null
  readonly contexts?: number
  readonly assign?: 'dynamic' | 'round-robin'
  readonly maxDocuments?: number | null
  readonly browserPath?: string | null
  readonly headless?: boolean
  readonly blockTypes?: readonly ('stylesheet' | 'image' | 'font' | 'media')[]
  readonly blockPatterns?: readonly string[]
  readonly stepTimeoutMs?: Duration
  readonly contextPages?: number
  readonly contextAgeMs?: Duration
  readonly browserMb?: Size
  readonly documentBytesMin?: number
  readonly documentMb?: Size
  readonly failurePages?: boolean

  readonly alertSuccessPercent?: number | null
  readonly alertErrorPercent?: number | null
  readonly alertLatencyMs?: Duration | null
  readonly alertOldestMs?: Duration | null
  readonly alertStallMs?: Duration | null
  readonly alertReclaims?: number | null
  readonly alertBudgetPercent?: number | null
  readonly alertCreditsRisePercent?: number | null
}
