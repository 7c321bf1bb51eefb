import { expect } from 'chai'
import type { FromWorker, SettledItem } from '../../../src/actor/messages.js'
import { LIMITS } from '../../../src/core/limits.js'
import { Outbox } from '../../../workers/outbox.js'

const ended = (rows = 0): SettledItem => ({
  itemId: 'i',
  packId: 'p',
  leaseId: 'l',
  outcome: {
    result: 'complete',
    rows: { found: Array.from({ length: rows }, () => ({})) },
    facts: { durationMs: 1 },
  },
})

function makeOutbox() {
  const sizes: number[] = []
  const deferred: (() => void)[] = []
  const send = (message: FromWorker) => {
    if (message.type === 'settled') sizes.push(message.items.length)
  }
  const outbox = new Outbox(send, (run) => deferred.push(run))
  const runDeferred = () => {
    for (const run of deferred.splice(0)) run()
  }
  return { outbox, sizes, deferred, runDeferred }
}

describe('workers/outbox', () => {
  it('sends the ends of a turn together, once', () => {
    const { outbox, sizes, deferred, runDeferred } = makeOutbox()
    for (let n = 0; n < 5; n += 1) outbox.add(ended())
    expect(sizes).to.deep.equal([])
    expect(deferred).to.have.length(1)
    runDeferred()
    outbox.flush()
    expect(sizes).to.deep.equal([5])
  })

  it('sends a full message at once, by items or by rows', () => {
    const { outbox, sizes, runDeferred } = makeOutbox()
    for (let n = 0; n < LIMITS.settleItemsMax + 1; n += 1) outbox.add(ended())
    expect(sizes).to.deep.equal([LIMITS.settleItemsMax])
    outbox.add(ended(LIMITS.resultRowsMax))
    runDeferred()
    expect(sizes).to.deep.equal([LIMITS.settleItemsMax, 2])
  })
})
