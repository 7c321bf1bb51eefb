import { expect } from 'chai'
import { assemble, type SettingsSources } from '../../../config/load.js'
import { WORKFLOW_SETTING_NAMES } from '../../../config/options.js'
import type { SettingName } from '../../../config/settings.js'
import { settingsOfWorkflow } from '../../../config/workflows.js'
import { messageOf } from '../../../src/core/errors.js'
import type { WorkflowOptions } from '../../../src/workflow/options.js'

const PATH = '/app/fetchyard.config.mjs'

function load(content: object, sources: Partial<SettingsSources> = {}) {
  return assemble({ flags: {}, environment: {}, cwd: '/app', ...sources }, { path: PATH, content })
}

function violationOf(content: object): string {
  try {
    load(content)
    return ''
  } catch (error) {
    return messageOf(error)
  }
}

/** A definition may name every option that a workflow may have, and no other. */
const NAMED: { readonly [Name in keyof Required<WorkflowOptions>]: true } = {
  concurrency: true,
  concurrencyStart: true,
  planConcurrency: true,
  ratePerMinute: true,
  successPauseMs: true,
  batchSize: true,
  workerIdleMs: true,
  callCredits: true,
  rollout: true,
  rollbackErrorPercent: true,
  rollbackItems: true,
  executor: true,
  processes: true,
  threads: true,
  attempts: true,
  backoffMs: true,
  backoffFactor: true,
  backoffMaxMs: true,
  itemTimeoutMs: true,
  coordination: true,
  memoryMb: true,
  heapMb: true,
  connectTimeoutMs: true,
  headersTimeoutMs: true,
  bodyTimeoutMs: true,
  totalTimeoutMs: true,
  keepAliveMs: true,
  sockets: true,
  socketsPerHost: true,
  bodyMb: true,
  redirects: true,
  userAgent: true,
  allowRanges: true,
  ports: true,
  upstream: true,
  upstreamEndpoints: true,
  render: true,
  country: true,
  premium: true,
  tiers: true,
  session: true,
  maxCost: true,
  keepHeaders: true,
  failureAgeMs: true,
  robots: true,
  robotsName: true,
  hostConcurrency: true,
  hostDelayMs: true,
  crawlDelayMaxMs: true,
  placesEndpoint: true,
  placesFields: true,
  placesLanguage: true,
  placesRegion: true,
  selectResults: true,
  checkDomains: true,
  sitemaps: true,
  sitemapPages: true,
  documentDirectory: true,
  siteModule: true,
  contexts: true,
  assign: true,
  maxDocuments: true,
  browserPath: true,
  headless: true,
  blockTypes: true,
  blockPatterns: true,
  stepTimeoutMs: true,
  contextPages: true,
  contextAgeMs: true,
  browserMb: true,
  documentBytesMin: true,
  documentMb: true,
  failurePages: true,
  alertSuccessPercent: true,
  alertErrorPercent: true,
  alertLatencyMs: true,
  alertOldestMs: true,
  alertStallMs: true,
  alertReclaims: true,
  alertBudgetPercent: true,
  alertCreditsRisePercent: true,
}
/** A key belongs into no module, nor does what a node is called; only records have a schema. */
const NOT_FOR_MODULES: readonly SettingName[] = [
  'upstreamKey',
  'placesKey',
  'siteUser',
  'sitePassword',
  'instanceId',
  'instanceCount',
  'schema',
]

describe('config/workflows', () => {
  it('types every option that a workflow may have', () => {
    const expected = WORKFLOW_SETTING_NAMES.filter((name) => !NOT_FOR_MODULES.includes(name))
    expect(Object.keys(NAMED)).to.have.members(expected)
  })

  it('reads a list: names, paths, and objects with options of their own', () => {
    const { listed, workflows } = load({
      workflows: ['contacts', { module: './a.js', concurrency: 3, itemTimeoutMs: '2m' }],
    })
    expect(listed).to.deep.equal(['contacts', './a.js'])
    expect(workflows.get('contacts')).to.deep.equal({})
    expect(workflows.get('./a.js')).to.deep.equal({ concurrency: 3, itemTimeoutMs: 120_000 })
  })

  it('reads an object as options by workflow, which lists nothing', () => {
    const { listed, workflows } = load({ workflows: { contacts: { concurrency: 3 } } })
    expect(listed).to.equal(null)
    expect(workflows.get('contacts')).to.deep.equal({ concurrency: 3 })
  })

  const refused: readonly (readonly [unknown, RegExp])[] = [
    [7, /`workflows` to be a list of names, module paths and objects.*\(from .*mjs\)/],
    [[7], /`workflows\[0\]` to be a name, a module path, or an object with a field `module`/],
    [[{ concurrency: 3 }], /`workflows\[0\]` to be/],
    [['a', 'a'], /`a` is in `workflows` twice/],
    [[{ module: 'a', concurency: 3 }], /Unknown option `concurency`.*workflows\[0\].*concurrency/],
    [[{ module: 'a', leaseMs: 3 }], /Unknown option `leaseMs`/],
    [[{ module: 'a', concurrency: 0 }], /`concurrency` to be a whole number.*workflows\[0\]/],
    [[{ module: 'a', concurrency: 99 }], /`concurrency` to be at most `sockets` \(50\), got 99/],
    [
      [{ module: 'a', alertErrorPercent: 101 }],
      /`alert-errors` to be a whole number from 0 to 100/,
    ],
  ]
  for (const [workflows, words] of refused) {
    it(`refuses by ${words}`, () => {
      expect(violationOf({ workflows })).to.match(words)
    })
  }

  it('counts the entry of the file before flags, these before the module, that before the rest', () => {
    const configuration = load(
      { concurrency: 2, attempts: 9, redirects: 1, backoffFactor: 3 },
      { flags: { attempts: '4' }, environment: { FETCHYARD_REDIRECTS: '7' } },
    )
    const own = settingsOfWorkflow(configuration, {
      origin: 'my.js',
      options: { concurrency: 20, attempts: 5, redirects: 5, processes: 2 },
      entry: { processes: 3 },
    })
    expect({ ...configuration.settings, ...own }).to.include({
      ...{ concurrency: 20, attempts: 4, redirects: 7, processes: 3, backoffFactor: 3 },
    })
  })

  it('names all that is wrong with the options of a module', () => {
    const configuration = load({})
    const words = (options: object) => {
      try {
        settingsOfWorkflow(configuration, { origin: 'my.js', options: { ...options }, entry: {} })
        return ''
      } catch (error) {
        return messageOf(error)
      }
    }
    const both = words({ concurency: 3, attempts: 0 })
    expect(both).to.contain('The options of the workflow in my.js cannot be used')
    expect(both).to.match(/Unknown option `concurency` \(in my\.js, options\)/)
    expect(both).to.match(/`attempts` to be a whole number from 1 to 100, got 0 \(from my\.js/)
    expect(words({ concurrency: 60 })).to.match(/at most `sockets` \(50\), got 60 \(from my\.js/)
  })
})
