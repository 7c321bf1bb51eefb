import { expect } from 'chai'
import { decideCrash } from '../../src/core/settlement.js'
import type { Trial } from '../../src/core/steering-plan.js'
import { foldCohorts, readRolloutRecord, readRollouts } from '../../src/store/cohorts.js'
import { setSteering } from '../../src/store/steering.js'
import { useYard } from '../support/factory.js'
import { nextTry, settlement } from '../support/values.js'

function only<T>(list: readonly T[]): T {
  const [first] = list
  if (first === undefined || list.length > 1) throw new Error(`one, not ${list.length}`)
  return first
}

describe('store/cohorts', () => {
  const yard = useYard()
  const trial = (cohort: Trial['cohort'], step = 0) => ({ trial: { cohort, step } })
  const read = async (workflow: string) => only(await readRollouts(yard.sql, workflow))

  it('counts what ends by cohort, of all nodes, in the statement that settles', async () => {
    const { workflow, nodeId, held } = await yard.leased(7)
    const [one, two, three, four, five, six, seven] = held
    if (!one || !two || !three || !four || !five || !six || !seven) throw new Error('seven items')
    const next = nextTry({ attempt: 1, delayMs: 1_000 })
    const fast = trial('concurrent')
    await yard.settle(workflow, nodeId, [
      settlement(one, { credits: 10, durationMs: 300, ...fast }),
      settlement(two, { credits: 10, durationMs: 500, ...fast }),
      settlement(three, { event: 'discard', code: 'http_4xx', credits: 1, ...fast }),
      settlement(four, { event: 'retry', code: 'http_5xx', credits: 0, next, ...fast }),
      settlement(five, { event: 'snooze', code: 'rate_limited', next, ...fast }),
      settlement(six, { credits: 5, durationMs: 6_000, ...trial('sequential') }),
      ...decideCrash([{ ...seven, step: 0 }], { reason: 'died', isAlone: false, creditsEach: 25 }),
    ])
    const other = await yard.node()
    await yard.enqueue(workflow, ['late'])
    const late = (await yard.hold(workflow, other)).find(({ itemKey }) => itemKey === 'late')
    if (late === undefined) throw new Error('it was leased')
    await yard.settle(workflow, other, [settlement(late, { durationMs: 300, ...fast })])

    const { cohorts } = await read(workflow.name)
    expect(cohorts.concurrent).to.deep.include({
      ...{ step: 0, completed: 3, failed: 2, snoozed: 1, crashed: 1, credits: 46 },
      ...{ errorRate: 0.4, meanMs: 367, p50Ms: 350, p95Ms: 740 },
    })
    expect(cohorts.sequential).to.deep.include({
      ...{ completed: 1, failed: 0, credits: 5, errorRate: 0, meanMs: 6_000 },
    })
    expect(cohorts.sequential?.p50Ms).to.be.within(3_200, 6_400)
    const { workflowId } = workflow
    const { all, recent } = await readRolloutRecord(yard.sql, { workflowId, step: 0 })
    expect(all.concurrent).to.deep.equal({ finished: 5, failed: 2 })
    expect(recent).to.deep.equal(all)
  })

  it('counts nothing twice, nor what belongs to no cohort or was given back', async () => {
    const { workflow, nodeId, held } = await yard.leased(3)
    const [one, two, three] = held
    if (!one || !two || !three) throw new Error('three items')
    const settlements = [
      settlement(one, { durationMs: 100, ...trial('concurrent') }),
      settlement(two, { durationMs: 100 }),
      settlement(three, {
        event: 'release',
        code: 'cancelled',
        next: nextTry(),
        ...trial('concurrent'),
      }),
    ]
    await yard.settle(workflow, nodeId, settlements)
    await yard.settle(workflow, nodeId, settlements)

    const { cohorts } = await read(workflow.name)
    expect(cohorts.concurrent).to.include({ completed: 1, failed: 0, crashed: 0 })
    expect(cohorts.sequential).to.equal(null)
  })

  it('begins anew with every step, and shows a cohort that has nothing yet by its last one', async () => {
    const { workflow, nodeId, held } = await yard.leased(3)
    const { workflowId, name } = workflow
    const [one, two, three] = held
    if (!one || !two || !three) throw new Error('three items')
    const before = await read(name)
    expect(before).to.include({ step: 0, by: null, mode: 'concurrent', rollout: 100 })
    await yard.settle(workflow, nodeId, [
      settlement(one, { event: 'discard', code: 'parse', ...trial('concurrent') }),
      settlement(two, trial('sequential')),
    ])
    await setSteering(yard.sql, { workflowId, rollout: 50, by: 'anna' })
    await setSteering(yard.sql, { workflowId, concurrency: 3, by: 'bert' })
    await yard.settle(workflow, nodeId, [settlement(three, trial('concurrent', 1))])

    const now = await read(name)
    expect(now).to.include({ step: 1, by: 'anna', rollout: 50, concurrency: 3 })
    expect(now.since > before.since).to.equal(true)
    expect(now.cohorts.concurrent).to.include({ step: 1, completed: 1, failed: 0 })
    expect(now.cohorts.sequential).to.include({ step: 0, completed: 1 })
    const { all } = await readRolloutRecord(yard.sql, { workflowId, step: 1 })
    expect(all.concurrent, 'failures of the step before').to.deep.equal({ finished: 1, failed: 0 })
  })

  it('folds old rows without changing a figure', async () => {
    const { workflowId, name } = await yard.workflow()
    await yard.sql`
      insert into fetchyard.cohort_tally
             (first_at, last_at, workflow_id, step, cohort, completed, failed, snoozed, crashed,
              credits, duration_ms, durations)
      select at, at, ${workflowId}, 0, case when n % 3 = 0 then 'sequential' else 'concurrent' end,
             1, n % 2, 0, 0, n, 120, array[0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
        from generate_series(1, 2000) as n
       cross join lateral (select now() - n * interval '500 milliseconds' as at) as t`
    const figures = async () => [
      await read(name),
      await readRolloutRecord(yard.sql, { workflowId, step: 0 }),
    ]
    const before = await figures()

    expect(await foldCohorts(yard.sql, 10_000)).to.be.above(1_900)

    const after = await figures()
    // The window of ten minutes moves on by the time that this takes, and its edge by ten seconds.
    expect(after[0]).to.deep.equal(before[0])
    expect(after[1]).to.have.deep.property('all', (before[1] as { all: unknown }).all)
    const [row] = await yard.sql<{ rows: number }[]>`
      select count(*)::int as rows from fetchyard.cohort_tally where workflow_id = ${workflowId}`
    expect(row?.rows).to.be.within(2, 160)
  })

  it('knows each workflow, and nothing of one that is not there', async () => {
    expect(await readRollouts(yard.sql, 'nobody')).to.deep.equal([])
    const { name } = await yard.workflow()
    expect((await readRollouts(yard.sql)).map(({ workflow }) => workflow)).to.include(name)
  })
})
