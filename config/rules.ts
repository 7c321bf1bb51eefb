// Rules between options. Each names the option to change first, what it is held against, and why.

import { isIP } from 'node:net'
import { createAddressGuard } from '../src/fetch/address-guard.js'
import { OPTIONS, showSetting } from './options.js'
import type { SettingName, Settings } from './settings.js'

export interface CrossRule {
  readonly setting: SettingName
  /** The rule for the reference, by the names of the options. */
  readonly words: string
  /** Whether the settings break the rule. */
  readonly isBroken: (settings: Settings) => boolean
  /** What was expected, to follow "to be". */
  readonly expected: (settings: Settings) => string
}

/** An option and its value: "`heartbeat` (5 s)". */
function named<Name extends SettingName>(settings: Settings, name: Name): string {
  return `\`${OPTIONS[name].flag}\` (${showSetting(name, settings[name])})`
}

/**
 * Two lost heartbeats must not cost the lease. This also keeps a heartbeat and the margin by which
 * trust ends early (a sixth of the lease) within one lease.
 */
const HEARTBEATS_A_LEASE = 3

/** Endpoints that name an address which may not be connected to. Names are looked up later. */
function refusedEndpoints({ upstreamEndpoints, allowRanges }: Settings): readonly string[] {
  const guard = createAddressGuard(allowRanges)
  return upstreamEndpoints.filter((endpoint) => {
    const host = new URL(endpoint).hostname.replace(/^\[|\]$/g, '')
    const address = host === 'localhost' ? '127.0.0.1' : host
    return isIP(address) !== 0 && guard.refusalOf(address) !== null
  })
}

export const CROSS_RULES: readonly CrossRule[] = [
  {
    setting: 'leaseMs',
    words: 'at least 3 × `heartbeat`, so that two lost heartbeats do not cost it',
    isBroken: ({ leaseMs, heartbeatMs }) => leaseMs < HEARTBEATS_A_LEASE * heartbeatMs,
    expected: (settings) =>
      `at least ${HEARTBEATS_A_LEASE} × ${named(settings, 'heartbeatMs')}, so that two lost ` +
      'heartbeats do not cost it',
  },
  {
    setting: 'keepItems',
    words: 'at least `keep-receipts`, since the receipt that ends an item stays as long as it',
    isBroken: ({ keepItems, keepReceipts }) =>
      keepItems !== null && (keepReceipts === null || keepItems < keepReceipts),
    expected: (settings) =>
      `at least ${named(settings, 'keepReceipts')}, since the receipt that ends an item stays ` +
      'as long as it',
  },
  {
    setting: 'concurrency',
    words: 'at most `sockets`',
    isBroken: ({ concurrency, sockets }) => concurrency > sockets,
    expected: (settings) => `at most ${named(settings, 'sockets')}`,
  },
  {
    setting: 'socketsPerHost',
    words: 'at most `sockets`',
    isBroken: ({ socketsPerHost, sockets }) => socketsPerHost > sockets,
    expected: (settings) => `at most ${named(settings, 'sockets')}`,
  },
  {
    setting: 'itemTimeoutMs',
    words: 'longer than `total-timeout`',
    isBroken: ({ itemTimeoutMs, totalTimeoutMs }) => itemTimeoutMs <= totalTimeoutMs,
    expected: (settings) => `longer than ${named(settings, 'totalTimeoutMs')}`,
  },
  {
    setting: 'instanceId',
    words: 'together with `instance-count`, at most it, and with `coordination` partitioned',
    isBroken: ({ coordination, instanceId, instanceCount }) =>
      (instanceId === null) !== (instanceCount === null) ||
      (instanceId ?? 0) > (instanceCount ?? 0) ||
      (instanceId !== null && coordination !== 'partitioned'),
    expected: (settings) =>
      `given together with ${named(settings, 'instanceCount')}, at most as large, and with ` +
      '`coordination` partitioned',
  },
  {
    setting: 'backoffMaxMs',
    words: 'at least `backoff`',
    isBroken: ({ backoffMaxMs, backoffMs }) => backoffMaxMs < backoffMs,
    expected: (settings) => `at least ${named(settings, 'backoffMs')}`,
  },
  {
    setting: 'heapMb',
    words: 'at most `memory`, above which the worker is replaced anyway',
    isBroken: ({ heapMb, memoryMb }) => heapMb !== null && heapMb > memoryMb,
    expected: (settings) =>
      `at most ${named(settings, 'memoryMb')}, above which the worker is replaced anyway`,
  },
  {
    setting: 'alertWebhookKey',
    words: 'set when `alertWebhook` is',
    isBroken: ({ alertWebhook, alertWebhookKey }) =>
      alertWebhook !== null && alertWebhookKey === null,
    expected: () => 'set, since `alertWebhook` is: notices are signed with it',
  },
  {
    setting: 'upstreamKey',
    words: 'set when `upstream` is proxy-api',
    isBroken: ({ upstream, upstreamKey }) => upstream === 'proxy-api' && upstreamKey === null,
    expected: () =>
      'the key of your account, since `upstream` is proxy-api (SCRAPER_API_KEY is read as well)',
  },
  {
    setting: 'upstreamEndpoints',
    words: 'public addresses, or in `allow-ranges`, when `upstream` is proxy-api',
    isBroken: (settings) =>
      settings.upstream === 'proxy-api' && refusedEndpoints(settings).length > 0,
    expected: (settings) =>
      `public addresses, or within \`allow-ranges\` as ${refusedEndpoints(settings).join(', ')} ` +
      'is not',
  },
]
