import { LIMITS } from '../../src/core/limits.js'
import { count, duration, optional, text, withDefault } from '../option.js'

const group = 'node'
const HOUR_MS = 3_600_000
const KEEP_DAYS_MAX = 36_500

export const NODE_OPTIONS = {
  nodeName: optional(
    text({
      group,
      name: 'node-name',
      sentence: 'Name of this node in figures and logs.',
      default: '',
      pattern: /^[\w.:@-]{1,200}$/,
      rule: '1 to 200 letters, digits, dots, dashes, colons, underscores or at-signs',
    }),
    { meaning: 'the name of the host' },
  ),
  leaseMs: duration({
    group,
    name: 'lease',
    sentence:
      'How long a lease lasts without a heartbeat. Longer rides out pauses and failovers of the ' +
      'database; shorter brings the items of a dead node back sooner.',
    default: 30_000,
    bounds: { min: 1_000, max: HOUR_MS },
  }),
  heartbeatMs: duration({
    group,
    name: 'heartbeat',
    sentence: 'Time between two heartbeats; at most a third of the lease.',
    default: 5_000,
    bounds: { min: 100, max: HOUR_MS / 3 },
  }),
  sweepMs: duration({
    group,
    name: 'sweep',
    sentence: 'Time between two looks for nodes whose lease ran out.',
    default: 5_000,
    bounds: { min: 100, max: HOUR_MS },
  }),
  drainMs: duration({
    group,
    name: 'drain',
    sentence:
      'Time that items in flight have to finish once a stop is asked for. A process manager that ' +
      'kills has to wait 10 s longer than this.',
    default: 30_000,
    bounds: { min: 0, max: HOUR_MS },
  }),
  silentMs: duration({
    group,
    name: 'silent',
    sentence: 'Time without an answer after which a worker is killed and its items are released.',
    default: 10_000,
    bounds: { min: 3 * LIMITS.pingIntervalMs, max: HOUR_MS },
  }),
  keepReceipts: withDefault(
    optional<number>(
      count({
        group,
        name: 'keep-receipts',
        sentence:
          'Days that receipts, events and ended nodes are kept. What proves that an item is ' +
          'finished stays as long as the item.',
        default: 30,
        bounds: { min: 1, max: KEEP_DAYS_MAX },
      }),
      { meaning: 'for ever', word: 'forever' },
    ),
    30,
  ),
  keepItems: optional(
    count({
      group,
      name: 'keep-items',
      sentence:
        'Days that finished items are kept, at least as long as receipts. A key whose item was ' +
        'removed is new to an enqueue.',
      default: 0,
      bounds: { min: 1, max: KEEP_DAYS_MAX },
    }),
    { meaning: 'for ever', word: 'forever' },
  ),
} as const
