// Reads what arrives on the channel. The supervisor is of the same build when the protocol version
// agrees, so this checks shape, not content: a wrong message is ignored and told, never worked on.

import type {
  Abort,
  Dispatch,
  DispatchedItem,
  Drain,
  Ping,
  Setup,
  ToWorker,
} from '../src/actor/messages.js'
import type { ChainOptions } from '../src/core/chain-options.js'
import { BLOCKED_TYPES, type DocumentOptions } from '../src/core/document-options.js'
import { type Fields, isFields } from '../src/core/fields.js'
import { LIMITS } from '../src/core/limits.js'
import { parseUrl } from '../src/core/parse-url.js'
import { PREMIUM_LEVELS, TIERS, type UpstreamOptions } from '../src/core/upstream-options.js'
import type { FetchOptions, WorkerOptions } from '../src/core/worker-options.js'

/** The message, or null when it is none that a worker knows. */
export function parseToWorker(message: unknown): ToWorker | null {
  if (!isFields(message)) return null
  if (isDispatch(message) || isPing(message) || isAbort(message)) return message
  return isDrain(message) || isSetup(message) ? message : null
}

/** The version a setup speaks, also when the rest of it cannot be read; null for other messages. */
export function protocolVersionOf(message: unknown): unknown {
  return isFields(message) && message.type === 'setup' ? message.protocolVersion : null
}

function isDispatch(message: object): message is Dispatch {
  return 'type' in message && message.type === 'dispatch' && hasList(message, 'items', isItem)
}

function isItem(item: unknown): item is DispatchedItem {
  return (
    isFields(item) &&
    typeof item.itemId === 'string' &&
    typeof item.packId === 'string' &&
    typeof item.leaseId === 'string' &&
    typeof item.itemKey === 'string' &&
    typeof item.attempt === 'number' &&
    item.payload !== undefined
  )
}

function isAbort(message: object): message is Abort {
  return 'type' in message && message.type === 'abort' && hasList(message, 'itemIds', isText)
}

function isPing(message: object): message is Ping {
  return (
    'type' in message &&
    message.type === 'ping' &&
    'sequence' in message &&
    typeof message.sequence === 'number'
  )
}

function isDrain(message: object): message is Drain {
  return (
    'type' in message &&
    message.type === 'drain' &&
    'drainMs' in message &&
    isWithin(message.drainMs, 0, Number.MAX_SAFE_INTEGER)
  )
}

function isSetup(message: object): message is Setup {
  return (
    'type' in message &&
    message.type === 'setup' &&
    'protocolVersion' in message &&
    typeof message.protocolVersion === 'number' &&
    'options' in message &&
    isWorkerOptions(message.options)
  )
}

function isWorkerOptions(options: unknown): options is WorkerOptions {
  return (
    isFields(options) &&
    typeof options.workerId === 'string' &&
    typeof options.workflow === 'string' &&
    typeof options.moduleUrl === 'string' &&
    isWithin(options.slots, 1, LIMITS.slotsMax) &&
    isWithin(options.itemTimeoutMs, 1, Number.MAX_SAFE_INTEGER) &&
    isFetchOptions(options.fetch) &&
    isChain(options.chain) &&
    (options.documents === undefined || isDocuments(options.documents))
  )
}

const FETCH_NUMBERS = [
  'connectTimeoutMs',
  'headersTimeoutMs',
  'bodyTimeoutMs',
  'totalTimeoutMs',
  'keepAliveMs',
  'bodyBytesMax',
  'socketsMax',
  'socketsPerHostMax',
] as const satisfies readonly (keyof FetchOptions)[]

function isFetchOptions(options: unknown): options is FetchOptions {
  return (
    isFields(options) &&
    FETCH_NUMBERS.every((name) => isWithin(options[name], 1, Number.MAX_SAFE_INTEGER)) &&
    isWithin(options.redirectsMax, 0, LIMITS.redirectsMax) &&
    typeof options.userAgent === 'string' &&
    (options.robots === 'obey' || options.robots === 'ignore') &&
    (options.robotsName === null || typeof options.robotsName === 'string') &&
    hasList(options, 'allowedRanges', isText) &&
    hasList(options, 'ports', isPortRange) &&
    isUpstream(options.upstream)
  )
}

function isPortRange(range: unknown): boolean {
  return (
    Array.isArray(range) && range.length === 2 && range.every((port) => isWithin(port, 1, 65_535))
  )
}

function isUpstream(upstream: unknown): upstream is UpstreamOptions {
  if (!isFields(upstream)) return false
  if (upstream.kind === 'direct') return true
  if (upstream.kind === 'places-api') return isPlacesApi(upstream)
  const { key, endpoints, isRendered, country, premium, session, maxCost, keepsHeaders } = upstream
  return (
    upstream.kind === 'proxy-api' &&
    isText(key) &&
    hasList(upstream, 'endpoints', (url) => typeof url === 'string' && parseUrl(url) !== null) &&
    isWithin(Object(endpoints).length, 1, LIMITS.endpointsMax) &&
    [isRendered, keepsHeaders].every((one) => typeof one === 'boolean') &&
    (country === null || isText(country)) &&
    PREMIUM_LEVELS.some((level) => level === premium) &&
    hasList(upstream, 'tiers', (tier) => TIERS.some((known) => known === tier)) &&
    [session, maxCost].every((one) => one === null || isWithin(one, 0, Number.MAX_SAFE_INTEGER))
  )
}

function isPlacesApi({ key, endpoint, fields, language, region }: Fields): boolean {
  return (
    typeof endpoint === 'string' &&
    parseUrl(endpoint) !== null &&
    Array.isArray(fields) &&
    fields.every(isText) &&
    [key, language, region].every((one) => one === null || isText(one))
  )
}

function isChain(chain: unknown): chain is ChainOptions {
  return (
    isFields(chain) &&
    [chain.selectsResults, chain.checksDomains].every((one) => typeof one === 'boolean') &&
    isWithin(chain.sitemapsMax, 1, LIMITS.sitemapsOfDomainMax) &&
    isWithin(chain.sitemapPagesMax, 1, LIMITS.sitemapUrlsMax)
  )
}

const DOCUMENT_NUMBERS = [
  'contexts',
  'contextPages',
  'contextAgeMs',
  'browserBytesMax',
  'stepTimeoutMs',
  'bytesMax',
] as const satisfies readonly (keyof DocumentOptions)[]

function isDocuments(documents: unknown): documents is DocumentOptions {
  if (!isFields(documents)) return false
  const { directory, siteModule, browserPath, user, password } = documents
  return (
    isText(directory) &&
    [siteModule, browserPath, user, password].every((one) => one === null || isText(one)) &&
    DOCUMENT_NUMBERS.every((name) => isWithin(documents[name], 1, Number.MAX_SAFE_INTEGER)) &&
    isWithin(documents.bytesMin, 0, Number.MAX_SAFE_INTEGER) &&
    [documents.isHeadless, documents.keepsFailurePages].every((one) => typeof one === 'boolean') &&
    hasList(documents, 'blockedTypes', (type) => BLOCKED_TYPES.some((known) => known === type)) &&
    hasList(documents, 'blockedPatterns', isText) &&
    hasList(documents, 'allowedRanges', isText) &&
    hasList(documents, 'ports', isPortRange)
  )
}

function isText(value: unknown): value is string {
  return typeof value === 'string'
}

function isWithin(value: unknown, min: number, max: number): boolean {
  return typeof value === 'number' && value >= min && value <= max
}

function hasList(holder: object, field: string, isEntry: (entry: unknown) => boolean): boolean {
  const list: unknown = Object.getOwnPropertyDescriptor(holder, field)?.value
  return Array.isArray(list) && list.every(isEntry)
}
