import type { Assignment, BlockedType } from '../src/core/document-options.js'
import type { RolloutOrder } from '../src/core/steering-words.js'
import type { PremiumLevel, Tier, UpstreamKind } from '../src/core/upstream-options.js'
import type { PortRange } from '../src/core/worker-options.js'
import type { LogLevel } from '../src/telemetry/events.js'

/** How nodes divide the items of a workflow among them. */
export type Coordination = 'leased' | 'partitioned'

/** Where the items of a workflow are worked. */
export type Executor = 'process' | 'thread' | 'both'

/**
 * Everything that can be set, after flags, environment, file and defaults were put together and
 * checked. Durations are milliseconds, sizes megabytes of 1 048 576 bytes. `options.ts` says for
 * each setting what it is for, its bounds, its default and its names.
 */
export interface Settings {
  /** null: the embedded Postgres below `dataDir`. */
  readonly databaseUrl: string | null
  readonly pooling: 'auto' | 'direct' | 'transaction'
  readonly poolMax: number
  readonly dataDir: string

  /** null: the name of the host. */
  readonly nodeName: string | null
  readonly leaseMs: number
  readonly heartbeatMs: number
  readonly sweepMs: number
  readonly drainMs: number
  readonly silentMs: number
  /** null: workers stay. */
  readonly workerIdleMs: number | null
  /** Days; null: for ever. */
  readonly keepReceipts: number | null
  /** Days; null: for ever. */
  readonly keepItems: number | null

  readonly concurrency: number
  /** null: starts with the whole concurrency. */
  readonly concurrencyStart: number | null
  /** null: the cluster has no limit of its own. */
  readonly planConcurrency: number | null
  /** null: as fast as slots are free. */
  readonly ratePerMinute: number | null
  readonly successPauseMs: number
  /** null: what the slots can take, and a little ahead. */
  readonly batchSize: number | null
  /** null: what the upstream charges for a call. */
  readonly callCredits: number | null
  readonly failureAgeMs: number
  /** null: as it was last set in the database. */
  readonly rollout: RolloutOrder | null
  readonly rollbackErrorPercent: number
  readonly rollbackItems: number
  readonly executor: Executor
  readonly processes: number
  readonly threads: number
  readonly attempts: number
  readonly backoffMs: number
  readonly backoffFactor: number
  readonly backoffMaxMs: number
  readonly itemTimeoutMs: number
  readonly coordination: Coordination
  /** null: partitions are divided among the nodes that live. */
  readonly instanceId: number | null
  readonly instanceCount: number | null
  /** null: the schema that the mapping names. */
  readonly schema: string | null
  readonly memoryMb: number
  /** null: Node's own choice. */
  readonly heapMb: number | null

  readonly selectResults: boolean
  readonly checkDomains: boolean
  readonly sitemaps: number
  readonly sitemapPages: number

  readonly connectTimeoutMs: number
  readonly headersTimeoutMs: number
  readonly bodyTimeoutMs: number
  readonly totalTimeoutMs: number
  readonly keepAliveMs: number
  readonly sockets: number
  readonly socketsPerHost: number
  readonly bodyMb: number
  readonly redirects: number
  readonly userAgent: string
  /** CIDRs; the words 'loopback' and 'private' have become the ranges they stand for. */
  readonly allowRanges: readonly string[]
  /** Empty: all. */
  readonly ports: readonly PortRange[]

  readonly upstream: UpstreamKind
  /** null: none is given. */
  readonly upstreamKey: string | null
  readonly upstreamEndpoints: readonly string[]
  readonly render: boolean
  /** null: any. */
  readonly country: string | null
  readonly premium: PremiumLevel
  readonly tiers: readonly Tier[]
  /** null: another address for each call. */
  readonly session: number | null
  /** null: no bound. */
  readonly maxCost: number | null
  readonly keepHeaders: boolean
  /** null: none is given. */
  readonly placesKey: string | null
  readonly placesEndpoint: string
  readonly placesFields: readonly string[]
  /** null: the API's choice. */
  readonly placesLanguage: string | null
  /** null: none. */
  readonly placesRegion: string | null

  readonly robots: 'obey' | 'ignore'
  /** null: the product of the user agent. */
  readonly robotsName: string | null
  /** null: as many as there are sockets for one host, on each node. */
  readonly hostConcurrency: number | null
  /** null: as the host's answers take. */
  readonly hostDelayMs: number | null
  readonly crawlDelayMaxMs: number

  readonly documentDirectory: string
  /** null: documents are plain URLs. */
  readonly siteModule: string | null
  readonly siteUser: string | null
  readonly sitePassword: string | null
  readonly contexts: number
  readonly assign: Assignment
  /** null: all. */
  readonly maxDocuments: number | null
  /** null: the one that is installed. */
  readonly browserPath: string | null
  readonly headless: boolean
  readonly blockTypes: readonly BlockedType[]
  readonly blockPatterns: readonly string[]
  readonly stepTimeoutMs: number
  readonly contextPages: number
  readonly contextAgeMs: number
  readonly browserMb: number
  readonly documentBytesMin: number
  readonly documentMb: number
  readonly failurePages: boolean

  /** null: no alert. */
  readonly alertSuccessPercent: number | null
  readonly alertErrorPercent: number | null
  readonly alertLatencyMs: number | null
  readonly alertOldestMs: number | null
  readonly alertStallMs: number | null
  readonly alertReclaims: number | null
  readonly alertBudgetPercent: number | null
  readonly alertCreditsRisePercent: number | null

  /** null: notices are posted nowhere. */
  readonly alertWebhook: string | null
  readonly alertWebhookKey: string | null
  /** CIDRs. */
  readonly alertWebhookRanges: readonly string[]

  readonly host: string
  /** 0: any free port; null: no dashboard. */
  readonly port: number | null
  /** Names by which browsers may address the server, beside `localhost`, `host`, addresses. */
  readonly allowHosts: readonly string[]
  /** Clients of the live channel at once. */
  readonly liveClients: number
  /** null: one is made up at each start. */
  readonly token: string | null
  /** null: the token gives orders as well. */
  readonly operatorToken: string | null

  readonly logLevel: LogLevel
  readonly logFormat: 'auto' | 'json' | 'pretty'
}

export type SettingName = keyof Settings
