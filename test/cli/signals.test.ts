import { EventEmitter } from 'node:events'
import { expect } from 'chai'
import { systemClock } from '../../src/core/clock.js'
import { listenForStop, NOT_STOPPING, planStop } from '../../supervisor/signals.js'

const nextTurn = () => new Promise((resolve) => setImmediate(resolve))

describe('supervisor/signals', () => {
  it('drains at the first trigger, halts at a second one that is no echo', () => {
    const first = planStop(NOT_STOPPING, 5_000)
    expect(first.stage).to.equal('drain')
    expect(planStop(first, 5_999).stage).to.equal('drain')
    const second = planStop(first, 6_000)
    expect(second.stage).to.equal('halt')
    expect(planStop(second, 9_000)).to.equal(second)
  })

  for (const trigger of ['SIGINT', 'SIGTERM', 'SIGHUP', 'shutdown'] as const) {
    it(`hears ${trigger} once though it comes twice, and acts in a turn of its own`, async () => {
      const source = new EventEmitter()
      let nowMs = 0
      const stop = listenForStop({ source, clock: { ...systemClock, nowMs: () => nowMs } })
      const seen: string[] = []
      stop.onRequest(({ stage, trigger: word }) => seen.push(`${word} ${stage}`))
      const emit = () =>
        trigger === 'shutdown' ? source.emit('message', trigger) : source.emit(trigger, trigger)

      emit()
      expect(seen).to.deep.equal([])
      emit()
      await nextTurn()
      expect(seen).to.deep.equal([`${trigger} drain`])
      nowMs = 1_000
      emit()
      await nextTurn()
      expect(seen).to.deep.equal([`${trigger} drain`, `${trigger} halt`])
      stop.close()
      expect(source.eventNames()).to.deep.equal([])
    })
  }

  it('ignores other messages, and tells a late listener at once', async () => {
    const source = new EventEmitter()
    const stop = listenForStop({ source, clock: systemClock })
    source.emit('message', { type: 'something' })
    await nextTurn()
    expect(stop.request()).to.equal(null)
    source.emit('message', 'shutdown')
    await nextTurn()
    const seen: string[] = []
    stop.onRequest(({ trigger }) => seen.push(trigger))
    expect(seen).to.deep.equal(['shutdown'])
    stop.close()
  })
})
