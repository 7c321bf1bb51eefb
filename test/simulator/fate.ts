// Fate: lets the misfortunes of a scenario happen, each for as long as it lasts, and ends them all
// when calm comes.

import type { Boot, Place, Surroundings } from './place.js'
import type { Misfortune, Scenario } from './scenario.js'
import type { SimWorker } from './sim-worker.js'

const PAUSE_REASON = 'operator'

export class Fate {
  readonly #around: Surroundings
  readonly #places: readonly Place[]
  readonly #enqueue: (count: number) => void
  /** What ends the misfortunes that last. */
  readonly #ends = new Set<() => void>()

  constructor(around: Surroundings, places: readonly Place[], enqueue: (count: number) => void) {
    this.#around = around
    this.#places = places
    this.#enqueue = enqueue
  }

  plan(scenario: Scenario): void {
    const { world, witness } = this.#around
    for (const misfortune of scenario.misfortunes) {
      world.after(misfortune.atMs, () => {
        witness.note(`misfortune ${JSON.stringify(misfortune)}`)
        this.#strike(misfortune)
      })
    }
  }

  /** From now on nothing bad happens. */
  calm(): void {
    for (const end of [...this.#ends]) end()
    for (const place of this.#places) place.isWanted = true
    for (const place of this.#places) place.start()
  }

  #strike(misfortune: Misfortune): void {
    const { database, workerWeather } = this.#around
    const { weather } = database
    switch (misfortune.kind) {
      case 'worker-dies':
        return this.#worker(misfortune)?.die({ exitCode: null, signal: 'SIGKILL', message: null })
      case 'worker-freezes':
        return this.#freezeWorker(misfortune)
      case 'supervisor-dies':
        return this.#boot(misfortune)?.kill()
      case 'supervisor-freezes':
        return this.#freeze(misfortune, 'process')
      case 'machine-sleeps':
        return this.#freeze(misfortune, 'machine')
      case 'module-breaks':
        workerWeather.isModuleBroken = true
        return this.#until(misfortune, () => {
          workerWeather.isModuleBroken = false
        })
      case 'workers-swell':
        workerWeather.isSwollen = true
        return this.#until(misfortune, () => {
          workerWeather.isSwollen = false
        })
      case 'database-away':
      case 'database-silent':
        database.goAway(misfortune.kind === 'database-silent')
        return this.#until(misfortune, () => database.comeBack())
      case 'database-slow':
        weather.slowness = misfortune.slowness
        return this.#until(misfortune, () => {
          weather.slowness = 1
        })
      case 'database-flaky':
        return this.#makeFlaky(misfortune)
      case 'table-missing':
        weather.missingTables.add(1)
        return this.#until(misfortune, () => weather.missingTables.delete(1))
      default:
        return this.#operate(misfortune)
    }
  }

  #operate(misfortune: Exclude<Misfortune, { readonly kind: `${string}-dies` }>): void {
    const { database, dice, world } = this.#around
    const model = database.at()
    switch (misfortune.kind) {
      case 'node-cut-off':
      case 'heartbeats-lost': {
        const boot = this.#boot(misfortune)
        const what = misfortune.kind === 'node-cut-off' ? 'all' : 'heartbeats'
        boot?.cutOff(what, misfortune.isSilent)
        return this.#until(misfortune, () => boot?.cutOff('nothing', false))
      }
      case 'clock-jumps':
        return this.#boot(misfortune)?.process.jumpWall(misfortune.byMs)
      case 'operator-pauses':
        model.pause(1, PAUSE_REASON)
        return this.#until(misfortune, () => database.at().resume(1, PAUSE_REASON))
      case 'operator-cancels': {
        const keys = [...model.items.values()].filter(() => dice.chance(0.1)).map(({ key }) => key)
        model.cancel(1, misfortune.whom % 10 === 0 ? null : keys)
        return
      }
      case 'operator-promotes':
        model.promote(1, null)
        return
      case 'operator-stops': {
        const boot = this.#boot(misfortune)
        boot?.stop('an operator said so')
        const { secondMs } = misfortune
        if (secondMs !== null) world.after(secondMs, () => boot?.stop('said again'))
        return
      }
      case 'operator-enqueues':
        return this.#enqueue(misfortune.count)
      default:
        throw new Error(`nobody knows how ${misfortune.kind} happens`)
    }
  }

  #makeFlaky(misfortune: Extract<Misfortune, { readonly kind: 'database-flaky' }>): void {
    const { weather } = this.#around.database
    weather.failedShare = misfortune.failedShare
    weather.lostShare = misfortune.lostShare
    this.#until(misfortune, () => {
      weather.failedShare = 0
      weather.lostShare = 0
    })
  }

  #freezeWorker(misfortune: Misfortune): void {
    const worker = this.#worker(misfortune)
    if (worker === null) return
    worker.process.freeze()
    this.#until(misfortune, () => worker.process.thaw(true))
  }

  #freeze(misfortune: Misfortune, kind: 'process' | 'machine'): void {
    const boot = this.#boot(misfortune)
    if (boot === null) return
    const { machine } = this.#place(misfortune).spec
    const boots =
      kind === 'process'
        ? [boot]
        : this.#places.filter(({ spec }) => spec.machine === machine).map(({ running }) => running)
    for (const one of boots) one?.freeze(kind)
    this.#until(misfortune, () => {
      for (const one of boots) one?.thaw()
    })
  }

  #until(misfortune: Misfortune, end: () => unknown): void {
    const { world, witness } = this.#around
    const once = () => {
      if (!this.#ends.delete(once)) return
      witness.note(`${misfortune.kind} ends`)
      end()
    }
    this.#ends.add(once)
    world.after(misfortune.lastsMs, once)
  }

  #place({ whom }: Misfortune): Place {
    const place = this.#places[whom % this.#places.length]
    if (place === undefined) throw new Error('a cluster has a place')
    return place
  }

  #boot(misfortune: Misfortune): Boot | null {
    return this.#place(misfortune).running
  }

  #worker(misfortune: Misfortune): SimWorker | null {
    const workers = (this.#boot(misfortune)?.workers ?? []).filter(
      ({ spec }) => spec.kind === 'process' || misfortune.kind === 'worker-dies',
    )
    return workers[misfortune.whom % Math.max(1, workers.length)] ?? null
  }
}
