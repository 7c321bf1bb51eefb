import { LIMITS } from '../../src/core/limits.js'
import { choice, count, optional, text } from '../option.js'

const group = 'database'

export const DATABASE_OPTIONS = {
  databaseUrl: optional(
    text({
      group,
      name: 'database-url',
      isSecret: true,
      sentence: 'Postgres to use. It holds a password, so it has no flag.',
      default: '',
      environment: ['DATABASE_URL'],
      pattern: /^postgres(ql)?:\/\/\S+$/,
      rule: 'a URL such as postgres://user:password@host:5432/database',
    }),
    { meaning: 'the embedded Postgres' },
  ),
  pooling: choice({
    group,
    name: 'pooling',
    sentence:
      'How the database is reached: directly, or through a pooler in transaction mode; ' +
      '`auto` asks it.',
    default: 'auto',
    choices: ['auto', 'direct', 'transaction'],
  }),
  poolMax: count({
    group,
    name: 'pool-max',
    sentence: 'Connections of one supervisor to the database.',
    default: LIMITS.databasePoolMax,
    bounds: { min: 2, max: LIMITS.databasePoolMax },
  }),
  dataDir: text({
    group,
    name: 'data-dir',
    sentence: 'Directory of the embedded Postgres and of what else is remembered on this machine.',
    default: '.fetchyard',
    pattern: /\S/,
    rule: 'a directory',
  }),
} as const
