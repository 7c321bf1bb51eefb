// What becomes of items when they end: by the word of their worker, by its death, or because their
// URL is known to fail. Every end goes to the settler; some pause the workflow.

import type { Settled } from '../src/actor/messages.js'
import { OUTCOMES, type Outcome } from '../src/core/outcome.js'
import type { HeldItem, Settlement } from '../src/core/settlement.js'
import {
  decideSettlement,
  knownFailureSettlement,
  releaseSettlement,
} from '../src/core/settlement.js'
import type { LeasedPack } from '../src/store/leased-packs.js'
import { DeathCount } from './death-count.js'
import type { FailureStreak } from './failure-streak.js'
import type { WorkerDeath } from './worker-death.js'
import type { WorkflowParts } from './workflow-parts.js'
import { creditsOf } from './workflow-service-options.js'

/** What follows an end: work is looked for again, or the whole workflow is held back. */
export interface EndHooks {
  readonly wake: () => void
  readonly hold: (reason: string, message: string) => void
}

export class ItemEnds {
  readonly #parts: WorkflowParts
  readonly #streak: FailureStreak
  readonly #hooks: EndHooks
  readonly #deaths = new DeathCount()
  /** Attempts that made a request, and those over connections that were open. */
  readonly #fetches = { fetches: 0, reusedFetches: 0 }

  constructor(parts: WorkflowParts, streak: FailureStreak, hooks: EndHooks) {
    this.#parts = parts
    this.#streak = streak
    this.#hooks = hooks
  }

  fetches(): { readonly fetches: number; readonly reusedFetches: number } {
    return this.#fetches
  }

  onSettled(workerId: string, settled: Settled): void {
    const { table, governor, pool, settledRate } = this.#parts
    for (const { itemId, leaseId, outcome } of settled.items) {
      const { active } = table
      const held = table.finish(workerId, { itemId, leaseId })
      if (held !== null) governor.noteEnd(outcome, active)
      if (held !== null) table.noteEnd(held, outcome)
      // Not held: a late word about an item that was taken from this worker.
      if (held !== null) this.#decide(held, outcome)
      // Nobody asked it to give anything back: it drains by itself, and must get nothing more.
      if (outcome.result === 'release') pool.retire(workerId)
    }
    settledRate.add(settled.items.length)
  }

  onExit(workerId: string, death: WorkerDeath): { isExcused: boolean } {
    const { table, breakers, returns, pauser, state, deps } = this.#parts
    const { held, isAlone, begun } = table.removeWorker(workerId)
    for (const item of held) table.noteEnd(item, { result: 'release' })
    if (death.isExpected) {
      returns.release(held, 'drain', begun)
      return { isExcused: true }
    }
    for (const item of held) breakers.forget(item)
    if (held.length === 0 || state.isAbandoned) return { isExcused: false }
    const priceOf = (item: HeldItem) => creditsOf(deps.options, item)
    const crash = { held, isAlone, reason: death.reason, begun, creditsOf: priceOf }
    const verdict = this.#deaths.judge(crash)
    void returns.giveUp(held, verdict.settlements).then(this.#hooks.wake)
    if (verdict.pauseMessage !== null) void pauser.pause('restart_intensity', verdict.pauseMessage)
    return { isExcused: verdict.isExcused }
  }

  /** Ends the items whose URL is known to fail, without a call. */
  withoutKnown(pack: LeasedPack): LeasedPack {
    const open = pack.items.filter((item) => {
      if (item.known === undefined) return true
      const { items: _, position: _p, characters: _c, ...counts } = pack
      const held = { ...counts, itemId: item.itemId, itemKey: item.itemKey }
      const settlement = knownFailureSettlement(held, item.known)
      this.#parts.settler.offer({ held, settlement, facts: null })
      return false
    })
    if (open.length === pack.items.length) return pack
    const { characters = 0 } = pack
    return { ...pack, items: open, characters: (characters * open.length) / pack.items.length }
  }

  /**
   * Who resumes the workflow has looked into it: deaths count anew. Otherwise a queue in which only
   * poison is left would be paused at each death from then on, and never come to its end.
   */
  noteResumed(): void {
    if (!this.#parts.pauser.takeResumed()) return
    this.#deaths.reset()
    this.#streak.reset()
  }

  #decide(held: HeldItem, outcome: Outcome): void {
    const { reserver, settler } = this.#parts
    const isSpared = this.#noteBreaker(held, outcome)
    if (outcome.facts?.credits !== undefined) reserver.noteCredits(outcome.facts.credits)
    const settlement = this.#settlementOf(held, outcome, isSpared)
    if (settlement.event === 'complete') this.#deaths.reset()
    const facts = outcome.result === 'release' ? null : outcome.facts
    if ((facts?.requests ?? 0) > 0) {
      this.#fetches.fetches += 1
      if (facts?.reused === true) this.#fetches.reusedFetches += 1
    }
    settler.offer({ held, settlement, facts })
    if (outcome.result !== 'failed' || OUTCOMES[outcome.code].pauses !== true) return
    this.#hooks.hold(outcome.code, outcome.message)
  }

  #settlementOf(held: HeldItem, outcome: Outcome, isSpared: boolean): Settlement {
    const { returns, deps } = this.#parts
    if (outcome.result === 'release') {
      return releaseSettlement(held, returns.costOf(held, outcome.facts ?? null))
    }
    const { retry } = deps.options
    const policy = isSpared ? { ...retry, isSpared } : retry
    return decideSettlement(held, outcome, policy, deps.random)
  }

  /** @returns whether the attempt failed because the other side is down. */
  #noteBreaker(held: HeldItem, outcome: Outcome): boolean {
    const { breakers, returns, table } = this.#parts
    if (outcome.result === 'release') {
      breakers.forget(held)
      return false
    }
    const isSpared = breakers.noteEnd(held, outcome.result === 'failed' ? outcome.code : 'ok')
    // What was leased ahead is for others, or for later.
    if (breakers.room() === 0) returns.release(table.drainBuffer(), 'breaker')
    return isSpared
  }
}
