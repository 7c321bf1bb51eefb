import { expect } from 'chai'
import { schedulerOf } from '../../../config/scheduler-names.js'

const deepScan = { name: 'deep-scan', schedule: null }

describe('config/scheduler-names', () => {
  it('makes a schedule of what operators set for one workflow, and of no other', () => {
    const environment = {
      DEEP_SCAN_SCHEDULER_INTERVAL_MINUTES: '5',
      DEEP_SCAN_SCHEDULER_BATCH_SIZE: '10',
      DEEP_SCAN_SCHEDULER_MAX_INSTANCES: '2',
    }
    const { schedule, violations } = schedulerOf(deepScan, environment)
    expect(schedule).to.deep.equal({ every: '5m', batch: 10, maxInstances: 2 })
    expect(violations).to.deep.equal([])
    const other = schedulerOf({ name: 'domain-extraction', schedule: null }, environment)
    expect(other).to.deep.equal({ schedule: null, overrides: {}, violations: [] })
  })

  it('changes of a schedule that a workflow has what is named, and nothing else', () => {
    const own = { name: 'deep-scan', schedule: { every: '1h', jitter: '1m', batch: 7 } }
    const batch = schedulerOf(own, { DEEP_SCAN_SCHEDULER_BATCH_SIZE: '9' })
    expect(batch.schedule).to.deep.equal({ every: '1h', jitter: '1m', batch: 9 })
    const interval = schedulerOf(own, { DEEP_SCAN_SCHEDULER_INTERVAL_MINUTES: '2' })
    expect(interval.schedule).to.deep.equal({ every: '2m', batch: 7 })
  })

  it('takes a batch without an interval for that of a lease, and refuses what means nothing', () => {
    const batch = schedulerOf(deepScan, { DEEP_SCAN_SCHEDULER_BATCH_SIZE: '9' })
    expect(batch).to.deep.include({ schedule: null, overrides: { batchSize: 9 } })
    const lost = schedulerOf(deepScan, { DEEP_SCAN_SCHEDULER_MAX_INSTANCES: '2' })
    expect(lost.violations.join()).to.match(/says nothing without `DEEP_SCAN_SCHEDULER_INTERVAL/)
    const wrong = schedulerOf(deepScan, { DEEP_SCAN_SCHEDULER_INTERVAL_MINUTES: 'soon' })
    expect(wrong.violations.join()).to.match(/whole number from 1 to 527040, got `soon`/)
  })
})
