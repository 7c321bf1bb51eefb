import { LIMITS } from '../../src/core/limits.js'
import { choice, count, duration, optional, text, withDefault } from '../option.js'

const group = 'politeness'

export const POLITENESS_OPTIONS = {
  robots: choice({
    group,
    name: 'robots',
    sentence: 'Whether robots.txt decides what is fetched.',
    default: 'obey',
    choices: ['obey', 'ignore'],
  }),
  robotsName: optional(
    text({
      group,
      name: 'robots-name',
      sentence: 'Name under which a robots.txt may address us.',
      default: '',
      pattern: /^[A-Za-z_-]{1,64}$/,
      rule: 'letters, - and _, as in a User-agent line',
    }),
    { meaning: 'the product of `user-agent`' },
  ),
  hostConcurrency: optional(
    count({
      group,
      name: 'host-concurrency',
      sentence:
        'Items of one host worked at once in the whole cluster. Divided among the nodes that are ' +
        'alive.',
      default: 2,
      bounds: { min: 1, max: LIMITS.slotsMax },
    }),
    { meaning: '`sockets-per-host`, on each node' },
  ),
  hostDelayMs: withDefault(
    optional(
      duration({
        group,
        name: 'host-delay',
        sentence: 'Time from one item of a host to its next; `auto` goes by how fast it answers.',
        default: 0,
        bounds: { min: 0, max: 600_000 },
      }),
      { meaning: 'auto', word: 'auto' },
    ),
    0,
  ),
  crawlDelayMaxMs: duration({
    group,
    name: 'crawl-delay-max',
    sentence: 'Most that a Crawl-delay of robots.txt is honoured for; 0 ignores it.',
    default: 30_000,
    bounds: { min: 0, max: 600_000 },
  }),
} as const
