// Plays one order: moves actors step by step, and knows from the server's lock table who waits.

import type { Sql } from '../../../src/store/client.js'
import type { Answer, Part } from './actor.js'
import { Actor } from './actor.js'
import type { Choose } from './orders.js'
import type { Stage } from './stage.js'

/** Looks at the lock table until everybody has answered or waits for somebody. */
const LOOKS_MAX = 50_000

export interface Played {
  /** What happened, in order. */
  readonly trace: readonly string[]
  readonly answers: readonly Answer[]
  /** Who waited for somebody else's lock. */
  readonly waiters: ReadonlySet<string>
  /** A statement waited for longer than the product lets it: the order tells nothing. */
  readonly isTimedOut: boolean
}

type Move = 'sends' | 'starts' | 'ends'

/** The next step of an actor, when nobody has to go first. */
function moveOf(actor: Actor, observerPid: number): Move | null {
  if (actor.stand === 'fresh') return 'sends'
  if (actor.stand === 'answered') return 'ends'
  if (actor.stand !== 'running') return null
  return actor.blockers.includes(observerPid) ? 'starts' : null
}

interface Option {
  readonly actor: Actor
  readonly move: Move
  readonly index: number
}

/** Whether two moves neither see nor hinder each other. */
const isQuiet =
  (one: Option) =>
  (other: Option): boolean =>
    one.move === other.move &&
    (one.move === 'ends' || (one.move === 'sends' && one.actor.isGated && other.actor.isGated))

class Play {
  readonly #actors: readonly Actor[]
  readonly #observer: Stage['observer']
  readonly trace: string[] = []
  readonly waiters = new Set<string>()
  #last: Option | null = null

  constructor(stage: Stage, parts: readonly Part[]) {
    this.#observer = stage.observer
    this.#actors = parts.map((part, index) => {
      const connection = stage.actors[index]
      if (connection === undefined) throw new Error('there are more actors than connections')
      return new Actor(part, connection, index + 1)
    })
  }

  get answers(): readonly Answer[] {
    return this.#actors.map((actor) => actor.answer)
  }

  get isTimedOut(): boolean {
    return this.#actors.some((actor) => actor.hasFailedWith('55P03'))
  }

  /** @returns false at the end, and when a statement timed out. */
  async step(choose: Choose): Promise<boolean> {
    const moves = this.#actors.flatMap((actor, index) => {
      const move = moveOf(actor, this.#observer.pid)
      return move === null ? [] : [{ actor, move, index }]
    })
    if (moves.length === 0) {
      if (this.#actors.every(({ stand }) => stand === 'ended')) return false
      throw new Error('they wait for each other: a deadlock')
    }
    const useful = this.#useful(moves)
    const chosen = useful[choose(useful.map(({ index }) => index))]
    if (chosen === undefined) throw new Error('there is no such move')
    this.#last = chosen
    this.trace.push(`${chosen.actor.part.name} ${chosen.move}`)
    await this.#move(chosen.actor, chosen.move)
    await this.#untilQuiet()
    const failed = this.#actors.find(({ stand }) => stand === 'failed')
    if (failed === undefined) return true
    if (this.isTimedOut) return false
    throw new Error(`${failed.part.name} failed`, { cause: failed.error })
  }

  /**
   * Two commits in a row, with nobody waiting, come to the same in either order: one is enough. So do
   * two snapshots.
   */
  #useful(moves: readonly Option[]): readonly Option[] {
    if (this.#actors.some((actor) => actor.stand === 'running' && !this.#isAtGate(actor))) {
      return moves
    }
    const [first] = moves
    if (first !== undefined && moves.every(({ move }) => move === 'ends')) return [first]
    const last = this.#last
    if (last === null) return moves
    const useful = moves.filter((move) => !(isQuiet(last)(move) && move.index < last.index))
    return useful.length === 0 ? moves : useful
  }

  #isAtGate({ blockers }: Actor): boolean {
    return blockers.includes(this.#observer.pid)
  }

  async #move(actor: Actor, move: Move): Promise<void> {
    if (move === 'ends') return actor.end()
    if (move === 'sends') return actor.send()
    await this.#observer.sql`select pg_advisory_unlock(${actor.gate}::bigint)`
  }

  /**
   * Until every statement that was sent has answered or waits for one of us. The lock table is exact:
   * a lock that was granted is no wait, also while the one that got it has not woken up.
   */
  async #untilQuiet(): Promise<void> {
    for (let look = 0; look < LOOKS_MAX; look += 1) {
      const running = this.#actors.filter(({ stand }) => stand === 'running')
      if (running.length === 0) return
      await Promise.race([Promise.all(running.map(({ settled }) => settled)), pause()])
      const seen = await this.#observer.sql<{ pid: number; blockers: number[] }[]>`
        select pid, pg_blocking_pids(pid) as blockers
          from unnest(${running.map(({ pid }) => pid)}::int[]) as asked (pid)`
      for (const actor of running) {
        actor.blockers = seen.find(({ pid }) => pid === actor.pid)?.blockers ?? []
      }
      const still = running.filter(({ stand }) => stand === 'running')
      if (still.every((actor) => this.#isHeld(actor))) {
        for (const actor of still) {
          if (!actor.blockers.includes(this.#observer.pid)) this.waiters.add(actor.part.name)
        }
        return
      }
    }
    throw new Error('a statement neither answered nor waited')
  }

  /** Locks that nobody of us holds are those of housekeeping, and pass. */
  #isHeld({ blockers }: Actor): boolean {
    const ours = [this.#observer.pid, ...this.#actors.map(({ pid }) => pid)]
    return blockers.length > 0 && blockers.every((pid) => ours.includes(pid))
  }

  async abandon(): Promise<void> {
    await this.#observer.sql`select pg_advisory_unlock_all()`
    for (const actor of this.#actors) {
      if (actor.stand !== 'ended') await actor.abandon(this.#observer.sql)
    }
  }
}

/** Most statements answer within it, and then nobody need ask the lock table. */
const pause = () => new Promise((resolve) => setTimeout(resolve, 1))

/** Plays the parts from the state that the stage keeps. */
export async function play(stage: Stage, parts: readonly Part[], choose: Choose): Promise<Played> {
  await stage.restore(parts.length)
  const played = new Play(stage, parts)
  try {
    while (await played.step(choose)) {}
    if (played.isTimedOut) await played.abandon()
    else await openGates(stage.observer.sql)
  } catch (error) {
    await played.abandon()
    throw new Error(`${messageOf(error)}, after: ${played.trace.join(', ')}`, { cause: error })
  }
  const { trace, answers, waiters, isTimedOut } = played
  return { trace, answers, waiters, isTimedOut }
}

/** Those that nobody waited at. */
async function openGates(sql: Sql): Promise<void> {
  await sql`select pg_advisory_unlock_all()`
}

function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.cause === undefined ? error.message : `${error.message} (${messageOf(error.cause)})`
}
