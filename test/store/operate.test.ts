import { expect } from 'chai'
import { cancelItems, promoteItems } from '../../src/store/operate.js'
import type { WorkflowHandle } from '../../src/store/store.js'
import { keys, useYard } from '../support/factory.js'
import { nextTry, settlement } from '../support/values.js'
import { behind } from './support/locks.js'

describe('store/operate', () => {
  const yard = useYard()

  const cancel = (workflow: WorkflowHandle, chosen: readonly string[] | null) =>
    cancelItems(yard.sql, { ...workflow, keys: chosen, reason: 'asked for by a test' })
  const promote = (workflow: WorkflowHandle, chosen: readonly string[] | null) =>
    promoteItems(yard.sql, { ...workflow, keys: chosen })

  describe('cancelItems', () => {
    it('ends items that wait, with a receipt, and leaves their neighbours', async () => {
      const workflow = await yard.workflow()
      await yard.enqueue(workflow, keys(5))

      expect(await cancel(workflow, ['key-2', 'key-4', 'nobody'])).to.equal(2)

      expect(await yard.words(workflow)).to.deep.equal({
        'key-1': 'Queued',
        'key-2': 'Cancelled',
        'key-3': 'Queued',
        'key-4': 'Cancelled',
        'key-5': 'Queued',
      })
      const [receipt] = await yard.receipts(workflow)
      expect(receipt).to.include({
        status: 'cancelled',
        outcome_code: 'cancelled',
        error: 'asked for by a test',
        lease_id: '0',
      })
      expect(await yard.tally(workflow)).to.deep.equal({ enqueue: 5, cancel: 2 })
    })

    it('ends an item that is being worked, whose outcome is then refused', async () => {
      const { workflow, nodeId, held } = await yard.leased(3)

      expect(await cancel(workflow, ['key-2'])).to.equal(1)

      const applied = await yard.complete(workflow, nodeId, held)
      expect(applied).to.have.length(2)
      const [, second] = held
      expect(applied).to.not.include(second?.itemId)
      expect(await yard.store.findReceipts(held)).to.not.include(second?.itemId)
      expect(await yard.words(workflow)).to.include({ 'key-1': 'Complete', 'key-2': 'Cancelled' })
    })

    it('ends everything that is not finished, over many packs', async () => {
      const { workflow, nodeId, held, first } = await yard.leased(3)
      await yard.complete(workflow, nodeId, [first])
      for (let n = 0; n < 450; n += 1) await yard.enqueue(workflow, [`single-${n}`])

      expect(await cancel(workflow, null)).to.equal(held.length - 1 + 450)

      expect(await yard.packs(workflow)).to.deep.equal([])
      expect(await cancel(workflow, null)).to.equal(0)
    })

    it('misses what a settle under way takes, and changes nothing behind its back', async () => {
      const { workflow, nodeId, held, first } = await yard.leased(2)
      const lock = (sql: typeof yard.sql) =>
        sql`select from fetchyard.work_queue where pack_id = ${first.packId} for update`
      // Both wait for the pack; whoever comes second finds it as the first one left it.
      const [applied, cancelled] = await behind(
        yard.sql,
        lock,
        () => Promise.all([yard.complete(workflow, nodeId, held), cancel(workflow, null)]),
        2,
      )
      expect(applied.length + cancelled).to.equal(2)
      expect(await yard.receipts(workflow)).to.have.length(2)
    })

    it('writes the word of a bound row', async () => {
      await yard.sql`
        create table public.cancel_rows (id integer primary key, status text, url text)`
      const source = {
        table: 'public.cancel_rows',
        key: 'id',
        keyType: 'integer' as const,
        status: 'status',
        payload: ['url'],
      }
      const workflow = await yard.workflow({ source })
      await yard.sql`
        insert into public.cancel_rows values (1, 'Queued', 'a'), (2, 'Queued', 'b')`

      expect(await cancel(workflow, ['2'])).to.equal(1)

      const rows = await yard.sql`select id, status from public.cancel_rows order by id`
      expect([...rows]).to.deep.equal([
        { id: 1, status: 'Queued' },
        { id: 2, status: 'Cancelled' },
      ])
    })
  })

  describe('promoteItems', () => {
    it('makes delayed items ready now, with their counts', async () => {
      const { workflow, nodeId, held } = await yard.leased(4)
      await yard.settle(
        workflow,
        nodeId,
        held.map((item) =>
          settlement(item, {
            event: 'retry',
            code: 'http_5xx',
            next: nextTry({ attempt: 1, delayMs: 60_000 }),
          }),
        ),
      )
      expect(await yard.words(workflow)).to.include({ 'key-1': 'Delayed', 'key-3': 'Delayed' })

      expect(await promote(workflow, ['key-1', 'key-3'])).to.equal(2)

      expect(await yard.words(workflow)).to.deep.equal({
        'key-1': 'Queued',
        'key-2': 'Delayed',
        'key-3': 'Queued',
        'key-4': 'Delayed',
      })
      const again = await yard.hold(workflow, nodeId)
      expect(again.map(({ itemKey, attempt }) => `${itemKey} ${attempt}`)).to.deep.equal([
        'key-1 1',
        'key-3 1',
      ])
    })

    it('leaves what is ready or being worked alone', async () => {
      const { workflow } = await yard.leased(2)
      await yard.enqueue(workflow, ['waits'])

      expect(await promote(workflow, null)).to.equal(0)

      expect(await yard.words(workflow)).to.include({ 'key-1': 'Processing', waits: 'Queued' })
    })
  })

  // Its node lives, its lease ran past its deadline: the reclaimer's receipt is no proof that the
  // lost settle took effect.
  it('does not take a reclaim for the answer to a settle', async () => {
    const workflow = await yard.workflow()
    const nodeId = await yard.node()
    await yard.enqueue(workflow, keys(1))
    const held = await yard.hold(workflow, nodeId, { deadlineMs: -1 })
    expect(await yard.store.reclaimPacks(workflow, 50)).to.deep.equal({ packs: 1, items: 1 })

    expect(await yard.complete(workflow, nodeId, held)).to.deep.equal([])
    expect([...(await yard.store.findReceipts(held))]).to.deep.equal([])
  })
})
