import { LIMITS } from '../../src/core/limits.js'
import {
  ROLLOUT_RULE,
  type RolloutOrder,
  readRollout,
  SEQUENTIAL,
  showRollout,
} from '../../src/core/steering-words.js'
import type { Option, Reading } from '../option.js'
import { choice, count, duration, factor, makeOption, optional, size, text } from '../option.js'

const group = 'work'

/** The switch of old: everything concurrently, or one item after the other. */
function readSwitch(text: string): Reading<RolloutOrder> {
  const word = text.trim().toLowerCase()
  if (['false', '0', 'no', 'off'].includes(word)) return { value: SEQUENTIAL }
  if (['true', '1', 'yes', 'on'].includes(word)) return { value: EVERYTHING }
  return { rule: 'true or false' }
}

const EVERYTHING: RolloutOrder = { mode: 'concurrent', rollout: 100 }

/** Said at the start of a node. What is set while it runs counts until this says something else. */
function rolloutOption(): Option<RolloutOrder | null> {
  const order = makeOption<RolloutOrder>(
    {
      group,
      name: 'rollout',
      sentence:
        'Percent of the items worked concurrently, or `sequential`, for the whole cluster. Heard at ' +
        'the start of a node when it differs from what a node last started with.',
      default: EVERYTHING,
    },
    {
      type: 'text',
      rule: ROLLOUT_RULE,
      parse: (raw) => readRollout(raw) ?? undefined,
      show: showRollout,
    },
  )
  const note = '`false` means `sequential`, `true` means 100'
  const aliases = [{ name: 'WF7_ENABLE_CONCURRENT_PROCESSING', read: readSwitch, note }]
  return { ...optional(order, { meaning: 'as it was last set' }), aliases }
}

export const WORK_OPTIONS = {
  concurrency: count({
    group,
    name: 'concurrency',
    sentence: 'Items of one workflow worked at once on this node.',
    default: 10,
    environment: ['WF7_SCRAPER_API_MAX_CONCURRENT', 'SCRAPER_API_MAX_CONCURRENT'],
    bounds: { min: 1, max: LIMITS.slotsMax },
  }),
  concurrencyStart: optional(
    count({
      group,
      name: 'concurrency-start',
      sentence:
        'Items worked at once at first; doubles until the first overload or the concurrency.',
      default: 10,
      bounds: { min: 1, max: LIMITS.slotsMax },
    }),
    { meaning: 'the concurrency' },
  ),
  planConcurrency: optional(
    count({
      group,
      name: 'plan-concurrency',
      sentence:
        'Items of one workflow worked at once in the whole cluster: calls that a plan allows. ' +
        'Divided among the nodes that are alive.',
      default: 50,
      bounds: { min: 1, max: 100_000 },
    }),
    { meaning: 'no limit' },
  ),
  ratePerMinute: optional(
    count({
      group,
      name: 'rate',
      sentence:
        'Items of one workflow started in a minute in the whole cluster, evenly spaced. Divided ' +
        'among the nodes that are alive.',
      default: 60,
      bounds: { min: 1, max: LIMITS.ratePerMinuteMax },
    }),
    { meaning: 'no limit' },
  ),
  successPauseMs: duration({
    group,
    name: 'success-pause',
    sentence: 'Time that a slot rests after an item that was complete.',
    default: 0,
    bounds: { min: 0, max: LIMITS.successPauseMsMax },
  }),
  batchSize: optional(
    count({
      group,
      name: 'batch-size',
      sentence:
        'Items leased by one statement at most. A batch is never waited for: its slots are ' +
        'filled again one by one.',
      default: 100,
      environment: ['WF7_CONCURRENT_BATCH_SIZE'],
      bounds: { min: 1, max: LIMITS.leaseItemsMax },
    }),
    { meaning: 'what the slots can take' },
  ),
  workerIdleMs: optional(
    duration({
      group,
      name: 'worker-idle',
      sentence:
        'Time without an item after which the workers of a workflow end. They start with its ' +
        'first items, and again with the next ones.',
      default: 60_000,
      bounds: { min: 1_000, max: 86_400_000 },
    }),
    { meaning: 'workers stay', word: 'off' },
  ),
  callCredits: optional(
    count({
      group,
      name: 'call-credits',
      sentence: 'Credits that one call is expected to cost, for budgets and estimates.',
      default: 1,
      bounds: { min: 0, max: 100_000 },
    }),
    { meaning: 'what the upstream charges' },
  ),
  rollout: rolloutOption(),
  rollbackErrorPercent: count({
    group,
    name: 'rollback-errors',
    sentence:
      'Percent of failed attempts above which a rollout of concurrency is taken back by itself.',
    default: 20,
    bounds: { min: 1, max: 100 },
  }),
  rollbackItems: count({
    group,
    name: 'rollback-items',
    sentence: 'Attempts that must have ended before a rollout is judged.',
    default: 50,
    bounds: { min: 1, max: 4_000 },
  }),
  executor: choice({
    group,
    name: 'executor',
    sentence: 'Where items are worked: in child processes, in threads, or in both.',
    default: 'process',
    choices: ['process', 'thread', 'both'],
  }),
  processes: count({
    group,
    name: 'processes',
    sentence: 'Child processes of one workflow.',
    default: 1,
    bounds: { min: 1, max: LIMITS.workersMax },
  }),
  threads: count({
    group,
    name: 'threads',
    sentence: 'Threads of one workflow.',
    default: 1,
    bounds: { min: 1, max: LIMITS.workersMax },
  }),
  attempts: count({
    group,
    name: 'attempts',
    sentence:
      'Attempts of an item before it has failed for good. Waits that a server asked for are free.',
    default: 3,
    environment: ['WF7_RETRY_ATTEMPTS'],
    bounds: { min: 1, max: 100 },
  }),
  backoffMs: duration({
    group,
    name: 'backoff',
    sentence: 'Bound of the delay after the first failed attempt; the delay is random below it.',
    default: 1_000,
    bounds: { min: 0, max: LIMITS.retryDelayMsMax },
  }),
  backoffFactor: factor({
    group,
    name: 'backoff-factor',
    sentence: 'Growth of that bound from one attempt to the next.',
    default: 2,
    environment: ['WF7_RETRY_BACKOFF_FACTOR'],
    bounds: { min: 1, max: 10 },
  }),
  backoffMaxMs: duration({
    group,
    name: 'backoff-max',
    sentence: 'Delay that no backoff exceeds.',
    default: 60_000,
    bounds: { min: 0, max: LIMITS.retryDelayMsMax },
  }),
  itemTimeoutMs: duration({
    group,
    name: 'item-timeout',
    sentence: 'Most time for one item, whatever its handler does.',
    default: 90_000,
    bounds: { min: 100, max: 3_600_000 },
  }),
  coordination: choice({
    group,
    name: 'coordination',
    sentence:
      'How nodes divide the items: each leases what is next, or only from partitions of its own.',
    default: 'leased',
    choices: ['leased', 'partitioned'],
  }),
  instanceId: optional(
    count({
      group,
      name: 'instance-id',
      sentence: 'Which of `instance-count` instances this node is, from 1.',
      default: 1,
      bounds: { min: 1, max: LIMITS.partitionsMax },
    }),
    { meaning: 'partitions go by the nodes that live' },
  ),
  instanceCount: optional(
    count({
      group,
      name: 'instance-count',
      sentence:
        'Instances that divide the partitions by their `instance-id`, whether they live or not.',
      default: 1,
      bounds: { min: 1, max: LIMITS.partitionsMax },
    }),
    { meaning: 'partitions go by the nodes that live' },
  ),
  schema: optional(
    text({
      group,
      name: 'schema',
      sentence: 'Schema that the rows of records go to; each schema has a queue of its own.',
      default: 'public',
      pattern: /^[a-z][a-z0-9_]{0,15}$/,
      rule: 'a schema of lower-case letters, digits and underscores, 1 to 16',
    }),
    { meaning: 'what the mapping says' },
  ),
  memoryMb: size({
    group,
    name: 'memory',
    sentence:
      'Memory above which a worker finishes what it has and is replaced; at twice that it is killed.',
    default: 512,
    bounds: { min: 64, max: 65_536 },
  }),
  heapMb: optional(
    size({
      group,
      name: 'heap',
      sentence: 'Heap of a worker; one that needs more dies and its items are released.',
      default: 0,
      bounds: { min: 32, max: 65_536 },
    }),
    { meaning: "Node's own choice" },
  ),
} as const
