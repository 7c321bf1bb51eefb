import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { assemble, type Configuration, loadConfiguration } from '../../../config/load.js'
import { OPTIONS, SETTING_NAMES, showDefault } from '../../../config/options.js'
import { hasCode, messageOf } from '../../../src/core/errors.js'

interface Given {
  readonly flags?: { readonly [flag: string]: unknown }
  readonly environment?: { readonly [name: string]: string }
  readonly file?: unknown
  readonly preferences?: { readonly concurrency?: number }
}

function load({ flags = {}, environment = {}, file, preferences = {} }: Given): Configuration {
  const content =
    file === undefined ? null : { path: '/home/me/fetchyard.config.json', content: file }
  return assemble({ flags, environment, cwd: '/', preferences }, content)
}

/** The message of the error that loading ends with. */
function refusal(given: Given): string {
  try {
    load(given)
  } catch (error) {
    expect(hasCode(error, 'CONFIG_INVALID')).to.equal(true)
    return messageOf(error)
  }
  throw new Error('the options were accepted')
}

describe('config/load', () => {
  it('has a sound default for every setting', () => {
    const { settings, origins } = load({})

    for (const name of SETTING_NAMES) {
      expect(settings[name], name).to.deep.equal(OPTIONS[name].default)
      expect(origins[name]).to.equal('default')
      expect(showDefault(name)).to.not.equal('')
    }
    expect(settings).to.include({
      leaseMs: 30_000,
      heartbeatMs: 5_000,
      concurrency: 10,
      port: 9_310,
    })
  })

  it('takes flag before environment before file before preference before default', () => {
    const file = { concurrency: 5 }
    const environment = { FETCHYARD_CONCURRENCY: '6' }
    const flags = { concurrency: '7' }
    const preferences = { concurrency: 4 }
    const seen = [
      load({ preferences }),
      load({ preferences, file }),
      load({ preferences, file, environment }),
      load({ preferences, file, environment, flags }),
    ]

    expect(seen.map(({ settings }) => settings.concurrency)).to.deep.equal([4, 5, 6, 7])
    expect(seen.map(({ origins }) => origins.concurrency)).to.deep.equal([
      'default',
      '/home/me/fetchyard.config.json',
      'FETCHYARD_CONCURRENCY',
      '--concurrency',
    ])
  })

  it('treats an empty name in the environment as unset', () => {
    expect(load({ environment: { DATABASE_URL: '' } }).settings.databaseUrl).to.equal(null)
  })

  const aliases: readonly (readonly [string, string, object])[] = [
    [
      'WF7_ENABLE_CONCURRENT_PROCESSING',
      'false',
      { rollout: { mode: 'sequential', rollout: 0 }, concurrency: 10 },
    ],
    ['WF7_ENABLE_CONCURRENT_PROCESSING', 'true', { rollout: { mode: 'concurrent', rollout: 100 } }],
    ['FETCHYARD_ROLLOUT', '25%', { rollout: { mode: 'concurrent', rollout: 25 } }],
    ['FETCHYARD_ROLLOUT', '0', { rollout: { mode: 'sequential', rollout: 0 } }],
    ['WF7_SCRAPER_API_MAX_CONCURRENT', '20', { concurrency: 20 }],
    ['SCRAPER_API_MAX_CONCURRENT', '21', { concurrency: 21 }],
    ['WF7_RETRY_ATTEMPTS', '5', { attempts: 5 }],
    ['WF7_RETRY_BACKOFF_FACTOR', '1.5', { backoffFactor: 1.5 }],
    ['HTTP_CONNECTION_POOL_SIZE', '40', { sockets: 40 }],
    ['HTTP_CONNECTIONS_PER_HOST', '4', { socketsPerHost: 4 }],
    ['HTTP_CONNECTION_TIMEOUT', '30', { totalTimeoutMs: 30_000 }],
    ['HTTP_CONNECTION_TIMEOUT', '500ms', { totalTimeoutMs: 500 }],
    ['DATABASE_URL', 'postgres://me@host/db', { databaseUrl: 'postgres://me@host/db' }],
    [
      'FETCHYARD_ALLOW_RANGES',
      'loopback,10.0.0.1',
      { allowRanges: ['127.0.0.0/8', '::1/128', '10.0.0.1/32'] },
    ],
    [
      'FETCHYARD_PORTS',
      '80, 443,8000-8999',
      {
        ports: [
          [80, 80],
          [443, 443],
          [8000, 8999],
        ],
      },
    ],
    ['FETCHYARD_PORT', 'off', { port: null }],
  ]
  for (const [name, value, expected] of aliases) {
    it(`reads ${name}=${value}`, () => {
      expect(load({ environment: { [name]: value } }).settings).to.deep.include(expected)
    })
  }

  it('lets our own name win over the switch of old, and says nothing without either', () => {
    const environment = { WF7_ENABLE_CONCURRENT_PROCESSING: 'false', FETCHYARD_ROLLOUT: '10' }
    expect(load({ environment }).settings.rollout).to.deep.equal({
      ...{ mode: 'concurrent', rollout: 10 },
    })
    expect(load({}).settings.rollout).to.equal(null)
    const words = refusal({ environment: { FETCHYARD_ROLLOUT: '101' } })
    expect(words).to.contain('Expected `rollout` to be a whole percentage from 0 to 100, or the')
  })

  it('names every violation at once, with value, origin and rule', () => {
    const words = refusal({
      flags: { attempts: '0', executor: 'fork' },
      environment: { FETCHYARD_LEASE: '10s', FETCHYARD_CONCURENCY: '3' },
      file: { bodyMb: 'big', threds: 2 },
    })

    expect(words).to.contain('6 options cannot be used')
    expect(words).to.contain(
      'Expected `attempts` to be a whole number from 1 to 100, got "0" (from --attempts).',
    )
    expect(words).to.contain('Expected `executor` to be one of process, thread, both, got "fork"')
    expect(words).to.contain('Expected `lease` to be at least 3 × `heartbeat` (5 s)')
    expect(words).to.contain('got 10 s (from FETCHYARD_LEASE)')
    expect(words).to.contain('Unknown option `FETCHYARD_CONCURENCY`')
    expect(words).to.contain('Did you mean `FETCHYARD_CONCURRENCY`?')
    expect(words).to.contain(
      'Unknown option `threds` (in /home/me/fetchyard.config.json). Did you mean `threads`?',
    )
  })

  const broken: readonly (readonly [string, { readonly [flag: string]: string }])[] = [
    ['lease', { lease: '10s' }],
    ['concurrency', { concurrency: '30', sockets: '20', 'sockets-per-host': '20' }],
    ['sockets-per-host', { sockets: '10', concurrency: '10', 'sockets-per-host': '20' }],
    ['item-timeout', { 'item-timeout': '70s' }],
    ['backoff-max', { backoff: '5s', 'backoff-max': '1s' }],
    ['heap', { heap: '1gb', memory: '512mb' }],
  ]
  for (const [option, flags] of broken) {
    it(`refuses ${JSON.stringify(flags)} for ${option}`, () => {
      expect(refusal({ flags })).to.match(new RegExp(`^Expected \`${option}\` to be `))
    })
  }

  it('never shows a secret', () => {
    const words = refusal({ environment: { DATABASE_URL: 'mysql://me:hunter2@host/db' } })
    expect(words).to.contain('FETCHYARD_DATABASE_URL').and.to.not.contain('hunter2')
  })

  it('keeps what the file has for one workflow, and holds it against the rules', () => {
    const file = { concurrency: 4, workflows: { contacts: { concurrency: 20, attempts: 5 } } }
    const { settings, workflows } = load({ file })

    expect(settings.concurrency).to.equal(4)
    expect(workflows.get('contacts')).to.deep.equal({ concurrency: 20, attempts: 5 })
    expect(refusal({ file: { workflows: { contacts: { concurrency: 4_000 } } } })).to.contain(
      'workflows.contacts',
    )
    expect(refusal({ file: { workflows: { contacts: { leaseMs: 1 } } } })).to.contain(
      'Unknown option `leaseMs`',
    )
  })

  describe('with files', () => {
    let directory = ''
    before(async () => {
      directory = await mkdtemp(join(tmpdir(), 'fetchyard-config-'))
      await mkdir(join(directory, 'below', 'deeper'), { recursive: true })
    })
    after(() => rm(directory, { recursive: true, force: true }))

    it('finds the nearest file upward, as a module or as JSON', async () => {
      await writeFile(join(directory, 'fetchyard.config.json'), '{ "attempts": 7 }')
      const cwd = join(directory, 'below', 'deeper')
      const far = await loadConfiguration({ flags: {}, environment: {}, cwd })
      await writeFile(
        join(directory, 'below', 'fetchyard.config.mjs'),
        'export default { attempts: 8 }',
      )
      const near = await loadConfiguration({ flags: {}, environment: {}, cwd })

      expect(far.settings.attempts).to.equal(7)
      expect(near.settings.attempts).to.equal(8)
      expect(near.file).to.equal(join(directory, 'below', 'fetchyard.config.mjs'))
    })

    it('says which file cannot be read', async () => {
      const path = join(directory, 'broken.json')
      await writeFile(path, '{ attempts')
      const failure = await loadConfiguration({
        ...{ flags: {}, environment: {}, cwd: directory },
        configPath: path,
      }).catch((error: unknown) => error)

      expect(hasCode(failure, 'CONFIG_INVALID')).to.equal(true)
      expect(messageOf(failure)).to.contain(path)
    })
  })
})
