import { expect } from 'chai'
import { WORKER_BOUNDS } from '../../../workers/bounds.js'
import { makeItem, makeLoop, startLoop } from './support.js'

const turn = () => new Promise<void>((resolve) => setImmediate(resolve))

describe('workers/fetch-loop: how items and workers end', () => {
  describe('time', () => {
    it('ends an item whose time is over', async () => {
      const rig = await startLoop({ itemTimeoutMs: 5_000 })
      rig.dispatch(makeItem('wait'))
      rig.clock.advance(5_000)
      const [end] = await rig.settled(1)
      expect(end?.outcome).to.deep.equal({
        result: 'failed',
        code: 'timeout_total',
        message: 'the item took more than 5000 ms',
        facts: { durationMs: 5_000 },
      })
    })

    it('takes a result that comes within the grace', async () => {
      const rig = await startLoop({ itemTimeoutMs: 5_000 })
      rig.dispatch(makeItem('finish-late'))
      rig.clock.advance(5_000)
      const [end] = await rig.settled(1)
      expect(end?.outcome.result).to.equal('complete')
    })

    it('gives up the slot of a handler that ignores its abort', async () => {
      const rig = await startLoop({ itemTimeoutMs: 5_000, slots: 2 })
      const items = [makeItem('hang'), makeItem('wait'), makeItem('row')]
      rig.dispatch(...items)
      rig.tell({ type: 'abort', itemIds: [items[0]?.itemId ?? ''] })
      expect(await rig.settled(1)).to.have.length(1)
      rig.clock.advance(WORKER_BOUNDS.abortGraceMs)
      const ends = await rig.settled(2)
      expect(ends.map((end) => end.itemId)).to.deep.equal([items[0]?.itemId, items[2]?.itemId])
      expect((await rig.first('log')).message).to.contain('did not return')
    })

    it('ends an item although its handler never returns', async () => {
      const rig = await startLoop({ itemTimeoutMs: 5_000 })
      rig.dispatch(makeItem('hang'))
      rig.clock.advance(5_000)
      rig.clock.advance(WORKER_BOUNDS.abortGraceMs)
      const [end] = await rig.settled(1)
      expect(end?.outcome).to.include({ result: 'failed', code: 'timeout_total' })
    })

    it('drains by itself when as many handlers hang as there are slots', async () => {
      const rig = await startLoop({ itemTimeoutMs: 5_000, slots: 2 })
      rig.dispatch(makeItem('hang'), makeItem('hang'), makeItem('row'))
      rig.clock.advance(5_000)
      rig.clock.advance(WORKER_BOUNDS.abortGraceMs)
      expect(await rig.finished).to.equal(0)
      expect(await rig.settled(3)).to.have.length(3)
    })
  })

  describe('abort', () => {
    it('releases at once what runs and what waits, and ignores what it does not hold', async () => {
      const rig = await startLoop({ slots: 1 })
      const items = [makeItem('wait'), makeItem('row')]
      rig.dispatch(...items)
      rig.tell({ type: 'abort', itemIds: ['unknown', ...items.map((item) => item.itemId)] })
      const ends = await rig.settled(2)
      expect(
        ends.map((end) => end.outcome),
        'what ran may have cost something',
      ).to.deep.equal([{ result: 'release', facts: { durationMs: 0 } }, { result: 'release' }])
    })

    it('drops a result that comes after the release', async () => {
      const rig = await startLoop()
      const item = makeItem('finish-late')
      rig.dispatch(item)
      rig.tell({ type: 'abort', itemIds: [item.itemId] })
      await rig.settled(1)
      rig.tell({ type: 'drain', drainMs: 0 })
      expect(await rig.finished).to.equal(0)
      expect(await rig.settled(1)).to.have.length(1)
    })
  })

  describe('drain', () => {
    it('gives back what waits, finishes what runs, then ends with code 0', async () => {
      const rig = await startLoop({ slots: 1, itemTimeoutMs: 5_000 })
      const items = [makeItem('finish-late'), makeItem('row')]
      rig.dispatch(...items)
      rig.tell({ type: 'drain', drainMs: 30_000 })
      rig.dispatch(makeItem('row'))
      const results = (await rig.settled(2)).map((end) => end.outcome.result)
      expect(results).to.deep.equal(['release', 'release'])
      rig.clock.advance(5_000)
      expect(await rig.finished).to.equal(0)
      expect((await rig.settled(3))[2]?.outcome.result).to.equal('complete')
    })

    it('gives back the rest at its deadline, which a second drain may replace', async () => {
      const rig = await startLoop()
      rig.dispatch(makeItem('hang'))
      rig.tell({ type: 'drain', drainMs: 30_000 })
      rig.tell({ type: 'drain', drainMs: 1_000 })
      rig.clock.advance(1_000)
      expect(await rig.finished).to.equal(0)
      const facts = { durationMs: 1_000 }
      expect((await rig.settled(1))[0]?.outcome).to.deep.equal({ result: 'release', facts })
    })

    it('ends at once when nothing runs, also before setup', async () => {
      const idle = await startLoop()
      idle.tell({ type: 'drain', drainMs: 30_000 })
      expect(await idle.finished).to.equal(0)
      const unborn = makeLoop()
      unborn.tell({ type: 'drain', drainMs: 30_000 })
      expect(await unborn.finished).to.equal(0)
    })

    it('says nothing after it has finished', async () => {
      const rig = await startLoop()
      rig.dispatch(makeItem('wait'))
      rig.loop.halt(3)
      expect(await rig.finished).to.equal(3)
      const said = rig.messages.length
      rig.dispatch(makeItem('row'))
      rig.tell({ type: 'ping', sequence: 2 })
      rig.loop.halt(0)
      await turn()
      expect(rig.messages).to.have.length(said)
    })
  })
})
