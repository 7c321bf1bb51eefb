// Plays all orders of a scenario, or a sample of them, and holds every end against its promises.

import { after } from 'mocha'
import { seededRandom } from '../../../src/core/random.js'
import { tell } from '../../support/tell.js'
import type { Answer, Part } from './actor.js'
import type { Choose } from './orders.js'
import { countOrders, eachOrder, permutations, someOrders } from './orders.js'
import type { Played } from './play.js'
import { play } from './play.js'
import { isSerial } from './promises.js'
import type { Stage } from './stage.js'
import type { State } from './state.js'
import { readFaults, readState, withoutLeases } from './state.js'

/** How one order ended. */
export interface End {
  /** What happened, in order. */
  readonly trace: readonly string[]
  /** Who waited for somebody else's lock. */
  readonly waiters: ReadonlySet<string>
  readonly state: State
  readonly answers: readonly Answer[]
  /** The committed answer of an actor; null when its process died before the commit. */
  readonly answer: (name: string) => unknown
}

export interface Scenario {
  readonly parts: readonly Part[]
  /** Throws when the end breaks a promise. The audit has been held against it before. */
  readonly check: (end: End) => void
  /**
   * Ends that no order of whole statements has, and why they are right all the same: a statement that
   * skips what another one holds sees less than it would before or after it. @default none
   */
  readonly mayAlsoEnd?: (end: End) => boolean
  /** Plays so many orders, drawn from a seed, unless all are asked for. @default all */
  readonly ordersMax?: number
}

export interface Explored {
  /** Orders played. */
  readonly orders: number
  /** Those in which somebody waited. */
  readonly waited: number
  /**
   * Orders there are of these steps. An order in which a step that waits comes before the one it waits
   * for is the same as one in which it comes after, and two commits or snapshots in a row come to the
   * same in either order: one of each is played.
   */
  readonly possible: number
  readonly isWhole: boolean
  readonly ends: number
  readonly endsBeyondSerial: number
}

const TRIES_MAX = 5
const isAll = process.env.FETCHYARD_INTERLEAVINGS === 'all'
const seed = Number(process.env.FETCHYARD_SEED ?? Math.floor(Math.random() * 2 ** 32))

const totals = { scenarios: 0, orders: 0, waited: 0 }

after(() => {
  if (totals.scenarios === 0) return
  const { scenarios, orders, waited } = totals
  tell(`interleavings: ${scenarios} scenarios, ${orders} orders, in ${waited} somebody waited`)
})

class Exploration {
  readonly #stage: Stage
  readonly #scenario: Scenario
  readonly #seen = new Set<string>()
  readonly #faults = new Map<string, readonly string[]>()
  readonly #serialEnds = new Set<string>()
  readonly #otherEnds = new Map<string, { readonly end: End; readonly trace: readonly string[] }>()
  waited = 0

  constructor(stage: Stage, scenario: Scenario) {
    this.#stage = stage
    this.#scenario = scenario
  }

  get orders(): number {
    return this.#seen.size
  }

  get ends(): number {
    return this.#serialEnds.size + this.#beyond().length
  }

  readonly playOne = async (choose: Choose): Promise<void> => {
    const played = await this.#playInTime(choose)
    if (this.#seen.has(played.trace.join())) return
    this.#seen.add(played.trace.join())
    if (played.waiters.size > 0) this.waited += 1
    await this.#judge(played)
  }

  /** On a machine that stands still a statement gives up; it is sent again, like a settler does. */
  async #playInTime(choose: Choose): Promise<Played> {
    for (let tries = 0; tries < TRIES_MAX; tries += 1) {
      const chosen: number[] = []
      const played = await play(this.#stage, this.#scenario.parts, (movers) => {
        const choice = choose(movers)
        chosen.push(choice)
        return choice
      })
      if (!played.isTimedOut) return played
      choose = replay(chosen, choose)
    }
    throw new Error('statements timed out again and again: is the machine standing still?')
  }

  async #judge({ trace, waiters, answers }: Played): Promise<void> {
    const { sql } = this.#stage.observer
    const state = await readState(sql)
    const answer = (name: string) => {
      const found = answers.find((one) => one.name === name)
      if (found === undefined) throw new Error(`there is no actor ${name}`)
      return found.isCommitted ? found.value : null
    }
    const end: End = { trace, waiters, state, answers, answer }
    try {
      const faults = await this.#faultsOf(state)
      if (faults.length > 0) throw new Error(`the audit found: ${faults.join('; ')}`)
      this.#scenario.check(end)
    } catch (error) {
      const words = error instanceof Error ? error.message : String(error)
      throw new Error(`${words}\n  after: ${trace.join(', ')}\n  ${describe(end)}`, {
        cause: error,
      })
    }
    const key = JSON.stringify([withoutLeases(state), answers])
    if (isSerial(end)) this.#serialEnds.add(key)
    else if (!this.#otherEnds.has(key)) this.#otherEnds.set(key, { end, trace })
  }

  /** The same state has the same faults, whatever the numbers of its leases. */
  async #faultsOf(state: State): Promise<readonly string[]> {
    const key = JSON.stringify(withoutLeases(state))
    const faults = this.#faults.get(key) ?? (await readFaults(this.#stage.observer.sql))
    this.#faults.set(key, faults)
    return faults
  }

  #beyond() {
    return [...this.#otherEnds].filter(([key]) => !this.#serialEnds.has(key))
  }

  /** @returns how many ends no serial order has. */
  judgeEnds(): number {
    const beyond = this.#beyond()
    const { mayAlsoEnd = () => false } = this.#scenario
    for (const [, { end, trace }] of beyond) {
      if (mayAlsoEnd(end)) continue
      const words = `no order of whole statements ends like this: ${trace.join(', ')}`
      throw new Error(`${words}\n  ${describe(end)}`)
    }
    return beyond.length
  }
}

/** The choices of before; where they lead elsewhere, the last one stays. */
function replay(chosen: readonly number[], choose: Choose): Choose {
  let depth = 0
  return (movers) => {
    const choice = chosen[depth]
    depth += 1
    return choice === undefined ? choose(movers) : Math.min(choice, movers.length - 1)
  }
}

function describe({ state, answers }: End): string {
  return `answers: ${JSON.stringify(answers)}\n  state: ${JSON.stringify(state)}`
}

/** The orders in which whole actors follow each other. */
async function playSerial(exploration: Exploration, actors: number): Promise<void> {
  for (const order of permutations(actors)) {
    await exploration.playOne((movers) => {
      const first = order.find((index) => movers.includes(index)) ?? 0
      return movers.indexOf(first)
    })
  }
}

/** Plays a scenario from the state that the tables hold now. */
export async function explore(stage: Stage, scenario: Scenario): Promise<Explored> {
  await stage.save()
  const exploration = new Exploration(stage, scenario)
  try {
    const explored = await exploreAll(exploration, scenario)
    totals.scenarios += 1
    totals.orders += explored.orders
    totals.waited += explored.waited
    tell(wordsFor(scenario, explored))
    return explored
  } catch (error) {
    // What is wrong was said; the audit of the yard need not say it again.
    stage.yard.damage()
    throw error
  }
}

async function exploreAll(exploration: Exploration, scenario: Scenario): Promise<Explored> {
  const steps = scenario.parts.map(({ isGated = false }) => (isGated ? 3 : 2))
  const possible = countOrders(steps)
  const { ordersMax = Number.POSITIVE_INFINITY } = scenario
  const isWhole = isAll || possible <= ordersMax
  await playSerial(exploration, steps.length)
  if (isWhole) await eachOrder(exploration.playOne)
  else {
    const sample = { orders: ordersMax, random: seededRandom(seed) }
    await someOrders(sample, exploration.playOne)
  }
  const endsBeyondSerial = exploration.judgeEnds()
  const { orders, waited, ends } = exploration
  return { orders, waited, possible, isWhole, ends, endsBeyondSerial }
}

function wordsFor({ parts }: Scenario, explored: Explored): string {
  const { orders, waited, possible, isWhole, ends, endsBeyondSerial } = explored
  const names = parts.map(({ name, ends: how }) => (how === 'rollback' ? `${name} (dies)` : name))
  const of = isWhole
    ? `all ${possible} orders by ${orders} that differ`
    : `${orders} of ${possible} orders (FETCHYARD_SEED=${seed})`
  const serial = endsBeyondSerial === 0 ? '' : `, ${endsBeyondSerial} of them in no serial order`
  return `${names.join(' x ')}: ${of}, ${waited} with a wait; ${ends} ends${serial}`
}
