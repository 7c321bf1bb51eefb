// A random walk of nodes that reserve calls, begin them, settle them, are killed, and whose requests
// get lost or come late, on a real Postgres. After every step: no more was begun than the budget
// pays for, and whatever was begun is in the ledger or in a reserve.

import { expect } from 'chai'
import { randomInteger, seededRandom } from '../../src/core/random.js'
import type { HeldItem } from '../../src/core/settlement.js'
import { setBudgets } from '../../src/store/money.js'
import { cancelItems } from '../../src/store/operate.js'
import type { Store, WorkflowHandle } from '../../src/store/store.js'
import { createReserver, type Reserver } from '../../supervisor/reserver.js'
import { keys, useYard } from '../support/factory.js'
import { createFakeClock, type FakeClock } from '../support/fake-clock.js'
import { recordEvents } from '../support/fake-events.js'
import { databaseError } from '../support/fake-store.js'
import { settlement } from '../support/values.js'

const SEED = Number(process.env.FETCHYARD_SEED ?? Math.floor(Math.random() * 2 ** 31))
const BUDGET = 30
const STEPS = 200
const NODES = 3

type Fate = 'answered' | 'lost' | 'late' | 'never sent'

interface Walker {
  readonly nodeId: string
  readonly reserver: Reserver
  readonly clock: FakeClock
  /** Leased, not begun. */
  readonly held: HeldItem[]
  readonly begun: HeldItem[]
  fate: Fate
  /** The request under way. */
  asking: Promise<unknown>
}

class Walk {
  readonly #yard: ReturnType<typeof useYard>
  readonly #workflow: WorkflowHandle
  readonly #roll: (sides: number) => number
  readonly walkers: Walker[] = []
  /** Requests that were given up and reach the database later. */
  readonly #late: (() => Promise<unknown>)[] = []
  /** Calls that were begun, but for those that were settled as not charged. */
  billed = 0
  kills = 0
  begun = 0
  bookings = 0

  constructor(yard: ReturnType<typeof useYard>, workflow: WorkflowHandle, seed: number) {
    this.#yard = yard
    this.#workflow = workflow
    const random = seededRandom(seed)
    this.#roll = (sides) => randomInteger(random, { min: 0, max: sides - 1 })
  }

  async step(): Promise<void> {
    if (this.walkers.length < NODES) await this.#join()
    const walker = this.walkers[this.#roll(this.walkers.length)]
    if (walker === undefined) return
    const deeds = [
      () => this.#ask(walker),
      () => this.#ask(walker),
      () => this.#ask(walker),
      () => this.#begin(walker),
      () => this.#begin(walker),
      () => this.#begin(walker),
      () => this.#settle(walker),
      () => this.#settle(walker),
      () => this.#lease(walker),
      () => this.#arrive(),
      () => this.#arrive(),
      () => (this.#roll(6) === 0 ? this.#kill(walker) : this.#cancel(walker)),
      () => this.#yard.store.reclaimPacks(this.#workflow, 50),
    ]
    await deeds[this.#roll(deeds.length)]?.()
  }

  async #join(): Promise<void> {
    const nodeId = await this.#yard.node()
    const plans = JSON.stringify({ [this.#workflow.name]: 'plan' })
    await this.#yard.sql`
      update fetchyard.node set plans = ${plans}::text::jsonb where node_id = ${nodeId}`
    const clock = createFakeClock()
    const { store } = this.#yard
    const reserveCalls: Store['reserveCalls'] = (request) => {
      walker.asking = this.#travel(walker.fate, () => store.reserveCalls(request))
      return walker.asking as ReturnType<Store['reserveCalls']>
    }
    const walker: Walker = {
      ...{ nodeId, clock, held: [], begun: [], fate: 'answered', asking: Promise.resolve() },
      reserver: createReserver({
        ...{ store: { ...store, reserveCalls }, workflow: this.#workflow, nodeId, clock },
        events: recordEvents(),
        creditsPerCall: 1,
        inHand: () => ({
          open: walker.begun.length,
          startable: Math.min(walker.held.length, 1 + this.#roll(8)),
        }),
        onReserved: () => {},
      }),
    }
    this.walkers.push(walker)
    await this.#lease(walker)
    walker.reserver.start()
    await this.#answer(walker)
  }

  async #travel(fate: Fate, request: () => Promise<unknown>): Promise<unknown> {
    if (fate === 'answered') return request()
    if (fate === 'lost') await request()
    if (fate === 'late') this.#late.push(request)
    throw databaseError('CONNECTION_CLOSED')
  }

  async #answer(walker: Walker): Promise<void> {
    await walker.asking.catch(() => {})
    await walker.clock.advance(0)
  }

  async #ask(walker: Walker): Promise<void> {
    const fates = ['answered', 'answered', 'lost', 'late', 'late', 'never sent'] as const
    walker.fate = fates[this.#roll(fates.length)] ?? 'answered'
    await walker.clock.advance(1_000)
    await this.#answer(walker)
  }

  async #arrive(): Promise<void> {
    await this.#late.splice(this.#roll(this.#late.length + 1), 1)[0]?.()
  }

  async #lease({ nodeId, held }: Walker): Promise<void> {
    held.push(...(await this.#yard.hold(this.#workflow, nodeId, { itemsMax: 4 + this.#roll(6) })))
  }

  #begin({ reserver, held, begun }: Walker): void {
    for (let calls = this.#roll(9); calls > 0 && reserver.left() > 0; calls -= 1) {
      const item = held.shift()
      if (item === undefined) return
      reserver.noteStarts(1)
      begun.push(item)
      this.billed += 1
      this.begun += 1
    }
  }

  /** What is refused is booked, as the settler does. */
  async #settle({ nodeId, begun }: Walker): Promise<void> {
    const [item] = begun
    if (item === undefined) return
    const credits = this.#roll(2)
    const done = await this.#yard.settle(this.#workflow, nodeId, [settlement(item, { credits })])
    const { workflowId } = this.#workflow
    this.bookings += 1
    const booking = { nodeId, workflowId, booking: this.bookings, items: 1 }
    const bill = { ...booking, calls: credits, credits, unsure: 0 }
    if (done.length === 0) await this.#yard.store.bookRefused(bill)
    begun.shift()
    this.billed -= 1 - credits
  }

  /** Its calls go on, and are billed. */
  async #kill(walker: Walker): Promise<void> {
    this.kills += 1
    await walker.reserver.stop()
    this.walkers.splice(this.walkers.indexOf(walker), 1)
    await this.#yard.store.fenceNode({ nodeId: walker.nodeId, reason: 'a test' })
  }

  async #cancel({ begun }: Walker): Promise<void> {
    const item = begun[this.#roll(begun.length + 1)]
    if (item === undefined) return
    const choice = { workflowId: this.#workflow.workflowId, binding: null, reason: 'a test' }
    await cancelItems(this.#yard.sql, { ...choice, keys: [item.itemKey] })
  }

  async end(): Promise<void> {
    for (const walker of [...this.walkers]) {
      while (walker.begun.length > 0) await this.#settle(walker)
      await this.#kill(walker)
    }
    while ((await this.#yard.store.reclaimPacks(this.#workflow, 50)).packs > 0);
  }
}

describe(`store/reserve, walked (FETCHYARD_SEED=${SEED})`, () => {
  const yard = useYard()

  const books = async ({ workflowId }: WorkflowHandle) => {
    const [row] = await yard.sql<{ spent: number; reserved: number }[]>`
      select (select coalesce(sum(credits), 0) from fetchyard.spend
               where workflow_id = ${workflowId})::int as spent,
             (select coalesce(sum(calls * credits_each), 0) from fetchyard.reserve
               where workflow_id = ${workflowId})::int as reserved`
    return row ?? { spent: 0, reserved: 0 }
  }

  /** What each node has reserved. */
  const reserves = async ({ workflowId }: WorkflowHandle) => {
    const rows = await yard.sql<{ node_id: string; calls: number }[]>`
      select node_id, calls from fetchyard.reserve where workflow_id = ${workflowId}`
    return new Map(rows.map((row) => [row.node_id, row.calls]))
  }

  for (let n = 0; n < 3; n += 1) {
    it(`keeps to the budget and loses no call in any order of things, walk ${n}`, async () => {
      const workflow = await yard.workflow()
      const { workflowId } = workflow
      await setBudgets(yard.sql, { workflowId, total: { credits: BUDGET } })
      for (const key of keys(120)) await yard.enqueue(workflow, [key])
      const walk = new Walk(yard, workflow, SEED + n)
      for (let step = 0; step < STEPS; step += 1) {
        await walk.step()
        const { spent, reserved } = await books(workflow)
        const of = await reserves(workflow)
        const left = walk.walkers.reduce((sum, { reserver }) => sum + reserver.left(), 0)
        const at = `step ${step}: ${JSON.stringify({ spent, reserved, left, billed: walk.billed })}`
        expect(walk.billed, `covered by the books, ${at}`).to.be.at.most(spent + reserved)
        for (const { nodeId, begun, reserver } of walk.walkers) {
          const own = of.get(nodeId) ?? 0
          expect(begun.length + reserver.left(), `reserved, ${at}`).to.be.at.most(own)
        }
        expect(walk.billed + left, `paid for by the budget, ${at}`).to.be.at.most(BUDGET)
      }
      await walk.end()
      const { spent, reserved } = await books(workflow)
      expect(reserved, 'nothing is reserved for the dead').to.equal(0)
      expect(walk.billed).to.be.at.most(spent)
      expect(walk.begun, 'work was done').to.be.above(0)
      expect(walk.kills, 'nodes were killed').to.be.at.least(NODES)
    })
  }
})
