// A whole storm over one workflow: referee, proxy, supervisors, faults, and the reckoning at the
// end. Who runs the supervisors, and which faults there are, is handed in: the command and our own
// long storm differ in nothing else.

import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Clock } from '../../src/core/clock.js'
import type { SinkDefinition } from '../../src/core/definition.js'
import { audit } from '../../src/store/audit.js'
import type { Sql } from '../../src/store/client.js'
import {
  readBacklog,
  readCourse,
  readKeys,
  readLastLease,
  readLeftovers,
  readStormReceipts,
  readStormResults,
  readUnprovenLeases,
  type StormCourse,
} from '../../src/store/torture.js'
import { type Evidence, faultCounts, type Leftovers, type Reckoning, reckon } from './check.js'
import type { FaultProxy } from './fault-proxy.js'
import { startFaultProxy } from './fault-proxy.js'
import type { FaultName } from './faults.js'
import { Feeder } from './feeder.js'
import type { Ledger } from './ledger.js'
import type { StormNodes } from './nodes.js'
import { type Referee, startReferee } from './origin.js'
import { createPlan } from './plan.js'
import { processesWith } from './processes.js'
import { type Deeds, type FaultRecord, pause, runStorm, type StormEnd } from './storm.js'

/** What stands while a storm is under way. */
export interface Scene {
  readonly proxy: FaultProxy
  readonly nodes: StormNodes
  readonly feeder: Feeder
  /** Aborted when somebody stops the storm: deeds undo at once what they did. */
  readonly stop: AbortSignal
}

export interface Progress {
  readonly passedMs: number
  readonly faults: number
  readonly kills: number
  readonly fetches: number
  readonly waiting: number | null
}

export interface TortureRequest {
  readonly sql: Sql
  /** The database that the proxy stands before. */
  readonly url: string
  readonly workflow: {
    readonly workflowId: number
    readonly sinks: readonly SinkDefinition[]
    /** Its table, where it is the built-in one, of which everything can be checked. */
    readonly ownTable: string | null
  }
  readonly seed: number
  readonly kinds: readonly FaultName[]
  readonly durationMs: number
  readonly calmMs: { readonly min: number; readonly max: number }
  readonly waitingMin: number
  readonly slots: number
  readonly leaseMs: number
  readonly drainBoundMs: number
  /** Beginning of the names of the storm's nodes. */
  readonly nodePrefix: string
  readonly clock: Clock
  readonly stop: AbortSignal
  readonly startNodes: (place: {
    readonly databaseUrl: string
    readonly temporary: string
  }) => Promise<StormNodes>
  readonly deeds: (scene: Scene) => Deeds
  readonly onProgress: (progress: Progress) => void
}

export interface TortureEnd {
  readonly storm: StormEnd
  readonly reckoning: Reckoning
  readonly course: StormCourse
  readonly resumed: ReadonlyMap<string, number>
}

const PROGRESS_MS = 500
const LOOK_MS = 200
const STARTING_LOOKS_MAX = 150
/** Pages asked for before the first fault. */
const CALLS_FIRST = 20
/** Time for processes to notice that whom they worked for is gone. */
const ORPHANS_MS = 10_000
const KILLS: ReadonlySet<FaultName> = new Set(['kill-worker', 'kill-supervisor'])

/** @returns null when it was stopped before its end; nothing of it is left then, either. */
export async function torture(request: TortureRequest): Promise<TortureEnd | null> {
  const temporary = await mkdtemp(join(tmpdir(), 'fetchyard-torture-'))
  const referee = await startReferee(request.seed)
  const proxy = await startFaultProxy({ url: request.url })
  const feeder = new Feeder({
    sql: request.sql,
    workflowId: request.workflow.workflowId,
    referee: request.workflow.ownTable === null ? null : referee,
    waitingMin: request.waitingMin,
  })
  let nodes: StormNodes | null = null
  try {
    const sinceLease = await readLastLease(request.sql)
    await feeder.start()
    nodes = await request.startNodes({ databaseUrl: proxy.url, temporary })
    const scene = { proxy, nodes, feeder, stop: request.stop }
    const storm = await blow(request, scene, referee)
    feeder.stopFeeding()
    const drainedMs = await drain(request, scene)
    await feeder.end()
    if (request.stop.aborted) return null
    const course = await readCourse(request.sql, { ...ofStorm(request), sinceLease })
    const left = await leftoversOf(request, temporary)
    const witnesses = { storm, referee, feeder, nodes, sinceLease, course, left, drainedMs }
    const reckoning = reckon(await gather(request, witnesses))
    return { storm, reckoning, course, resumed: feeder.resumed() }
  } finally {
    nodes?.kill()
    await feeder.end()
    await proxy.close()
    await referee.close()
    await rm(temporary, { recursive: true, force: true })
  }
}

const ofStorm = ({ workflow, nodePrefix }: TortureRequest) => ({
  workflowId: workflow.workflowId,
  nodePrefix,
})

async function blow(request: TortureRequest, scene: Scene, referee: Referee): Promise<StormEnd> {
  const { seed, kinds, calmMs, clock, durationMs, stop, onProgress } = request
  const startedMs = clock.nowMs()
  const records: FaultRecord[] = []
  const tell = () =>
    onProgress({
      passedMs: Math.round(clock.nowMs() - startedMs),
      faults: records.length,
      kills: killsOf(records),
      fetches: referee.calls.length,
      waiting: null,
    })
  const ticking = setInterval(tell, PROGRESS_MS)
  try {
    await untilWorking(request, scene, referee)
    return await runStorm({
      plan: createPlan({ seed, kinds, calmMs }),
      deeds: request.deeds(scene),
      clock,
      durationMs,
      stop,
      onFault: (record) => records.push(record),
    })
  } finally {
    clearInterval(ticking)
  }
}

/** A storm over supervisors that are only starting would meet nobody. */
async function untilWorking(
  { workflow, stop }: TortureRequest,
  { nodes }: Scene,
  { calls }: Referee,
): Promise<void> {
  for (let looks = 0; looks < STARTING_LOOKS_MAX && !stop.aborted; looks += 1) {
    const isWorking = workflow.ownTable === null || calls.length >= CALLS_FIRST
    if (isWorking && (await nodes.living()).length > 0) return
    await pause(LOOK_MS, stop)
  }
}

const killsOf = (faults: readonly FaultRecord[]) =>
  faults.filter(({ kind }) => KILLS.has(kind)).length

/**
 * Works what is left, and lets the supervisors go. A workflow of the user's may have more waiting
 * than anybody wants to wait for: there the supervisors' own drain counts.
 *
 * @returns how long it took; null when it did not come to its end.
 */
async function drain(request: TortureRequest, { nodes }: Scene): Promise<number | null> {
  const { clock, sql, workflow, stop, drainBoundMs } = request
  const startedMs = clock.nowMs()
  const passedMs = () => Math.round(clock.nowMs() - startedMs)
  let emptyMs: number | null = null
  while (workflow.ownTable !== null && emptyMs === null && !stop.aborted) {
    // A database that is away has not said that the queue is empty.
    const backlog = await readBacklog(sql, workflow.workflowId).catch(() => null)
    if (backlog !== null && backlog.waiting + backlog.leased === 0) emptyMs = passedMs()
    else if (passedMs() > drainBoundMs) break
    else await pause(LOOK_MS, stop)
  }
  await nodes.drain()
  return workflow.ownTable === null ? passedMs() : emptyMs
}

/** Workers notice within two seconds that their supervisor is gone. */
async function leftoversOf(request: TortureRequest, temporary: string): Promise<Leftovers> {
  const { clock, sql } = request
  const limitMs = clock.nowMs() + ORPHANS_MS
  let pids = await processesWith(temporary)
  while (pids.length > 0 && clock.nowMs() < limitMs) {
    await pause(LOOK_MS, request.stop)
    pids = await processesWith(temporary)
  }
  const inDatabase = await readLeftovers(sql, ofStorm(request))
  const files = await readdir(temporary)
  return { ...inDatabase, processes: pids.map((pid) => `process ${pid}`), files }
}

interface Witnesses {
  readonly storm: StormEnd
  readonly referee: Referee
  readonly feeder: Feeder
  readonly nodes: StormNodes
  readonly sinceLease: string
  readonly course: StormCourse
  readonly left: Leftovers
  readonly drainedMs: number | null
}

async function gather(request: TortureRequest, witnesses: Witnesses): Promise<Evidence> {
  const { sql, workflow, slots, drainBoundMs } = request
  const { storm, referee, feeder, nodes, sinceLease, course, left, drainedMs } = witnesses
  const { workflowId, ownTable, sinks } = workflow
  const unproven = await Promise.all(
    sinks.map((sink) => readUnprovenLeases(sql, { sink, sinceLease })),
  )
  return {
    audit: await audit(sql),
    receipts: await readStormReceipts(sql, { workflowId, sinceLease }),
    faults: storm.faults,
    leftovers: left,
    strangeEnds: nodes.strangeEnds(),
    drainedMs,
    drainBoundMs,
    slots,
    fences: course.fences,
    unprovenLeases: unproven.flat(),
    own:
      ownTable === null
        ? null
        : {
            keysFed: feeder.keys(),
            keysStored: await readKeys(sql, workflowId),
            results: await readStormResults(sql, ownTable),
            calls: referee.calls,
          },
  }
}

/** What the ledger says of a storm beside what its caller knows. */
export function ledgerOf(
  request: TortureRequest,
  { storm, reckoning, course, resumed }: TortureEnd,
  known: Pick<Ledger, 'replay' | 'database' | 'workflow' | 'nodes' | 'conditions' | 'leftOut'> & {
    readonly version: string
  },
): Ledger {
  const { version, ...words } = known
  return {
    ...words,
    seed: request.seed,
    versions: {
      fetchyard: version,
      node: process.versions.node,
      postgres: course.serverVersion,
    },
    slots: request.slots,
    leaseMs: request.leaseMs,
    durationMs: storm.durationMs,
    faults: faultCounts(storm.faults),
    log: storm.faults,
    kills: killsOf(storm.faults),
    missed: storm.missed,
    resumed: Object.fromEntries(resumed),
    figures: reckoning.figures,
    standstillMs: Math.round(course.standstillMs),
    drainBoundMs: request.drainBoundMs,
    problems: reckoning.problems,
    isClean: reckoning.problems.length === 0,
  }
}
