import { expect } from 'chai'
import { createTicker } from '../../../supervisor/ticker.js'
import { createFakeClock, settled } from '../../support/fake-clock.js'

describe('createTicker', () => {
  it('runs at once, then again after the delay each run asks for', async () => {
    const clock = createFakeClock()
    let runs = 0
    const ticker = createTicker(clock, async () => {
      runs += 1
      return 100 * runs
    })
    expect(runs).to.equal(0)
    ticker.start()
    await clock.advance(99)
    expect(runs).to.equal(1)
    await clock.advance(1)
    expect(runs).to.equal(2)
    await clock.advance(199)
    expect(runs).to.equal(2)
    await clock.advance(1)
    expect(runs).to.equal(3)
    await ticker.stop()
    expect(clock.waiting()).to.deep.equal([])
  })

  it('starts once, however often it is told', async () => {
    const clock = createFakeClock()
    let runs = 0
    const ticker = createTicker(clock, async () => {
      runs += 1
      return 1_000
    })
    ticker.start()
    ticker.start()
    await settled()
    expect(runs).to.equal(1)
    await ticker.stop()
  })

  it('runs now when it is woken, and keeps one timer', async () => {
    const clock = createFakeClock()
    let runs = 0
    const ticker = createTicker(clock, async () => {
      runs += 1
      return 1_000
    })
    ticker.start()
    await settled()
    for (let n = 0; n < 5; n += 1) ticker.wake()
    await settled()
    expect(runs).to.be.within(2, 3)
    expect(clock.waiting()).to.have.length(1)
    await ticker.stop()
  })

  it('never runs twice at once, and once more after a run in which it was woken', async () => {
    const clock = createFakeClock()
    let open = () => {}
    let runs = 0
    const ticker = createTicker(clock, async () => {
      runs += 1
      await new Promise<void>((resolve) => {
        open = resolve
      })
      return 1_000
    })
    ticker.start()
    for (let n = 0; n < 5; n += 1) ticker.wake()
    await settled()
    expect(runs).to.equal(1)
    open()
    await settled()
    expect(runs).to.equal(2)
    open()
    await ticker.stop()
  })

  it('never loses a wake-up, at whatever moment of a run it comes', async () => {
    // The moment is counted in promise turns after the run has ended.
    for (let moment = 0; moment < 12; moment += 1) {
      const clock = createFakeClock()
      let runs = 0
      const ticker = createTicker(clock, async () => {
        runs += 1
        return 1_000
      })
      ticker.start()
      for (let turn = 0; turn < moment; turn += 1) await Promise.resolve()
      ticker.wake()
      await settled()
      expect(runs, `woken ${moment} turns after the start`).to.equal(2)
      expect(clock.waiting(), 'it goes on').to.have.length(1)
      await ticker.stop()
    }
  })

  it('lets the run under way end when it is stopped, and runs no more', async () => {
    const clock = createFakeClock()
    let open = () => {}
    let runs = 0
    const ticker = createTicker(clock, async () => {
      runs += 1
      await new Promise<void>((resolve) => {
        open = resolve
      })
      return 0
    })
    ticker.start()
    let isStopped = false
    const stopping = ticker.stop().then(() => {
      isStopped = true
    })
    ticker.wake()
    await settled()
    expect(isStopped).to.equal(false)
    open()
    await stopping
    await clock.advance(10_000)
    expect(runs).to.equal(1)
  })

  it('may be stopped before it starts, and twice', async () => {
    const clock = createFakeClock()
    const ticker = createTicker(clock, async () => 1)
    await ticker.stop()
    ticker.wake()
    await ticker.stop()
    expect(clock.waiting()).to.deep.equal([])
  })
})
