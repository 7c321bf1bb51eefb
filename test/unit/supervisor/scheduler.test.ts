import { expect } from 'chai'
import { seededRandom } from '../../../src/core/random.js'
import type { ScheduleStore } from '../../../src/store/schedules.js'
import type { AnyEvent } from '../../../src/telemetry/events.js'
import { createEventBus } from '../../../src/telemetry/events.js'
import { createScheduler } from '../../../supervisor/scheduler.js'
import { createFakeClock } from '../../support/fake-clock.js'
import { IDLE_SCHEDULES } from '../../support/idle-chores.js'

const NOW = new Date('2026-01-01T10:20:00Z')
const ROW = {
  definition: { every: '1h' },
  anchoredAt: new Date('2026-01-01T00:00:00Z'),
  nextAt: '2026-01-01 10:00:00+00',
  isDue: true,
  now: NOW,
}

function setUp(given: Partial<ScheduleStore>) {
  const clock = createFakeClock()
  const heard: AnyEvent[] = []
  const events = createEventBus()
  events.subscribe((event) => heard.push(event))
  const schedules = { ...IDLE_SCHEDULES, readNow: async () => NOW, ...given }
  const scheduler = createScheduler({ schedules, clock, random: seededRandom(1), events })
  const wakes: string[] = []
  const add = (
    name: string,
    workflowId: number,
    definition: { every: string } | { cron: string },
  ) => scheduler.add({ workflow: { workflowId, name }, definition, wake: () => wakes.push(name) })
  return { clock, heard, scheduler, wakes, add }
}

describe('scheduler', () => {
  it('takes a tick by the clock of the database, and wakes the workflow', async () => {
    const taken: unknown[] = []
    const { clock, heard, scheduler, wakes, add } = setUp({
      readSchedule: async () => ROW,
      takeTick: async (tick) => {
        taken.push(tick)
        return true
      },
    })
    add('flow', 7, { every: '1h' })
    scheduler.start()
    await clock.advance(10)
    const following = new Date('2026-01-01T11:00:00Z')
    expect(taken).to.deep.equal([{ workflowId: 7, nextAt: ROW.nextAt, following }])
    expect(wakes).to.deep.equal(['flow'])
    expect(heard).to.deep.include({
      ...{ name: 'schedule.ticked', workflow: 'flow', nextAt: '2026-01-01T11:00:00.000Z' },
    })
    await scheduler.stop()
  })

  it('says nothing and wakes nobody when another node took the tick', async () => {
    const { clock, heard, scheduler, wakes, add } = setUp({ readSchedule: async () => ROW })
    add('flow', 7, { every: '1h' })
    scheduler.start()
    await clock.advance(10)
    expect({ heard, wakes }).to.deep.equal({ heard: [], wakes: [] })
    await scheduler.stop()
  })

  it('writes an interval down to begin now, a cron expression with its next moment', async () => {
    const put: unknown[] = []
    const { clock, scheduler, add } = setUp({
      putSchedule: async (schedule) => {
        put.push([schedule.workflowId, schedule.firstAt?.toISOString() ?? null])
      },
    })
    add('interval', 1, { every: '1h' })
    add('nightly', 2, { cron: '0 3 * * *' })
    scheduler.start()
    await clock.advance(5_000)
    expect(put, 'once each').to.deep.equal([
      [1, null],
      [2, '2026-01-02T03:00:00.000Z'],
    ])
    await scheduler.stop()
  })

  it('goes on with the others when one schedule fails, and tries that again', async () => {
    const reads: number[] = []
    const { clock, heard, scheduler, wakes, add } = setUp({
      readSchedule: async (workflowId) => {
        reads.push(workflowId)
        if (workflowId === 1) throw new Error('no such table')
        return ROW
      },
      takeTick: async () => true,
    })
    add('sick', 1, { every: '1h' })
    add('well', 2, { every: '1h' })
    scheduler.start()
    await clock.advance(10)
    expect(wakes).to.deep.equal(['well'])
    expect(heard).to.deep.include({
      ...{ name: 'schedule.failed', workflow: 'sick', message: 'no such table' },
    })
    await clock.advance(1_500)
    expect(reads.filter((id) => id === 1)).to.have.length(2)
    await scheduler.stop()
  })
})
