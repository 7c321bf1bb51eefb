import { expect } from 'chai'
import type { SinkDefinition } from '../../src/core/definition.js'
import { useYard } from '../support/factory.js'
import { settlement } from '../support/values.js'
import { behind, untilBlocked } from './support/locks.js'

describe('settleItems, when others are at it', () => {
  const yard = useYard()

  it('applies each item once when two settles of one pack meet', async () => {
    const { workflow, nodeId, held, first } = await yard.leased(10)
    const lock = (sql: typeof yard.sql) =>
      sql`select from fetchyard.work_queue where pack_id = ${first.packId} for update`
    const [one, two] = await behind(
      yard.sql,
      lock,
      () =>
        Promise.all([
          yard.complete(workflow, nodeId, held.slice(0, 6)),
          yard.complete(workflow, nodeId, held.slice(4)),
        ]),
      2,
    )
    expect([...one, ...two].sort()).to.deep.equal(held.map(({ itemId }) => itemId).sort())
    expect(await yard.packs(workflow)).to.deep.equal([])
    expect(await yard.receipts(workflow)).to.have.length(10)
  })

  it('finds nothing to take behind a settle that took everything', async () => {
    const { workflow, nodeId, held, first } = await yard.leased(4)
    const lock = (sql: typeof yard.sql) =>
      sql`select from fetchyard.work_queue where pack_id = ${first.packId} for update`
    const both = await behind(
      yard.sql,
      lock,
      () =>
        Promise.all([yard.complete(workflow, nodeId, held), yard.complete(workflow, nodeId, held)]),
      2,
    )
    expect(both.map((applied) => applied.length).sort()).to.deep.equal([0, 4])
  })

  it('writes nothing behind a reclaim that came first', async () => {
    const { workflow, nodeId, held, first } = await yard.leased(3)
    const reclaim = (sql: typeof yard.sql) => sql`
      update fetchyard.work_queue
         set lease_id = null, node_id = null, leased_at = null, deadline = null,
             crashes = crashes + 1
       where pack_id = ${first.packId}`
    const applied = await behind(yard.sql, reclaim, () => yard.complete(workflow, nodeId, held))
    expect(applied).to.deep.equal([])
    expect(await yard.receipts(workflow)).to.deep.equal([])
    expect((await yard.packs(workflow))[0]).to.include({ crashes: 1, lease_id: null })
  })

  it('takes what is left behind a settle that shrank the pack', async () => {
    const { workflow, nodeId, held, first } = await yard.leased(3)
    const [one, two, three] = held.map(({ itemId }) => itemId)
    const shrink = async (sql: typeof yard.sql) => {
      await sql`
        update fetchyard.work_queue set item_ids = array[${two ?? ''}::bigint, ${three ?? ''}::bigint]
         where pack_id = ${first.packId}`
      await sql`
        insert into fetchyard.processing_log (item_id, lease_id, workflow_id, attempt, status, outcome_code, item_key)
        values (${one ?? ''}, ${first.leaseId}, ${workflow.workflowId}, 1, 'success', 'ok', 'key-1')`
    }
    const applied = await behind(yard.sql, shrink, () => yard.complete(workflow, nodeId, held))
    expect(applied).to.deep.equal([two, three])
  })

  it('is passed by a reclaimer while it is under way: the settle wins', async () => {
    await yard.sql`create table public.slow_results (result_key text primary key)`
    const sink: SinkDefinition = {
      table: 'slow_results',
      columns: { result_key: 'text' },
      key: ['result_key'],
    }
    const { workflow, nodeId, first } = await yard.leased(1, { sinks: { results: sink } })
    const row = { result_key: 'contested' }
    let settling: Promise<readonly string[]> | null = null
    await yard.sql.begin(async (other) => {
      // Its uncommitted row makes the settle wait in the middle, with the pack's lock in hand.
      await other`insert into public.slow_results values ('contested')`
      settling = yard.settle(workflow, nodeId, [settlement(first, { rows: { results: [row] } })])
      await untilBlocked(yard.sql)
      await yard.store.fenceNode({ nodeId, reason: 'test' })
      const reclaimed = await yard.store.reclaimPacks(workflow, 50)
      expect(reclaimed).to.deep.equal({ packs: 0, items: 0 })
    })
    expect(await settling).to.deep.equal([first.itemId])
    expect(await yard.packs(workflow)).to.deep.equal([])
  })

  it('survives many settles of the same packs and rows at once without a deadlock', async () => {
    await yard.sql`create table public.shared_results (name text primary key, seen bigint)`
    const sink: SinkDefinition = {
      table: 'shared_results',
      columns: { name: 'text' },
      key: ['name'],
      onConflict: 'update',
      leaseColumn: 'seen',
    }
    const { workflow, nodeId, held } = await yard.leased(120, { sinks: { results: sink } })
    const names = Array.from({ length: 10 }, (_, index) => ({ name: `name-${index}` }))
    const parts = Array.from({ length: 6 }, (_, part) =>
      held.filter((_item, index) => index % 6 === part || index % 7 === part),
    )
    const applied = await Promise.all(
      parts.map((part, index) =>
        yard.settle(
          workflow,
          nodeId,
          part.map((item) =>
            settlement(item, {
              rows: { results: index % 2 === 0 ? names : names.toReversed() },
            }),
          ),
        ),
      ),
    )
    const all = applied.flat()
    expect(all).to.have.length(120)
    expect(new Set(all)).to.have.property('size', 120)
  })
})
