import { expect } from 'chai'
import { readHistory, readNearbyKeys } from '../../src/store/history.js'
import { useYard } from '../support/factory.js'
import { nextTry, settlement } from '../support/values.js'

describe('the history of an item', () => {
  const yard = useYard()

  it('tells every attempt, its supervisor and its words, oldest first', async () => {
    const { workflow, nodeId, first } = await yard.leased()
    const { workflowId } = workflow
    const error = 'worker flow-1 (pid 7) died of SIGSEGV'
    await yard.settle(workflow, nodeId, [
      settlement(first, {
        ...{ event: 'reclaim', code: 'worker_lost', error, httpStatus: null, durationMs: null },
        next: nextTry({ crashes: 1 }),
      }),
    ])
    const [again] = await yard.hold(workflow, nodeId)
    if (again === undefined) throw new Error('the item is ready again')
    const [processing] = await readHistory(yard.sql, { workflowId, key: first.itemKey })
    await yard.complete(workflow, nodeId, [again])
    const [round, ...others] = await readHistory(yard.sql, { workflowId, key: first.itemKey })

    expect(processing).to.include({ state: 'Processing', leaseHolder: 'node', attempt: 0 })
    expect(processing?.leaseId).to.equal(again.leaseId)
    expect(others).to.deep.equal([])
    expect(round).to.include({ round: 1, state: 'Complete', leaseId: null, readyAt: null })
    const node = { name: 'node', pid: 42, host: 'host' }
    const ends = round?.attempts.map(({ endedAt, ...end }) => {
      expect(Date.parse(endedAt)).to.be.a('number').and.not.NaN
      return end
    })
    expect(ends).to.deep.equal([
      {
        ...{ attempt: 1, status: 'reclaimed', code: 'worker_lost', error, node },
        ...{ httpStatus: null, durationMs: null, leaseId: first.leaseId },
      },
      {
        ...{ attempt: 1, status: 'success', code: 'ok', error: null, node },
        ...{ httpStatus: 200, durationMs: 12, leaseId: again.leaseId },
      },
    ])
  })

  it('has the latest round first, and says who lost an item and why', async () => {
    const { workflow, nodeId, first } = await yard.leased()
    const { workflowId } = workflow
    await yard.complete(workflow, nodeId, [first])
    await yard.enqueue(workflow, [first.itemKey], { again: 'when-finished' })
    const other = await yard.node({ name: 'other' })
    await yard.hold(workflow, nodeId)
    await yard.expire(nodeId)
    await yard.fenceExpired(other)
    await yard.store.reclaimPacks(workflow, 10)

    const rounds = await readHistory(yard.sql, { workflowId, key: first.itemKey })
    expect(rounds.map(({ round, state }) => [round, state])).to.deep.equal([
      [2, 'Queued'],
      [1, 'Complete'],
    ])
    expect(rounds[0]?.attempts[0]?.error).to.match(
      /^supervisor node \(pid 42 on host\) was lost: its lease ran out at \S+Z; fenced by other \(pid 42 on host\)$/,
    )
  })

  it('knows nothing of a key that was never enqueued, but its neighbours', async () => {
    const workflow = await yard.workflow()
    const { workflowId } = workflow
    const keys = ["o'neil; --", 'https://a.example/ü?x=%20', '-odd', 'b', 'b '].toSorted()
    await yard.enqueue(workflow, keys)
    for (const key of keys) {
      expect(await readHistory(yard.sql, { workflowId, key }), key).to.have.lengthOf(1)
    }
    expect(await readHistory(yard.sql, { workflowId, key: 'bb' })).to.deep.equal([])
    const nearby = await readNearbyKeys(yard.sql, { workflowId, key: 'bb' })
    expect(nearby.toSorted()).to.deep.equal(keys)
  })
})
