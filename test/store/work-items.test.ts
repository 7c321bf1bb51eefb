import { expect } from 'chai'
import { useYard } from '../support/factory.js'
import { nextTry, settlement } from '../support/values.js'

interface ViewRow {
  readonly status: string | null
  readonly attempt: number
  readonly round: number
  readonly lease_holder: string | null
  readonly lease_id: string | null
  readonly is_leased_ahead: boolean | null
  readonly outcome_code: string | null
  readonly http_status: number | null
  readonly last_error: string | null
}

describe('the view work_items', () => {
  const yard = useYard()
  const rowsOf = (workflow: string) => yard.sql<ViewRow[]>`
    select status, attempt, round, lease_holder, lease_id, outcome_code, http_status, last_error,
           lease_expires_at > now() as is_leased_ahead
      from fetchyard.work_items where workflow = ${workflow} order by item_id`

  it('tells an item’s life in words: Queued, Processing, Delayed, Queued, Processing, Complete', async () => {
    const workflow = await yard.workflow()
    const nodeId = await yard.node({ name: 'holder' })
    await yard.enqueue(workflow, ['a'])
    const now = async () => (await rowsOf(workflow.name))[0]
    expect(await now()).to.include({ status: 'Queued', attempt: 0, lease_holder: null })
    const [first] = await yard.hold(workflow, nodeId)
    if (first === undefined) throw new Error('nothing was leased')
    expect(await now()).to.include({
      ...{ status: 'Processing', lease_holder: 'holder', lease_id: first.leaseId },
      is_leased_ahead: true,
    })
    const next = nextTry({ attempt: 1, delayMs: 60_000 })
    const retry = {
      event: 'retry',
      code: 'http_5xx',
      httpStatus: 503,
      error: 'down',
      next,
    } as const
    await yard.settle(workflow, nodeId, [settlement(first, retry)])
    expect(await now()).to.include({
      ...{ status: 'Delayed', attempt: 1, outcome_code: 'http_5xx', http_status: 503 },
      ...{ last_error: 'down', lease_id: null },
    })
    await yard.makeDue(workflow)
    expect(await now()).to.include({ status: 'Queued' })
    await yard.complete(workflow, nodeId, await yard.hold(workflow, nodeId))
    expect(await now()).to.include({ status: 'Complete', attempt: 2, outcome_code: 'ok' })
  })

  it('shows every round as a row of its own', async () => {
    const { workflow, nodeId, held } = await yard.leased(1)
    await yard.complete(workflow, nodeId, held)
    await yard.enqueue(workflow, ['key-1'], { again: 'when-finished' })
    const rows = await rowsOf(workflow.name)
    expect(rows.map(({ round, status }) => [round, status])).to.deep.equal([
      [1, 'Complete'],
      [2, 'Queued'],
    ])
  })
})
