// Ticks and instances as the database decides them, whoever asks, and how often at once.

import { expect } from 'chai'
import type { ScheduleDefinition } from '../../src/core/schedule.js'
import { openInstance, readSchedules } from '../../src/store/schedules.js'
import type { WorkflowHandle } from '../../src/store/store.js'
import { keys, useYard } from '../support/factory.js'

const HOUR_MS = 3_600_000

describe('schedules', () => {
  const yard = useYard()
  let flows = 0

  /** A workflow with a schedule that is due now, and items that are ready. */
  const scheduled = async (definition: Partial<ScheduleDefinition> = {}, items = 10) => {
    flows += 1
    const schedule = { every: '1h', ...definition } as ScheduleDefinition
    const workflow = await yard.store.openWorkflow({ name: `flow-${flows}`, sinks: {}, schedule })
    const { workflowId } = workflow
    await yard.store.schedules.putSchedule({ workflowId, definition: schedule, firstAt: null })
    if (items > 0) await yard.enqueue(workflow, keys(items))
    return { workflow, workflowId, nodeId: await yard.node(), schedule }
  }
  const read = async (workflowId: number) => {
    const row = await yard.store.schedules.readSchedule(workflowId)
    if (row === null) throw new Error('there is no schedule')
    return row
  }
  /** Takes the tick that is due; the next is an hour away, or as given. */
  const tick = async (workflowId: number, afterMs = HOUR_MS) => {
    const { nextAt, now } = await read(workflowId)
    const following = new Date(now.getTime() + afterMs)
    return yard.store.schedules.takeTick({ workflowId, nextAt, following })
  }
  const open = async (workflowId: number) => {
    const rows = await yard.sql<{ left: number; items: number }[]>`
      select items_left::int as left, items::int from fetchyard.instance
       where workflow_id = ${workflowId} and closed_at is null order by instance_id`
    return [...rows]
  }
  const hold = async (workflow: WorkflowHandle, nodeId: string, itemsMax = 1_000) =>
    yard.hold(workflow, nodeId, { itemsMax })
  const close = (workflowId: number) => yard.store.schedules.closeInstances(workflowId)

  it('let nothing be leased before a tick, and what was ready at it after', async () => {
    const { workflow, workflowId, nodeId } = await scheduled()
    expect(await hold(workflow, nodeId)).to.deep.equal([])
    expect(await tick(workflowId)).to.equal(true)
    await yard.enqueue(workflow, ['came-later'])
    expect(await hold(workflow, nodeId)).to.have.length(10)
    expect(await hold(workflow, nodeId), 'it waits for the next tick').to.deep.equal([])
  })

  it('lease no more than the batch, in one lease or in many', async () => {
    const { workflow, workflowId, nodeId } = await scheduled({ batch: 7 })
    await tick(workflowId)
    expect(await hold(workflow, nodeId, 3)).to.have.length(3)
    expect(await open(workflowId)).to.deep.equal([{ left: 4, items: 3 }])
    expect(await hold(workflow, nodeId)).to.have.length(4)
    expect(await hold(workflow, nodeId)).to.deep.equal([])
  })

  it('lease the batch once, however many nodes lease at once', async () => {
    const { workflow, workflowId } = await scheduled({ batch: 20 }, 200)
    await tick(workflowId)
    const nodes = await Promise.all(Array.from({ length: 5 }, () => yard.node()))
    let total = 0
    for (let round = 0; round < 10; round += 1) {
      const held = await Promise.all(nodes.map((nodeId) => hold(workflow, nodeId, 3)))
      total += held.flat().length
    }
    expect(total).to.equal(20)
  })

  it('take a tick once, of many nodes that find it due', async () => {
    const { workflowId } = await scheduled({ maxInstances: 5 })
    const { nextAt, now } = await read(workflowId)
    const following = new Date(now.getTime() + HOUR_MS)
    const taken = await Promise.all(
      Array.from({ length: 8 }, () =>
        yard.store.schedules.takeTick({ workflowId, nextAt, following }),
      ),
    )
    expect(taken.filter((isTaken) => isTaken)).to.have.length(1)
    expect(await open(workflowId)).to.have.length(1)
    expect((await read(workflowId)).isDue).to.equal(false)
  })

  it('take no tick before its time by the clock of the database', async () => {
    const { workflowId } = await scheduled({ maxInstances: 5 })
    await tick(workflowId)
    expect(await tick(workflowId)).to.equal(false)
    expect(await open(workflowId)).to.have.length(1)
  })

  it('let a tick wait while there are as many instances as may be, and make many waiting one', async () => {
    const { workflow, workflowId, nodeId } = await scheduled({ maxInstances: 2 })
    expect(await tick(workflowId, -1)).to.equal(true)
    expect(await hold(workflow, nodeId, 4)).to.have.length(4)
    expect(await tick(workflowId, -1)).to.equal(true)
    for (let missed = 0; missed < 3; missed += 1) {
      expect(await tick(workflowId, -1)).to.equal(false)
    }
    const [status] = (await readSchedules(yard.sql)).filter(
      ({ workflow: name }) => name === workflow.name,
    )
    expect(status?.waitingSince).to.be.a('string')
    expect(status?.openInstances).to.equal(2)
    await yard.complete(workflow, nodeId, await hold(workflow, nodeId))
    const leased = await yard.sql<{ count: number }[]>`
      select count(*)::int as count from fetchyard.work_queue
       where workflow_id = ${workflowId} and lease_id is not null`
    expect(leased[0]?.count, 'the first instance is at work').to.be.greaterThan(0)
    await close(workflowId)
    expect(await open(workflowId), 'the other one is over').to.have.length(1)
    expect(await tick(workflowId)).to.equal(true)
    expect(await tick(workflowId), 'one tick came of all that were missed').to.equal(false)
  })

  it('keep an instance until what it leased is settled, and no longer', async () => {
    const { workflow, workflowId, nodeId } = await scheduled()
    await tick(workflowId)
    const held = await hold(workflow, nodeId)
    expect(await close(workflowId)).to.equal(0)
    await yard.complete(workflow, nodeId, held)
    expect(await close(workflowId)).to.equal(1)
    expect(await open(workflowId)).to.deep.equal([])
  })

  it('end the instance of a node that was killed once its items are reclaimed', async () => {
    const { workflow, workflowId, nodeId } = await scheduled({ batch: 10 })
    await tick(workflowId)
    await hold(workflow, nodeId)
    await yard.expire(nodeId)
    expect(await close(workflowId), 'its items may still be worked').to.equal(0)
    await yard.fenceExpired()
    await yard.store.reclaimPacks(workflow, 50)
    expect(await close(workflowId)).to.equal(1)
    const heir = await yard.node()
    expect(await hold(workflow, heir), 'they wait for the next tick').to.deep.equal([])
    expect(await openInstance(yard.sql, workflowId)).to.equal('opened')
    expect(await hold(workflow, heir)).to.have.length(10)
  })

  it('open an instance for a person, if there may be one more', async () => {
    const { workflow, workflowId, nodeId } = await scheduled()
    const asked = await Promise.all(
      Array.from({ length: 6 }, () => openInstance(yard.sql, workflowId)),
    )
    expect(asked.filter((outcome) => outcome === 'opened')).to.have.length(1)
    expect(await hold(workflow, nodeId)).to.have.length(10)
    const plain = await yard.workflow()
    expect(await openInstance(yard.sql, plain.workflowId)).to.equal('unscheduled')
  })

  it('go on after a restart as they were, and begin anew when they are changed', async () => {
    const { workflowId, schedule } = await scheduled()
    await tick(workflowId)
    const before = await read(workflowId)
    const { putSchedule } = yard.store.schedules
    await putSchedule({ workflowId, definition: schedule, firstAt: null })
    expect((await read(workflowId)).nextAt).to.equal(before.nextAt)
    await putSchedule({ workflowId, definition: { every: '2h' }, firstAt: null })
    expect((await read(workflowId)).isDue).to.equal(true)
  })

  it('are forgotten when the workflow has none any more; a run leaves them alone', async () => {
    const { workflow, workflowId, nodeId } = await scheduled()
    const { name } = workflow
    const run = await yard.store.openWorkflow({ name, sinks: {} })
    expect((await yard.hold(run, nodeId, { itemsMax: 2 })).length).to.equal(2)
    expect(await yard.store.schedules.readSchedule(workflowId)).to.not.equal(null)
    await yard.store.openWorkflow({ name, sinks: {}, schedule: null })
    expect(await yard.store.schedules.readSchedule(workflowId)).to.equal(null)
    const open = await yard.sql`
      select from fetchyard.instance where workflow_id = ${workflowId} and closed_at is null`
    expect(open.length, 'instances that a later schedule would find').to.equal(0)
  })
})
