// A queue in memory that keeps the store's promises: leases prove ownership, a fenced node writes
// nothing, a settle takes only what is still there. Faults are put in its way by the test.

import type { RolloutRecord } from '../../src/core/cohort-figures.js'
import type { Settlement } from '../../src/core/settlement.js'
import type { Cohort } from '../../src/core/steering-plan.js'
import type { LeasedPack } from '../../src/store/leased-packs.js'
import type { ReserveRequest } from '../../src/store/reserve.js'
import type { Steering } from '../../src/store/steering.js'
import type { Store, StoredDefinition, WorkflowHandle } from '../../src/store/store.js'
import type { WorkflowRow } from '../../src/store/workflows.js'
import { IDLE_CHORES, IDLE_SCHEDULES } from './idle-chores.js'

interface Pack {
  packId: string
  /** Its place in the queue. */
  order: number
  workflowId: number
  leaseId: string | null
  nodeId: string | null
  attempt: number
  snoozes: number
  crashes: number
  lonelyCrashes: number
  delayMs: number
  items: string[]
}

export interface FakeReceipt {
  readonly itemId: string
  readonly leaseId: string
  readonly event: Settlement['event']
  readonly code: Settlement['code']
  readonly trial: Settlement['trial'] | null
}

/** How a call goes wrong. */
export interface Fault {
  readonly error: Error
  /** The call takes effect, and its answer is lost. */
  readonly isAnswerLost?: boolean
}

/** An error as the driver throws it. */
export function databaseError(code: string, message = `database error ${code}`): Error {
  return Object.assign(new Error(message), { code })
}

export const CONNECTION_LOST: Fault = { error: databaseError('CONNECTION_CLOSED') }
export const ANSWER_LOST: Fault = { ...CONNECTION_LOST, isAnswerLost: true }

type Method = keyof Store

/** Names end in a number that only grows. */
const numberOf = (name: string): number => Number(name.slice(1))

export class FakeStore {
  readonly packs: Pack[] = []
  readonly receipts: FakeReceipt[] = []
  readonly calls: { readonly method: Method; readonly items: number }[] = []
  readonly nodes = new Map<string, { isFenced: boolean; reason: string | null }>()
  readonly workflows = new Map<string, WorkflowRow & { pausedBy: string[] }>()
  readonly storedEvents: string[] = []
  /** Boots on the same machine. */
  readonly neighbours: string[] = []
  /** Items whose result rows the database refuses. */
  readonly refused = new Set<string>()
  /** Connections of the server. */
  connections = { used: 10, max: 100 }
  /** Lanes of items; those of the others are empty. */
  readonly lanes = new Map<string, string>()
  /** What operators set, and who shares the limits. */
  steering: Steering = {
    mode: 'concurrent',
    rollout: 100,
    step: 0,
    concurrency: null,
    ratePerMinute: null,
    successPauseMs: null,
    creditsLeft: null,
    workers: ['node'],
    sharers: ['node/flow'],
  }
  /** How many of the calls that a node wants to begin it may. */
  reserve: (request: ReserveRequest) => number | null = ({ wanted }) => wanted
  /** Booked for answers that were refused. */
  refusedCredits = 0
  readonly bookings = new Set<number>()
  /** Settles that wrote neither results nor status words. */
  bareSettles = 0
  /** A method in here does not answer until its gate is opened. */
  readonly #gates = new Map<Method, Promise<void>>()
  readonly #faults = new Map<Method, Fault[]>()
  #serial = 0

  /** The next calls of a method fail, one fault each. */
  failNext(method: Method, ...faults: readonly Fault[]): void {
    this.#faults.set(method, [...(this.#faults.get(method) ?? []), ...faults])
  }

  /** Holds the answers of a method back. @returns the function that lets them go. */
  hold(method: Method): () => void {
    let open = () => {}
    const gate = new Promise<void>((resolve) => {
      open = resolve
    })
    this.#gates.set(method, gate)
    return () => {
      this.#gates.delete(method)
      open()
    }
  }

  /** The time of everything that is delayed has come. */
  ripen(): void {
    for (const pack of this.packs) pack.delayMs = 0
  }

  callsOf(method: Method): number {
    return this.calls.filter((call) => call.method === method).length
  }

  enqueue(workflow: WorkflowHandle, count: number, fields: Partial<Pack> = {}): readonly string[] {
    const items = Array.from({ length: count }, () => this.#next('i'))
    for (let from = 0; from < count; from += 256) {
      this.packs.push(this.#pack(workflow.workflowId, items.slice(from, from + 256), fields))
    }
    return items
  }

  /** Items in the queue, leased or not. */
  open(): readonly string[] {
    return this.packs.flatMap((pack) => pack.items)
  }

  ended(event: Settlement['event']): readonly string[] {
    return this.receipts.filter((one) => one.event === event).map(({ itemId }) => itemId)
  }

  handle(name: string): WorkflowHandle {
    const found = this.workflows.get(name)
    const workflowId = found?.workflowId ?? this.workflows.size + 1
    const row = { workflowId, name, binding: null, concurrency: null, sinks: null }
    const stored = { ...row, boundBy: null, backfill: null }
    if (found === undefined) this.workflows.set(name, { ...stored, pausedBy: [] })
    const statements = { settleStatement: '', bareSettleStatement: '' }
    return { workflowId, name, binding: null, sinks: [], ...statements }
  }

  get store(): Store {
    return {
      registerNode: (node) =>
        this.#call('registerNode', 1, () => {
          this.nodes.set(node.nodeId, { isFenced: false, reason: null })
        }),
      readNeighbours: () =>
        this.#call('readNeighbours', 0, () =>
          this.neighbours.map((nodeId) => ({ nodeId, name: nodeId, pid: 1, pidStarted: '1' })),
        ),
      sendHeartbeat: ({ nodeId }) =>
        this.#call('sendHeartbeat', 1, () => this.nodes.get(nodeId)?.isFenced === false),
      fenceNode: ({ nodeId, reason }) =>
        this.#call('fenceNode', 1, () => this.#fence(nodeId, reason)),
      fenceExpired: () => this.#call('fenceExpired', 0, () => []),
      readFence: (nodeId) =>
        this.#call('readFence', 1, () => {
          const node = this.nodes.get(nodeId)
          return node?.isFenced === true ? { why: node.reason ?? '', at: 'then' } : null
        }),
      openWorkflow: ({ name }: StoredDefinition) =>
        this.#call('openWorkflow', 1, () => this.handle(name)),
      readWorkflows: () => this.#call('readWorkflows', 0, () => [...this.workflows.values()]),
      findWorkflow: (name) => this.#call('findWorkflow', 1, () => this.workflows.get(name) ?? null),
      leasePacks: (workflow, request) =>
        this.#call('leasePacks', request.itemsMax, () => this.#lease(workflow, request)),
      settleItems: (_workflow, { nodeId, settlements, isBare = false }) =>
        this.#call('settleItems', settlements.length, () => {
          if (isBare) this.bareSettles += 1
          return this.#settle(nodeId, settlements)
        }),
      findReceipts: (keys) =>
        this.#call('findReceipts', keys.length, () => this.#findReceipts(keys)),
      reclaimPacks: ({ workflowId }, packsMax) =>
        this.#call('reclaimPacks', packsMax, () => {
          const dead = (pack: Pack) => this.nodes.get(pack.nodeId ?? '')?.isFenced !== false
          return this.#free(workflowId, { packsMax, crashes: 1, isFreed: dead })
        }),
      findNewestLease: ({ workflowId }, nodeId) =>
        this.#call('findNewestLease', 1, () => this.#newestLease(workflowId, nodeId)),
      releaseNode: ({ workflowId }, nodeId, knownLeases = [], newestLease = null) =>
        this.#call('releaseNode', 1, () => {
          const isOld = (pack: Pack) => newestLease === null || age(pack) <= numberOf(newestLease)
          const age = ({ leaseId }: Pack) => numberOf(leaseId ?? '')
          const mine = (pack: Pack) =>
            pack.nodeId === nodeId && !knownLeases.includes(pack.leaseId ?? '') && isOld(pack)
          return this.#free(workflowId, { packsMax: 1e6, crashes: 0, isFreed: mine })
        }),
      pauseWorkflow: ({ workflowId, reason }) =>
        this.#call('pauseWorkflow', 1, () => this.#pause(workflowId, reason)),
      resumeWorkflow: ({ workflowId, reason }) =>
        this.#call('resumeWorkflow', 1, () => this.#resume(workflowId, reason)),
      readConnections: () => this.#call('readConnections', 1, () => this.connections),
      readSteering: () => this.#call('readSteering', 1, () => this.steering),
      setSteering: ({ mode, rollout, ifStep, event }) =>
        this.#call('setSteering', 1, () => {
          const { steering } = this
          if (ifStep !== undefined && ifStep !== steering.step) return false
          if (event !== undefined) this.storedEvents.push(event.name)
          this.steering = {
            ...steering,
            mode: mode ?? steering.mode,
            rollout: rollout ?? steering.rollout,
            step: steering.step + 1,
          }
          return true
        }),
      reserveCalls: (request) =>
        this.#call('reserveCalls', request.wanted, () => this.reserve(request)),
      closeReserve: () => this.#call('closeReserve', 1, () => undefined),
      bookRefused: (of) =>
        this.#call('bookRefused', of.calls, () => {
          if (this.bookings.has(of.booking)) return
          this.bookings.add(of.booking)
          this.refusedCredits += of.credits
        }),
      forgetOldFailures: () => this.#call('forgetOldFailures', 0, () => 0),
      readFigures: () =>
        this.#call('readFigures', 0, () => ({ readAt: '', workflows: [], nodes: [], raised: [] })),
      foldTallies: () => this.#call('foldTallies', 0, () => 0),
      foldSpend: () => this.#call('foldSpend', 0, () => 0),
      foldEndTally: () => this.#call('foldEndTally', 0, () => 0),
      foldCohorts: () => this.#call('foldCohorts', 0, () => 0),
      readRolloutRecord: ({ step }) =>
        this.#call('readRolloutRecord', 1, () => this.#rolloutRecord(step)),
      readRollouts: () => this.#call('readRollouts', 0, () => []),
      readLoads: () => this.#call('readLoads', 0, () => []),
      ensureReceiptPartitions: () => this.#call('ensureReceiptPartitions', 0, () => 0),
      storeEvent: ({ name }) =>
        this.#call('storeEvent', 1, () => {
          this.storedEvents.push(name)
        }),
      chores: IDLE_CHORES,
      schedules: IDLE_SCHEDULES,
      readSchedules: async () => [],
    }
  }

  async #call<T>(method: Method, items: number, effect: () => T): Promise<T> {
    this.calls.push({ method, items })
    const fault = this.#faults.get(method)?.shift()
    await this.#gates.get(method)
    if (fault !== undefined && fault.isAnswerLost !== true) throw fault.error
    const answer = effect()
    if (fault !== undefined) throw fault.error
    return answer
  }

  #next(prefix: string): string {
    this.#serial += 1
    return `${prefix}${this.#serial}`
  }

  #pack(workflowId: number, items: readonly string[], fields: Partial<Pack> = {}): Pack {
    return {
      packId: this.#next('p'),
      order: this.#serial,
      workflowId,
      leaseId: null,
      nodeId: null,
      attempt: 0,
      snoozes: 0,
      crashes: 0,
      lonelyCrashes: 0,
      delayMs: 0,
      ...fields,
      items: [...items],
    }
  }

  #rolloutRecord(step: number): RolloutRecord {
    const of = (cohort: Cohort) => {
      const own = this.receipts.filter(({ trial }) => trial?.cohort === cohort)
      const ended = own.filter(({ trial }) => trial?.step === step)
      const count = (...events: readonly Settlement['event'][]) =>
        ended.filter(({ event }) => events.includes(event)).length
      return { finished: count('complete', 'retry', 'discard'), failed: count('retry', 'discard') }
    }
    const all = { concurrent: of('concurrent'), sequential: of('sequential') }
    return { all, recent: all }
  }

  #fence(nodeId: string, reason: string): boolean {
    const node = this.nodes.get(nodeId)
    if (node === undefined || node.isFenced) return false
    this.nodes.set(nodeId, { isFenced: true, reason })
    return true
  }

  #lease(
    workflow: WorkflowHandle,
    request: Parameters<Store['leasePacks']>[1],
  ): readonly LeasedPack[] {
    const isPaused = (this.workflows.get(workflow.name)?.pausedBy.length ?? 0) > 0
    if (isPaused || this.nodes.get(request.nodeId)?.isFenced !== false) return []
    const from = Number(request.from?.packId ?? 0)
    const ready = this.packs.filter(
      (pack) =>
        pack.workflowId === workflow.workflowId &&
        pack.leaseId === null &&
        pack.delayMs === 0 &&
        pack.order >= from,
    )
    const leased: LeasedPack[] = []
    let left = request.itemsMax
    for (const pack of ready.slice(0, request.packsMax)) {
      if (left <= 0) break
      const taken = pack.items.splice(0, left)
      left -= taken.length
      const { workflowId: _w, delayMs: _d, nodeId: _n, items: _i, order, ...counts } = pack
      const position = { priority: 0, runAt: '', packId: String(order) }
      const packId = pack.items.length === 0 ? pack.packId : this.#next('p')
      if (pack.items.length === 0) this.packs.splice(this.packs.indexOf(pack), 1)
      const leaseId = this.#next('l')
      this.packs.push({ ...pack, packId, leaseId, nodeId: request.nodeId, items: taken })
      const items = taken.map((itemId) => {
        const lane = this.lanes.get(itemId) ?? ''
        return { itemId, itemKey: itemId, payload: null, lane }
      })
      leased.push({ ...counts, packId, leaseId, items, position })
    }
    return leased
  }

  #settle(nodeId: string, settlements: readonly Settlement[]): ReadonlySet<string> {
    const bad = settlements.find(
      ({ itemId, event }) => event === 'complete' && this.refused.has(itemId),
    )
    if (bad !== undefined) throw databaseError('23514', `row of ${bad.itemId} refused`)
    const own = settlements.filter((one) => this.#take(nodeId, one))
    const back = new Map<string, Pack>()
    for (const { itemId, leaseId, event, code, next, packId, trial = null } of own) {
      if (event !== 'release') this.receipts.push({ itemId, leaseId, event, code, trial })
      if (next === null) continue
      const { slice, ...counts } = next
      const isAhead = (event === 'release' || event === 'reclaim') && next.delayMs === 0
      const key = JSON.stringify([next, isAhead])
      const workflowId = this.#workflowOf.get(packId) ?? 0
      const pack =
        back.get(key) ?? this.#pack(workflowId, [], { ...counts, ...(isAhead ? { order: 0 } : {}) })
      pack.items.push(itemId)
      back.set(key, pack)
    }
    // What is given back, or lost with its worker, stands before all that was enqueued with it.
    this.packs.unshift(...[...back.values()].filter(({ order }) => order === 0))
    this.packs.push(...[...back.values()].filter(({ order }) => order > 0))
    return new Set(own.map(({ itemId }) => itemId))
  }

  readonly #workflowOf = new Map<string, number>()

  /** Takes an item out of its pack, if this node still holds it under that lease. */
  #take(nodeId: string, { itemId, packId, leaseId }: Settlement): boolean {
    const pack = this.packs.find((one) => one.packId === packId)
    if (pack === undefined || pack.leaseId !== leaseId || pack.nodeId !== nodeId) return false
    if (this.nodes.get(nodeId)?.isFenced !== false || !pack.items.includes(itemId)) return false
    this.#workflowOf.set(packId, pack.workflowId)
    pack.items.splice(pack.items.indexOf(itemId), 1)
    if (pack.items.length === 0) this.packs.splice(this.packs.indexOf(pack), 1)
    return true
  }

  #findReceipts(
    keys: readonly { readonly itemId: string; readonly leaseId: string }[],
  ): ReadonlySet<string> {
    const found = keys.filter((key) =>
      this.receipts.some((one) => one.itemId === key.itemId && one.leaseId === key.leaseId),
    )
    return new Set(found.map(({ itemId }) => itemId))
  }

  #free(
    workflowId: number,
    how: {
      readonly packsMax: number
      readonly crashes: number
      readonly isFreed: (pack: Pack) => boolean
    },
  ): { readonly packs: number; readonly items: number } {
    const freed = this.packs
      .filter((pack) => pack.workflowId === workflowId && pack.leaseId !== null)
      .filter(how.isFreed)
      .slice(0, how.packsMax)
    for (const pack of freed) {
      Object.assign(pack, { leaseId: null, nodeId: null, crashes: pack.crashes + how.crashes })
    }
    return { packs: freed.length, items: freed.reduce((sum, pack) => sum + pack.items.length, 0) }
  }

  #newestLease(workflowId: number, nodeId: string): string | null {
    const mine = this.packs.filter((pack) => pack.workflowId === workflowId)
    const leases = mine.flatMap((pack) => (pack.nodeId === nodeId ? [pack.leaseId ?? ''] : []))
    return leases.sort((a, b) => numberOf(a) - numberOf(b)).at(-1) ?? null
  }

  #pause(workflowId: number, reason: string): boolean {
    for (const row of this.workflows.values()) {
      if (row.workflowId !== workflowId || row.pausedBy.includes(reason)) continue
      row.pausedBy.push(reason)
      return true
    }
    return false
  }

  #resume(workflowId: number, reason: string | null): boolean {
    let hasLifted = false
    for (const row of this.workflows.values()) {
      if (row.workflowId !== workflowId) continue
      const kept = row.pausedBy.filter((one) => reason !== null && one !== reason)
      hasLifted ||= kept.length < row.pausedBy.length
      row.pausedBy.splice(0, row.pausedBy.length, ...kept)
    }
    return hasLifted
  }
}
