// The store of one simulated node: connections to the simulated database over which statements and
// answers travel, get lost, come late, or find nobody.

import { NO_RECORD } from '../../src/core/cohort-figures.js'
import type { Store, StoredDefinition, WorkflowHandle } from '../../src/store/store.js'
import { IDLE_CHORES, IDLE_SCHEDULES } from '../support/idle-chores.js'
import type { Dice } from './dice.js'
import type { SimDatabase } from './sim-database.js'
import { DatabaseError } from './sim-database.js'
import type { SimProcess } from './sim-process.js'
import type { Witness } from './witness.js'
import type { World } from './world.js'

/** Silence after which a node gives a connection up, as in supervisor/node.ts. */
export const WORK_SILENCE_MS = 30_000
const HEARTBEAT_SILENCE_MS = 10_000
const FAILURES = ['57P01', '40P01', '40001', '53300', 'CONNECTION_CLOSED', 'ECONNRESET'] as const
const LOSSES = ['CONNECTION_CLOSED', 'ECONNRESET', '57P01', 'CONNECTION_DESTROYED'] as const

/** What of a node does not reach the database for now. */
export interface Cut {
  what: 'nothing' | 'heartbeats' | 'all'
  isSilent: boolean
}

export interface SimStoreParts {
  readonly world: World
  readonly database: SimDatabase
  readonly process: SimProcess
  readonly dice: Dice
  readonly witness: Witness
  readonly nodeId: string
  /** Whether the network between this node and the database is broken for now. */
  readonly cut: Cut
  /** Connections for everything but heartbeats, which have one of their own. */
  readonly poolMax: number
}

/** Connections of one pool: a statement has one to itself until it is answered. */
class Pool {
  readonly silenceMs: number
  #free: number
  readonly #waiting: (() => void)[] = []

  constructor(max: number, silenceMs: number) {
    this.#free = max
    this.silenceMs = silenceMs
  }

  take(use: () => void): void {
    if (this.#free === 0) {
      this.#waiting.push(use)
      return
    }
    this.#free -= 1
    use()
  }

  give(): void {
    const next = this.#waiting.shift()
    if (next === undefined) this.#free += 1
    else next()
  }
}

interface Statement<Answer> {
  readonly name: string
  readonly effect: () => Answer
  readonly pool: Pool
  readonly resolve: (answer: Answer) => void
  readonly reject: (error: unknown) => void
}

type Result<Answer> = { readonly answer: Answer } | { readonly error: unknown }

class Line {
  readonly #parts: SimStoreParts
  #underWay = 0

  constructor(parts: SimStoreParts) {
    this.#parts = parts
  }

  get underWay(): number {
    return this.#underWay
  }

  call<Answer>(pool: Pool, name: string, effect: () => Answer): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.#underWay += 1
      pool.take(() => this.#send({ name, effect, pool, resolve, reject }))
    })
  }

  #send<Answer>(statement: Statement<Answer>): void {
    const { database, dice, witness } = this.#parts
    const { weather, epoch } = database
    witness.figures.statements += 1
    witness.note(`${this.#parts.nodeId} sends ${statement.name}`)
    if (weather.isAway) return this.#findNobody(statement, weather.isSilent)
    if (this.#isCut(statement)) return this.#findNobody(statement, this.#parts.cut.isSilent)
    const thereMs = this.#travelMs()
    const backMs = this.#travelMs()
    if (dice.chance(weather.failedShare)) {
      return this.#fail(statement, thereMs + backMs, dice.pick(FAILURES))
    }
    const isLost = dice.chance(weather.lostShare)
    if (isLost && weather.lateMs > 0 && dice.chance(0.5)) {
      this.#fail(statement, thereMs, dice.pick(LOSSES))
      this.#takeEffect(statement, { delayMs: dice.between(0, weather.lateMs), epoch }, () => {})
      return
    }
    this.#takeEffect(statement, { delayMs: thereMs, epoch }, (result) => {
      if (isLost) this.#fail(statement, backMs, dice.pick(LOSSES))
      else this.#bringBack(statement, { result, backMs, epoch })
    })
    // A statement that is under way when the connection is given up may still commit.
    if (thereMs + backMs > statement.pool.silenceMs) {
      this.#fail(statement, statement.pool.silenceMs, 'CONNECTION_SILENT')
    }
  }

  #isCut<Answer>({ name }: Statement<Answer>): boolean {
    const { what } = this.#parts.cut
    return what === 'all' || (what === 'heartbeats' && name === 'beat')
  }

  #takeEffect<Answer>(
    statement: Statement<Answer>,
    at: { readonly delayMs: number; readonly epoch: number },
    then: (result: Result<Answer>) => void,
  ): void {
    const { world, database, nodeId, witness } = this.#parts
    world.after(at.delayMs, () => {
      if (database.epoch !== at.epoch) {
        this.#fail(statement, 0, 'CONNECTION_CLOSED')
        return
      }
      witness.note(`${nodeId} ${statement.name}`)
      then(attempt(statement.effect))
    })
  }

  #bringBack<Answer>(
    statement: Statement<Answer>,
    back: { readonly result: Result<Answer>; readonly backMs: number; readonly epoch: number },
  ): void {
    const { world, database } = this.#parts
    world.after(back.backMs, () => {
      if (database.epoch === back.epoch) this.#end(statement, back.result)
      else this.#fail(statement, 0, 'CONNECTION_CLOSED')
    })
  }

  /** A host that refuses is heard of soon, or after the driver's pause; a silent one is given up. */
  #findNobody<Answer>(statement: Statement<Answer>, isSilent: boolean): void {
    const { dice } = this.#parts
    const { silenceMs } = statement.pool
    if (isSilent) this.#fail(statement, silenceMs, 'CONNECTION_SILENT')
    else this.#fail(statement, dice.skewed(1, 5_000), 'ECONNREFUSED')
  }

  #fail<Answer>(statement: Statement<Answer>, delayMs: number, code: string): void {
    const { world } = this.#parts
    world.after(delayMs, () => this.#end(statement, { error: new DatabaseError(code) }))
  }

  readonly #ended = new WeakSet<object>()

  #end<Answer>(statement: Statement<Answer>, result: Result<Answer>): void {
    if (this.#ended.has(statement)) return
    this.#ended.add(statement)
    const { process, nodeId, witness } = this.#parts
    process.run(() => {
      this.#underWay -= 1
      statement.pool.give()
      if ('answer' in result) return statement.resolve(result.answer)
      witness.figures.faults += 1
      witness.note(`${nodeId} ${statement.name} failed: ${String(result.error)}`)
      statement.reject(result.error)
    })
  }

  #travelMs(): number {
    const { dice, database } = this.#parts
    const { travelMs, slowness } = database.weather
    return dice.skewed(travelMs.min, travelMs.max) * (slowness > 1 ? dice.between(1, slowness) : 1)
  }
}

function attempt<Answer>(effect: () => Answer): Result<Answer> {
  try {
    return { answer: effect() }
  } catch (error) {
    return { error }
  }
}

export interface SimStore {
  readonly store: Store
  /** Statements that were not answered. */
  readonly underWay: () => number
}

function handleOf(database: SimDatabase, definition: StoredDefinition): WorkflowHandle {
  return {
    workflowId: database.workflowId(definition.name),
    name: definition.name,
    binding: null,
    sinks: Object.keys(definition.sinks),
    settleStatement: '',
    bareSettleStatement: '',
  }
}

export function createSimStore(parts: SimStoreParts): SimStore {
  const { database } = parts
  const line = new Line(parts)
  const work = new Pool(parts.poolMax, WORK_SILENCE_MS)
  const beats = new Pool(1, HEARTBEAT_SILENCE_MS)
  const ask = <Answer>(name: string, effect: () => Answer) => line.call(work, name, effect)
  const store: Store = {
    registerNode: (node, leaseMs) => ask('register', () => database.registerNode(node, leaseMs)),
    readNeighbours: (of) => ask('neighbours', () => database.readNeighbours(of)),
    sendHeartbeat: ({ nodeId, leaseMs, gapMs }) =>
      line.call(beats, 'beat', () => database.at().heartbeat(nodeId, { leaseMs, gapMs })),
    fenceNode: ({ nodeId, reason }) =>
      line.call(beats, 'fence', () => database.fenceNode(nodeId, reason)),
    fenceExpired: (by) => line.call(beats, 'fence expired', () => database.fenceExpired(by)),
    readFence: (nodeId) =>
      line.call(beats, 'why fenced', () => {
        const why = database.at().nodes.get(nodeId)?.fencedWhy ?? null
        return why === null ? null : { at: '', why }
      }),
    openWorkflow: (definition) => ask('open', () => handleOf(database, definition)),
    readWorkflows: () => ask('workflows', () => database.workflowRows()),
    findWorkflow: (name) =>
      ask('find', () => database.workflowRows().find((row) => row.name === name) ?? null),
    leasePacks: ({ workflowId }, request) =>
      ask(`lease ${workflowId} ${request.itemsMax}`, () =>
        database
          .at()
          .lease(workflowId, request)
          .map((pack) => ({
            ...pack,
            items: pack.items.map((item) => ({
              ...item,
              payload: `${item.itemId}/${pack.leaseId}`,
            })),
          })),
      ),
    settleItems: async (workflow, { nodeId, settlements, isBare = false }) => {
      const applied = await ask(`settle ${settlements.length}`, () =>
        database.settle(workflow, { nodeId, settlements, isBare }),
      )
      parts.witness.heardOf(nodeId, applied)
      return applied
    },
    findReceipts: async (keys) => {
      const settled = await ask('receipts', () => database.at().findReceipts(keys))
      parts.witness.heardOf(parts.nodeId, settled)
      return settled
    },
    reclaimPacks: ({ workflowId }, packsMax) =>
      ask('reclaim', () => database.at().reclaim(workflowId, packsMax)),
    findNewestLease: ({ workflowId }, nodeId) =>
      ask('newest', () => database.at().findNewestLease(workflowId, nodeId)),
    releaseNode: ({ workflowId }, nodeId, known = [], newest = null) =>
      ask('release', () => database.releaseNode(workflowId, nodeId, { known, newest })),
    pauseWorkflow: ({ workflowId, reason }) =>
      ask(`pause ${reason}`, () => database.at().pause(workflowId, reason)),
    resumeWorkflow: ({ workflowId, reason }) =>
      ask(`resume ${reason}`, () => database.at().resume(workflowId, reason)),
    readSteering: () =>
      ask('steering', () => {
        const { nodes, nowUs } = database.at()
        const alive = [...nodes.values()].filter((node) => {
          return node.fencedWhy === null && node.aliveUntilUs > nowUs
        })
        const workers = alive.map(({ nodeId }) => nodeId)
        const orders = { mode: 'concurrent', rollout: 100, step: 0, concurrency: null } as const
        const pace = { ratePerMinute: null, successPauseMs: null }
        return { ...orders, ...pace, creditsLeft: null, workers, sharers: [] }
      }),
    readConnections: () => ask('connections', () => ({ used: 1, max: 100 })),
    setSteering: () => ask('steer', () => false),
    reserveCalls: ({ wanted }) => ask('reserve', () => wanted),
    closeReserve: () => ask('close reserve', () => undefined),
    bookRefused: () => ask('book', () => undefined),
    forgetOldFailures: () => ask('forget', () => 0),
    foldSpend: () => ask('fold spend', () => 0),
    foldEndTally: () => ask('fold endings', () => 0),
    foldCohorts: () => ask('fold cohorts', () => 0),
    readRolloutRecord: () => ask('rollout', () => NO_RECORD),
    readRollouts: () => ask('rollouts', () => []),
    readLoads: () => ask('loads', () => []),
    readFigures: () => ask('figures', () => ({ readAt: '', workflows: [], nodes: [], raised: [] })),
    foldTallies: () => ask('fold', () => 0),
    ensureReceiptPartitions: () => ask('partitions', () => 0),
    storeEvent: () => ask('event', () => undefined),
    chores: IDLE_CHORES,
    schedules: IDLE_SCHEDULES,
    readSchedules: () => ask('schedules', () => []),
  }
  return { store, underWay: () => line.underWay }
}
