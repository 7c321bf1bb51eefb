import { expect } from 'chai'
import type { ChoreStore } from '../../../src/store/chore-store.js'
import type { AnyEvent } from '../../../src/telemetry/events.js'
import { createEventBus } from '../../../src/telemetry/events.js'
import { createRemover, type Keep } from '../../../supervisor/remover.js'
import { createFakeClock } from '../../support/fake-clock.js'
import { IDLE_CHORES } from '../../support/idle-chores.js'

const KEEP: Keep = { receiptsMs: 1_000, itemsMs: 2_000 }

/** Chores whose turn is always free; every call is written down. */
function setUp(given: Partial<ChoreStore> = {}, keep: Keep = KEEP) {
  const clock = createFakeClock()
  const calls: string[] = []
  const heard: AnyEvent[] = []
  const events = createEventBus()
  events.subscribe((event) => heard.push(event))
  const chores: ChoreStore = {
    ...IDLE_CHORES,
    takeTurn: async ({ chore }) => {
      calls.push(`take ${chore}`)
      return true
    },
    endTurn: async ({ chore, rows, failure }) => {
      calls.push(`end ${chore}: ${failure ?? rows}`)
    },
    remove: async (chore, { keepMs }) => {
      calls.push(`remove ${chore} ${keepMs}`)
      return { isOurs: true, rows: 0 }
    },
    ...given,
  }
  const remover = createRemover({ chores, nodeId: 'n', keep, clock, events })
  return { clock, calls, heard, remover }
}

/** Time enough for a round with its rests, and not for a second one. */
const ROUND_MS = 5_000

describe('remover', () => {
  it('goes through all chores, each within a turn, by the age that is its own', async () => {
    const { clock, calls, remover } = setUp()
    remover.start()
    await clock.advance(ROUND_MS)
    expect(calls).to.deep.equal([
      ...['take receipts', 'end receipts: 0'],
      ...['take runs', 'remove runs 2000', 'end runs: 0'],
      ...['take items', 'end items: 0'],
      ...['take events', 'remove events 1000', 'end events: 0'],
      ...['take nodes', 'remove nodes 1000', 'end nodes: 0'],
    ])
    await remover.stop()
  })

  it('touches nothing that is to be kept for ever', async () => {
    const { clock, calls, remover } = setUp({}, { receiptsMs: null, itemsMs: null })
    remover.start()
    await clock.advance(ROUND_MS)
    expect(calls).to.deep.equal([])
    await remover.stop()
  })

  it('moves a partition page by page, then drops it, and says so', async () => {
    const moved: number[] = []
    const { clock, heard, remover } = setUp({
      findOldReceipts: async () => [
        { partition: 'processing_log_20200101', pages: 130, isRest: false },
        { partition: 'processing_log_rest', pages: 1, isRest: true },
      ],
      moveEndings: async ({ fromPage }) => {
        moved.push(fromPage)
        return { isOurs: true, rows: 10 }
      },
      dropReceipts: async () => 'dropped',
    })
    remover.start()
    await clock.advance(ROUND_MS)
    expect(moved).to.deep.equal([0, 64, 128, 0])
    const [said] = heard.filter(({ name }) => name === 'housekeeping.removed')
    expect(said).to.include({ chore: 'receipts', rows: 40, partitions: 1 })
    await remover.stop()
  })

  it('drops nothing of a chore whose turn it lost', async () => {
    let drops = 0
    const { clock, calls, remover } = setUp({
      findOldReceipts: async () => [
        { partition: 'processing_log_20200101', pages: 1, isRest: false },
      ],
      moveEndings: async () => ({ isOurs: false, rows: 0 }),
      dropReceipts: async () => {
        drops += 1
        return 'dropped'
      },
    })
    remover.start()
    await clock.advance(ROUND_MS)
    expect(drops).to.equal(0)
    expect(calls).to.include('end receipts: 0')
    await remover.stop()
  })

  it('says what failed, goes on with the next chore, and comes back', async () => {
    const { clock, calls, heard, remover } = setUp({
      findOldReceipts: async () => {
        throw new Error('the disk is full')
      },
    })
    remover.start()
    await clock.advance(ROUND_MS)
    expect(heard).to.deep.include({
      name: 'housekeeping.failed',
      message: 'receipts: the disk is full',
    })
    expect(calls).to.include('end receipts: the disk is full').and.include('take items')
    await clock.advance(60_000)
    expect(calls.filter((call) => call === 'take receipts')).to.have.length(2)
    await remover.stop()
  })

  it('rests between slices as long as the last one took, and stops after one', async () => {
    const SLICE_MS = 300
    const began: number[] = []
    const { clock, remover } = setUp({
      retireItems: async () => {
        began.push(clock.nowMs())
        clock.jump(SLICE_MS)
        return { isOurs: true, rows: 1, next: { endedAt: '2020-01-01', itemId: '1' } }
      },
    })
    remover.start()
    for (let turn = 0; turn < 40; turn += 1) await clock.advance(100)
    const gaps = began.slice(1).map((at, index) => at - (began[index] ?? 0))
    expect(gaps).to.have.length.greaterThan(2)
    expect(Math.min(...gaps)).to.be.at.least(2 * SLICE_MS)
    await remover.stop()
    const atStop = began.length
    await clock.advance(60_000)
    expect(began).to.have.length(atStop)
  })
})
