import { expect } from 'chai'
import type { Settings } from '../../../config/settings.js'
import { hostLimitsOf, serviceOptionsOf } from '../../../supervisor/workflow-options.js'
import { CLUSTER_SETTINGS } from '../../support/cluster-settings.js'

const limitsOf = (settings: Partial<Settings>) =>
  hostLimitsOf({ ...CLUSTER_SETTINGS, hostDelayMs: 0, ...settings })

describe('supervisor/workflow-options: the price of a host', () => {
  const priceOf = (host: string, settings: Partial<Settings> = {}) => {
    const upstream = { upstream: 'proxy-api', upstreamKey: 'some-key', ...settings } as const
    const of = { name: 'contacts', moduleUrl: 'file:///none.js' }
    return serviceOptionsOf({ ...CLUSTER_SETTINGS, ...upstream }, of).priceOfHost?.(host)
  }

  it('is that of a site which has its own, and of the dearest way otherwise', () => {
    expect(priceOf('shop.example')).to.equal(1)
    expect(priceOf('')).to.equal(1)
    expect(priceOf('www.google.co.uk')).to.equal(25)
    expect(priceOf('www.google.com', { render: true, premium: 'ultra' })).to.equal(75)
    expect(priceOf('www.amazon.de', { tiers: ['direct', 'flat'] })).to.equal(5)
  })

  it('is what a person says it is, and nothing for direct calls', () => {
    expect(priceOf('www.google.com', { callCredits: 2 })).to.equal(2)
    expect(priceOf('www.google.com', { upstream: 'direct' })).to.equal(0)
  })
})

describe('supervisor/workflow-options: the limits of hosts', () => {
  it('are none through a proxy API, whose requests they are', () => {
    const settings = { upstream: 'proxy-api', upstreamKey: 'key', hostConcurrency: 2 } as const
    expect(limitsOf(settings)).to.equal(null)
    expect(limitsOf({ ...settings, tiers: ['direct', 'flat'] })).to.equal(null)
  })

  it('keep every socket of a host busy when nothing narrower is set', () => {
    expect(limitsOf({ socketsPerHost: 20 })).to.include({ concurrency: 25, isDivided: false })
    expect(limitsOf({ socketsPerHost: 1 })).to.include({ concurrency: 2, isDivided: false })
  })

  it('are those that were set, in the whole cluster', () => {
    const limits = limitsOf({ hostConcurrency: 3, hostDelayMs: null })
    expect(limits).to.include({ concurrency: 3, isDivided: true, delayMs: 'auto' })
  })

  it("are those of one node where partitions make a host one node's", () => {
    expect(limitsOf({ hostConcurrency: 3 })).to.include({ isShared: true })
    const settings = { hostConcurrency: 3, coordination: 'partitioned' } as const
    expect(limitsOf(settings)).to.include({ isShared: false })
  })

  it('meet a host with one page while its robots.txt may ask for a delay', () => {
    expect(limitsOf({ robots: 'obey' })).to.include({ isMetFirst: true })
    expect(limitsOf({ robots: 'obey', crawlDelayMaxMs: 0 })).to.include({ isMetFirst: false })
    expect(limitsOf({ robots: 'ignore' })).to.include({ isMetFirst: false })
  })
})
