import { expect } from 'chai'
import type { Settings } from '../../../config/settings.js'
import { hostLimitsOf } from '../../../supervisor/workflow-options.js'
import { CLUSTER_SETTINGS } from '../../support/cluster-settings.js'

const limitsOf = (settings: Partial<Settings>) =>
  hostLimitsOf({ ...CLUSTER_SETTINGS, hostDelayMs: 0, ...settings })

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
