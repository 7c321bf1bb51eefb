import { expect } from 'chai'
import { Turns } from '../../../src/fetch/turns.js'

describe('fetch/turns', () => {
  it('runs as many tasks at once as it may, in order, and goes on after one that fails', async () => {
    const turns = new Turns(2)
    const started: number[] = []
    let running = 0
    let most = 0
    const task = (n: number) => async () => {
      started.push(n)
      running += 1
      most = Math.max(most, running)
      await new Promise((resolve) => setImmediate(resolve))
      running -= 1
      if (n % 3 === 0) throw new Error(`task ${n}`)
      return n
    }
    const ends = await Promise.allSettled(Array.from({ length: 9 }, (_, n) => turns.run(task(n))))
    expect(most).to.equal(2)
    expect(started).to.deep.equal([0, 1, 2, 3, 4, 5, 6, 7, 8])
    expect(ends.filter(({ status }) => status === 'rejected').length).to.equal(3)
    expect(await turns.run(async () => 'free again')).to.equal('free again')
  })
})
