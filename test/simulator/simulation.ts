// One run: a cluster of real supervisors in a simulated world, from its first item to its last.
//
//   misfortunes -> calm -> everything is worked -> all supervisors stop in order -> nothing is left

import { Dice } from './dice.js'
import { Fate } from './fate.js'
import type { Surroundings } from './place.js'
import { Place } from './place.js'
import type { Scenario } from './scenario.js'
import { drawScenario } from './scenario.js'
import { SimDatabase } from './sim-database.js'
import { WORK_SILENCE_MS } from './sim-store.js'
import { Trace } from './trace.js'
import { Witness } from './witness.js'
import { World } from './world.js'

export interface RunReport {
  readonly seed: number
  readonly scenario: Scenario
  readonly violations: readonly string[]
  /** Equal for equal runs. */
  readonly fingerprint: string
  readonly trace: readonly string[]
  readonly virtualMs: number
  /** Time from calm until everything was worked. */
  readonly drainedMs: number
  readonly events: number
  readonly figures: Witness['figures']
  /** What happened, and how often. */
  readonly marks: ReadonlyMap<string, number>
}

/**
 * Once nothing bad happens any more, something must be settled in each of these spans, and
 * everything must have ended within the second. A pack that only its deadline of ten minutes would
 * free has stalled; a single slot whose items all hang and are tried again has not.
 */
const STALL_MS_MAX = 150_000
const LIVENESS_MS_MAX = 1_200_000
/** How often an operator looks whether a workflow was paused, and the whole is checked. */
const ROUND_MS = 5_000
const WHOLE_CHECK_MS = 10_000
const TRACE_LINES = 300

class Simulation {
  readonly #scenario: Scenario
  readonly #world = new World()
  readonly #trace: Trace
  readonly #witness: Witness
  readonly #dice: Dice
  readonly #around: Surroundings
  readonly #places: readonly Place[]
  readonly #fate: Fate
  #serial = 0
  #pid = 1_000

  constructor(scenario: Scenario, traceLines: number) {
    this.#scenario = scenario
    this.#trace = new Trace(traceLines)
    this.#witness = new Witness(this.#world, this.#trace)
    // Not the stream the scenario was drawn from: that one is at its end.
    this.#dice = new Dice(scenario.seed ^ 0x5bd1e995)
    this.#around = this.#createSurroundings()
    this.#places = scenario.places.map((spec) => new Place(this.#around, spec))
    this.#fate = new Fate(this.#around, this.#places, (count) => this.#enqueue(count))
  }

  async run(): Promise<RunReport> {
    const { calmMs, items, misfortunes } = this.#scenario
    this.#witness.note(JSON.stringify({ ...this.#scenario, misfortunes: misfortunes.length }))
    this.#enqueue(items)
    this.#checkWhole()
    this.#fate.plan(this.#scenario)
    for (const place of this.#places) {
      this.#world.after(this.#dice.skewed(0, 3_000), () => place.start())
    }
    await this.#until(calmMs, () => false)
    const isWorked = await this.#calm()
    const drainedMs = this.#world.nowMs - calmMs
    if (isWorked) await this.#stopAll()
    this.#checkFaults()
    return this.#report(drainedMs)
  }

  /** Lets everything be worked; an operator lifts what was paused. */
  async #calm(): Promise<boolean> {
    this.#witness.note('calm')
    this.#fate.calm()
    const { packs } = this.#around.database.model
    const { figures } = this.#witness
    const isWorked = () => packs.size === 0
    const endMs = this.#world.nowMs + LIVENESS_MS_MAX
    let settled = figures.settled
    let movedMs = this.#world.nowMs
    while (!isWorked() && this.#world.nowMs < endMs && this.#world.nowMs - movedMs < STALL_MS_MAX) {
      this.#resumeAll()
      await this.#until(this.#world.nowMs + ROUND_MS, isWorked)
      if (figures.settled > settled) movedMs = this.#world.nowMs
      settled = figures.settled
    }
    if (isWorked()) return true
    this.#witness.violation(`${packs.size} packs were not worked: ${this.#stuck()}`)
    return false
  }

  #stuck(): string {
    const { model } = this.#around.database
    const packs = [...model.packs.values()].slice(0, 5)
    const paused = [...model.pausedBy].map(([id, reasons]) => `${id}: ${[...reasons].join(' ')}`)
    const nodes = this.#places.map(({ boot }) => ({
      node: boot?.nodeId,
      state: boot?.supervisor.state,
      loads: boot?.supervisor.loads(),
    }))
    return JSON.stringify({ packs, paused, nodes })
  }

  #resumeAll(): void {
    const model = this.#around.database.at()
    for (const id of this.#scenario.workflows.keys()) model.resume(id + 1, null)
  }

  async #stopAll(): Promise<void> {
    const boots = this.#places.flatMap(({ running }) => (running === null ? [] : [running]))
    for (const place of this.#places) place.isWanted = false
    // A supervisor that was started a moment ago may not have entered yet, and a connection that
    // went silent before calm came may still be waited for: its statements would be abandoned.
    const silenceIsOverMs = this.#scenario.calmMs + WORK_SILENCE_MS + ROUND_MS
    await this.#until(Math.max(this.#world.nowMs + ROUND_MS, silenceIsOverMs), () => false)
    const ready = boots.filter(({ isOver }) => !isOver)
    for (const boot of ready) boot.stop('the run is over')
    const areOver = () => boots.every(({ isOver }) => isOver)
    const limitMs = this.#scenario.drainMs * 1.01 + 60_000
    await this.#until(this.#world.nowMs + limitMs, areOver)
    if (!areOver()) this.#witness.violation('supervisors did not stop')
    for (const { nodeId } of ready) this.#witness.checkAnnounced(nodeId)
    const leased = [...this.#around.database.model.packs.values()].filter(({ lease }) => lease)
    if (leased.length > 0) this.#witness.violation(`${leased.length} packs are leased at the end`)
  }

  async #until(endMs: number, isOver: () => boolean): Promise<void> {
    try {
      await this.#world.run(endMs, isOver)
    } catch (error) {
      const words = error instanceof Error ? (error.stack ?? error.message) : String(error)
      this.#witness.violation(`broken promise: ${words}`)
    }
  }

  #checkWhole(): void {
    this.#checkFaults()
    this.#world.after(WHOLE_CHECK_MS, () => this.#checkWhole())
  }

  #checkFaults(): void {
    for (const fault of this.#around.database.model.faults()) this.#witness.violation(fault)
  }

  /** New items, some of them odd. */
  #enqueue(count: number): void {
    const model = this.#around.database.at()
    for (const id of this.#scenario.workflows.keys()) {
      const keys = Array.from({ length: count }, () => this.#nextKey())
      model.enqueue(id + 1, keys)
    }
  }

  #nextKey(): string {
    this.#serial += 1
    const words = Object.entries(this.#scenario.oddities)
      .filter(([, share]) => this.#dice.chance(share))
      .map(([word]) => word)
    return [...words, this.#serial].join('-')
  }

  #createSurroundings(): Surroundings {
    const scenario = this.#scenario
    const { travelMs, lateMs, bootMs, linkMs, latencyMs, workflows, timing } = scenario
    const calm = { isAway: false, isSilent: false, slowness: 1, failedShare: 0, lostShare: 0 }
    const weather = { ...calm, travelMs, lateMs, missingTables: new Set<number>() }
    const world = this.#world
    const witness = this.#witness
    const boots: Surroundings['boots'] = new Map()
    return {
      world,
      scenario,
      witness,
      database: new SimDatabase({
        world,
        witness,
        weather,
        workflows,
        reconnectMs: Math.min(2 * timing.intervalMs + 5_000, timing.leaseMs),
        gapMs: 2 * timing.intervalMs,
        isHale: (nodeId) => boots.get(nodeId)?.isHale ?? false,
      }),
      boots,
      dice: this.#dice.fork(),
      workerWeather: { bootMs, linkMs, latencyMs, isModuleBroken: false, isSwollen: false },
      living: new Set(),
      nextPid: () => {
        this.#pid += 1
        return this.#pid
      },
    }
  }

  #report(drainedMs: number): RunReport {
    return {
      seed: this.#scenario.seed,
      scenario: this.#scenario,
      violations: this.#witness.violations,
      fingerprint: this.#trace.fingerprint,
      trace: this.#trace.lines,
      virtualMs: this.#world.nowMs,
      drainedMs,
      events: this.#world.fired,
      figures: this.#witness.figures,
      marks: this.#witness.marks,
    }
  }
}

/** Runs one seed. The same seed is the same run, line by line. */
export async function simulate(seed: number, traceLines = TRACE_LINES): Promise<RunReport> {
  const unhandled: string[] = []
  const onUnhandled = (reason: unknown) => {
    unhandled.push(reason instanceof Error ? (reason.stack ?? reason.message) : String(reason))
  }
  process.on('unhandledRejection', onUnhandled)
  try {
    const report = await new Simulation(drawScenario(seed), traceLines).run()
    // A turn of the real event loop, in which Node tells of promises that nobody took care of.
    await new Promise((resolve) => setImmediate(resolve))
    const violations = [...report.violations, ...unhandled.map((words) => `unhandled: ${words}`)]
    return { ...report, violations }
  } finally {
    process.off('unhandledRejection', onUnhandled)
  }
}
