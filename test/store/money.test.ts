import { expect } from 'chai'
import { decideCrash } from '../../src/core/settlement.js'
import { foldSpend, readBudgets, readSpent, setBudgets } from '../../src/store/money.js'
import { readSteering } from '../../src/store/steering.js'
import { useYard } from '../support/factory.js'
import { nextTry, settlement } from '../support/values.js'

describe('store/money', () => {
  const yard = useYard()

  it('books what items cost by what became of them, in the statement that settles them', async () => {
    const { workflow, nodeId, held } = await yard.leased(6)
    const { workflowId } = workflow
    const [one, two, three, four, five, six] = held
    if (!one || !two || !three || !four || !five || !six) throw new Error('six items')
    const next = nextTry({ attempt: 1, delayMs: 1_000 })
    await yard.settle(workflow, nodeId, [
      settlement(one, { credits: 10 }),
      settlement(two, { credits: 10 }),
      settlement(three, { event: 'discard', code: 'http_4xx', credits: 1 }),
      settlement(four, { event: 'retry', code: 'http_5xx', credits: 0, next }),
      settlement(five),
      ...decideCrash([six], { reason: 'it died', isAlone: false, creditsEach: 25 }),
    ])

    expect(await readSpent(yard.sql, { workflowId, since: 'ever' })).to.deep.equal([
      { kind: 'useful', calls: 2, credits: 20, unsure: 0 },
      { kind: 'failed', calls: 1, credits: 1, unsure: 0 },
      { kind: 'crashed', calls: 1, credits: 25, unsure: 25 },
    ])
  })

  it('books nothing for a settle that comes twice', async () => {
    const { workflow, nodeId, first } = await yard.leased(1)
    const { workflowId } = workflow
    await yard.settle(workflow, nodeId, [settlement(first, { credits: 5 })])
    await yard.settle(workflow, nodeId, [settlement(first, { credits: 5 })])
    expect(await readSpent(yard.sql, { workflowId, since: 'today' })).to.deep.equal([
      { kind: 'useful', calls: 1, credits: 5, unsure: 0 },
    ])
  })

  it('tells what the tighter of two budgets leaves', async () => {
    const { workflow, nodeId, held } = await yard.leased(2)
    const { workflowId, name } = workflow
    const [first, second] = held
    if (!first || !second) throw new Error('two items')
    const left = async () =>
      (await readSteering(yard.sql, { workflowId, workflow: name, plan: 'p' }))?.creditsLeft
    expect(await left()).to.equal(null)
    await yard.settle(workflow, nodeId, [settlement(first, { credits: 30 })])

    await setBudgets(yard.sql, { workflowId, perDay: 100 })
    expect(await left()).to.equal(70)
    await setBudgets(yard.sql, { workflowId, total: { credits: 50 } })
    expect(await left(), 'counts from now on').to.equal(50)
    await yard.settle(workflow, nodeId, [settlement(second, { credits: 45 })])
    expect(await left()).to.equal(5)
    await setBudgets(yard.sql, { workflowId, total: { credits: 50, since: '2000-01-01Z' } })
    expect(await left(), 'what was spent before counts, too').to.equal(-25)
    await setBudgets(yard.sql, { workflowId, perDay: null, total: { credits: null } })
    expect(await readBudgets(yard.sql, workflowId)).to.deep.include({ perDay: null, left: null })
  })

  it('folds old rows without changing any sum', async () => {
    const { workflowId } = await yard.workflow()
    await yard.sql`
      insert into fetchyard.spend (spent_at, workflow_id, kind, calls, credits)
      select now() - interval '10 minutes' + n * interval '200 milliseconds', ${workflowId},
             case when n % 2 = 0 then 'useful' else 'failed' end, 1, n
        from generate_series(1, 2000) as n`
    const sums = () => readSpent(yard.sql, { workflowId, since: 'ever' })
    const before = await sums()
    await setBudgets(yard.sql, { workflowId, total: { credits: 1e7, since: undefined } })

    expect(await foldSpend(yard.sql, 10_000)).to.equal(2_000)

    expect(await sums()).to.deep.equal(before)
    const [row] = await yard.sql<{ rows: number }[]>`
      select count(*)::int as rows from fetchyard.spend where workflow_id = ${workflowId}`
    expect(row?.rows).to.be.within(2, 20)
  })
})
