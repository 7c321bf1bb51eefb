import { assert } from './assert.js'

/**
 * Every bound of the program in one place. A queue, buffer, retry or loop without a row here is a
 * defect. Options may lower a bound; none may raise it.
 */
export const LIMITS = {
  /** Items in one pack of `work_queue`. */
  packItemsMax: 256,
  /** Packs looked at by one lease statement. */
  leasePacksMax: 64,
  /** Items leased by one statement, over all its packs. */
  leaseItemsMax: 2_048,
  /** Items held by a supervisor that no worker has started yet, a workflow. */
  bufferedItemsMax: 4_096,
  /**
   * Characters of the items that one lease brings, and of those that no worker has started yet, a
   * workflow, by the size of the items before them: large payloads are leased a few at a time.
   */
  leaseCharactersMax: 8 * 1_048_576,
  bufferedCharactersMax: 32 * 1_048_576,
  /** Characters of the items that one message brings to a worker; Node fails at 512 times this. */
  dispatchCharactersMax: 1_048_576,
  /** Outcomes settled by one statement: as many as a pack has. */
  settleItemsMax: 256,
  /** How long an outcome may wait for company before it is settled. */
  settleDelayMs: 25,
  /** Outcomes waiting for the database, a workflow; at the bound dispatching pauses. */
  settleBacklogMax: 2_000,
  /** Result bytes settled by one statement, sent in one message, and waiting for the database. */
  settleBytesMax: 16 * 1_048_576,
  settleBacklogBytesMax: 256 * 1_048_576,
  /** Settle statements under way at once, a workflow. */
  settleConcurrencyMax: 2,
  /** Delay before a settle statement is sent again: doubles from the first to the second figure. */
  settleRetryDelayMs: { min: 50, max: 5_000 },
  /** Wait between two looks at a queue that gave less than was asked: doubles likewise. */
  pollDelayMs: { min: 100, max: 1_000 },
  /**
   * How a binding gets its moment with a table: how often it tries, how long a try keeps others
   * waiting, and the pause between two.
   */
  bindLock: { attempts: 120, patienceMs: 100, pauseMs: 400 },
  /** Rows inserted by one enqueue statement. */
  enqueueRowsMax: 5_000,
  /** Packs freed by one reclaim statement. */
  reclaimPacksMax: 50,
  /**
   * Time after which a pack of a dead holder counts as forgotten while another node lives: twice
   * the longest pause between two sweeps that can be set.
   */
  reclaimWaitMsMax: 2 * 3_600_000,
  /** Pages of receipts, and rows of anything else, that one slice of housekeeping looks at. */
  choreSlicePagesMax: 64,
  choreSliceRowsMax: 2_000,
  /** Slices of one pass over a chore; what is left is the next one's. */
  choreSlicesMax: 100_000,
  /** Result rows of one item, over all its sinks. */
  resultRowsMax: 10_000,
  /** Result bytes of one item, as JSON. */
  resultBytesMax: 8 * 1_048_576,
  /** Characters kept of an error message in a receipt. */
  errorTextMax: 500,
  /** Characters of an item key. */
  itemKeyMax: 2_048,
  /** Characters of a URL. */
  urlMax: 2_083,
  /** Slots of one worker. */
  slotsMax: 4_096,
  /** Child processes or threads of one workflow on one node. */
  workersMax: 64,
  /**
   * Workers that died within `restartPeriodMs` without having finished an item, before their
   * workflow is paused.
   */
  restartIntensity: 5,
  restartPeriodMs: 60_000,
  /** Delay before a dead worker is started again: doubles from the first to the second figure. */
  restartDelayMs: { min: 50, max: 5_000 },
  /** Memory, in times its limit, at which a worker is killed instead of drained: it still grows. */
  memoryTimesMax: 2,
  /** Time a worker has to say hello. */
  workerStartMs: 30_000,
  pingIntervalMs: 1_000,
  /** Snoozes (429) of one item before they count as attempts. */
  snoozesMax: 20,
  /** Crashes of a pack's worker after which the pack runs alone in a worker. */
  crashesBeforeIsolation: 2,
  /** Deaths of workers without a completion in between that may be blamed on single items. */
  deathsInARowMax: 14,
  /** Items quarantined without a completion in between; then the workflow is paused. */
  poisonInARowMax: 3,
  /** Crashes are counted up to here: their columns are narrow. */
  crashesCounted: 1_000,
  /** Lonely crashes after which an item is quarantined as poison. */
  lonelyCrashesMax: 3,
  /** Attempts in a row that fail by the workflow's own fault; then it is paused. */
  failuresInARowMax: 50,
  /** Longest wait before a retry, and the longest Retry-After that is honoured. */
  retryDelayMsMax: 3_600_000,
  redirectsMax: 10,
  /** Bytes of a response body kept by a worker, after decompression. */
  bodyBytesMax: 10 * 1_048_576,
  /** Bytes of bodies held by one worker at once. */
  bytesInFlightMax: 128 * 1_048_576,
  /** Bodies decompressed and decoded at once by one worker: one for each thread of Node's pool. */
  decodesMax: 4,
  headersBytesMax: 64 * 1_024,
  /** Hosts whose pace a supervisor remembers, a workflow; more only while they are in use. */
  hostsMax: 10_000,
  /** Lanes that one lease passes by. */
  lanesSkippedMax: 1_000,
  /** Sites whose robots.txt a worker remembers. */
  robotsOriginsMax: 2_000,
  /** Bytes of a body that is read piece by piece, as they come and without their codings. */
  streamBytesMax: 64 * 1_048_576,
  streamContentBytesMax: 256 * 1_048_576,
  /** Bytes of such a body that wait for its reader. */
  streamBufferBytes: 256 * 1_024,
  /** Bytes and URLs of a sitemap file, by its protocol; what lies beyond is not read. */
  sitemapBytesMax: 50 * 1_048_576,
  sitemapUrlsMax: 50_000,
  /** Pages and other sitemaps that one item takes from a sitemap file. */
  sitemapPartMax: 9_000,
  /** Characters of their URLs: the pages of one item fit in its result. */
  sitemapPartCharactersMax: 2_000_000,
  /** Sitemap files of one domain, and how deep indexes may name indexes. */
  sitemapsOfDomainMax: 5_000,
  sitemapDepthMax: 4,
  /** Lines of a robots.txt that name a sitemap, and how much of the file is read. */
  robotsSitemapsMax: 500,
  robotsBytesMax: 512 * 1_024,
  /** Bytes of a refusal's body that are read for its words, where they matter. */
  refusalBytesMax: 16 * 1_024,
  /** Endpoints of one upstream. */
  endpointsMax: 8,
  /** Failures in a row after which an endpoint is left alone. */
  endpointFailuresMax: 3,
  /** Time before it is tried again: doubles from the first to the second figure. */
  endpointCoolDownMs: { min: 5_000, max: 60_000 },
  /** Failures in a row after which an upstream, or a lane of direct fetches, is left alone. */
  breakerFailuresMax: { upstream: 20, lane: 5 },
  /** Time before it is probed: doubles from the first to the second figure. */
  breakerCoolDownMs: { min: 5_000, max: 60_000 },
  /** Time between calls of a node while others use the whole plan: doubles likewise. */
  crowdedWaitMs: { min: 500, max: 5_000 },
  /** Lanes whose breaker one node remembers. */
  breakersMax: 10_000,
  /** Failures for good that are remembered because they were charged: age, and number of them. */
  failureAgeMsMax: 365 * 86_400_000,
  knownFailuresMax: 1_000_000,
  /** Hosts whose tier one worker remembers. */
  hostsRememberedMax: 10_000,
  /** How long a fetch waits for an endpoint, in its slot, before its item is snoozed. */
  endpointWaitMs: 5_000,
  /** Sockets of one node to all hosts, and to one: the most that options may ask for. */
  socketsMax: 4_096,
  socketsPerHostMax: 4_000,
  /** Items started in a minute, and the rest of a slot after a success, that may be asked for. */
  ratePerMinuteMax: 1_000_000,
  successPauseMsMax: 3_600_000,
  /** Live channel: clients at once unless set otherwise, and what may be set. */
  liveClientsMax: 100,
  liveClientsBounds: { min: 1, max: 10_000 },
  liveInboundBytesMax: 16 * 1_024,
  liveInboundPerSecondMax: 10,
  liveBufferedBytesSkip: 64 * 1_024,
  liveBufferedBytesMax: 1_048_576,
  liveUndrainedMs: 10_000,
  /** Lanes whose attempts are counted, and those shown: by every node, and of all nodes. */
  lanesCountedMax: 2_000,
  lanesToldMax: 20,
  lanesShownMax: 50,
  /** Workers that a heartbeat tells of. */
  workersToldMax: 64,
  /** Points of history kept for the dashboard: 15 minutes at one a second. */
  historyPointsMax: 900,
  /** Events kept in memory for a client that connects. */
  recentEventsMax: 200,
  /** Connections of one supervisor to the database. */
  databasePoolMax: 5,
  /** Bytes of one XML record, and how deep its elements may be nested. */
  recordBytesMax: 8 * 1_048_576,
  recordDepthMax: 256,
  /** Records, and their bytes, that an import commits with its position. */
  importRecordsMax: 1_000,
  importBytesMax: 4 * 1_048_576,
  /** Records, and packs of them, that an import beside the work keeps ahead of it. */
  importAheadMax: 20_000,
  importAheadPacksMax: 4_000,
  /** Bytes of one record of a source file that is no XML. */
  sourceRecordBytesMax: 1_048_576,
  /** Browser contexts of one node. */
  contextsMax: 64,
  /** Partitions that items are spread over where nodes divide them. */
  partitionsMax: 64,
} as const

assert(LIMITS.settleItemsMax <= LIMITS.settleBacklogMax, 'a settle batch fits in the backlog')
assert(LIMITS.leaseItemsMax <= LIMITS.bufferedItemsMax, 'a lease fits in the buffer')
assert(LIMITS.packItemsMax <= LIMITS.leaseItemsMax, 'a pack fits in a lease')
assert(LIMITS.liveBufferedBytesSkip < LIMITS.liveBufferedBytesMax, 'skip before terminate')
assert(LIMITS.sitemapPartMax < LIMITS.resultRowsMax, 'a part of a sitemap is one result')
assert(LIMITS.socketsPerHostMax <= LIMITS.socketsMax, 'a host has no more sockets than there are')
