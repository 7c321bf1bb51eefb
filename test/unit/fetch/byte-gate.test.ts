import { expect } from 'chai'
import fc from 'fast-check'
import { ByteGate } from '../../../src/fetch/byte-gate.js'

const nothing = () => {}
const microtasks = () => new Promise<void>((resolve) => queueMicrotask(resolve))

describe('fetch/byte-gate', () => {
  it('holds back the newer reader when the bound is exceeded, never the oldest', async () => {
    const gate = new ByteGate(100)
    const [oldest, newer] = [{}, {}]
    const woken: string[] = []
    expect(gate.add(oldest, 60, nothing)).to.equal(true)
    expect(gate.add(newer, 60, () => woken.push('newer'))).to.equal(false)
    expect(gate.add(oldest, 60, nothing)).to.equal(true)
    gate.release(oldest)
    await microtasks()
    expect(woken).to.deep.equal(['newer'])
    expect(gate.bytesHeld).to.equal(60)
  })

  it('wakes the next oldest although the bound is still exceeded', async () => {
    const gate = new ByteGate(10)
    const readers = [{}, {}, {}]
    const woken: number[] = []
    for (const [n, reader] of readers.entries()) gate.add(reader, 20, () => woken.push(n))
    gate.release(readers[0] ?? {})
    await microtasks()
    expect(woken).to.deep.equal([1])
    gate.release(readers[1] ?? {})
    await microtasks()
    expect(woken).to.deep.equal([1, 2])
  })

  it('always lets somebody go on, and ends with nothing held', async () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 8 })
    await fc.assert(
      fc.asyncProperty(fc.array(sizes, { minLength: 1, maxLength: 8 }), async (bodies) => {
        const gate = new ByteGate(60)
        const readers = bodies.map((chunks) => ({ left: [...chunks], isPaused: false }))
        // Bounded by the chunks there are: each turn of a reader takes one or ends it.
        for (let turn = 0; turn < 200; turn += 1) {
          const ready = readers.filter((reader) => !reader.isPaused)
          if (readers.length > 0) expect(ready.length).to.be.greaterThan(0)
          for (const reader of ready) {
            const bytes = reader.left.shift()
            if (bytes === undefined) {
              gate.release(reader)
              readers.splice(readers.indexOf(reader), 1)
              continue
            }
            reader.isPaused = !gate.add(reader, bytes, () => {
              reader.isPaused = false
            })
          }
          await microtasks()
        }
        expect(readers).to.deep.equal([])
        expect(gate.bytesHeld).to.equal(0)
      }),
      { numRuns: 50 },
    )
  })
})
