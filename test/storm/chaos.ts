// The long storm: the engine of `fetchyard torture` over supervisors under real PM2, with the faults
// that need a server and a machine of one's own.

import { access, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { systemClock } from '../../src/core/clock.js'
import { connect, type Sql } from '../../src/store/client.js'
import { ensureReceiptPartitions } from '../../src/store/housekeeping.js'
import { migrate } from '../../src/store/migrate.js'
import { createTortureTable } from '../../src/store/torture.js'
import { pauseWorkflow, registerWorkflow, resumeWorkflow } from '../../src/store/workflows.js'
import definition, { TORTURE_TABLE } from '../../src/workflows/torture.js'
import { itemDeeds, proxyDeeds, signalDeeds } from '../../supervisor/torture/deeds.js'
import { FAULT_KINDS, FAULT_NAMES, type FaultName } from '../../supervisor/torture/faults.js'
import type { Ledger } from '../../supervisor/torture/ledger.js'
import { strengthOf } from '../../supervisor/torture/plan.js'
import { type Deeds, pause } from '../../supervisor/torture/storm.js'
import {
  ledgerOf,
  type Progress,
  type Scene,
  type TortureRequest,
  torture,
} from '../../supervisor/torture/torture.js'
import { version } from '../../supervisor/version.js'
import { startPm2Nodes } from './pm2-nodes.js'
import { type StormServer, startStormServer } from './server.js'

export interface ChaosRequest {
  readonly seed: number
  readonly durationMs: number
  readonly stop?: AbortSignal
  readonly onProgress?: (progress: Progress) => void
}

const MODULE = fileURLToPath(new URL('../../src/workflows/torture.js', import.meta.url))
const LEASE_MS = 4_000
const SLOTS = 12
const PREFIX = 'storm-'
const SETTINGS = {
  allowRanges: ['loopback'],
  port: 'off',
  logFormat: 'json',
  logLevel: 'error',
  leaseMs: LEASE_MS,
  heartbeatMs: 500,
  sweepMs: 500,
  drainMs: 15_000,
  executor: 'both',
  processes: 2,
  concurrency: SLOTS,
  heapMb: 128,
  backoffMs: 50,
  backoffMaxMs: 1_000,
}
const CALM_MS = { min: 50, max: 700 }
const WAITING_MIN = 400
const DRAIN_BOUND_MS = 120_000

export async function runChaos(request: ChaosRequest): Promise<Ledger> {
  const server = await startStormServer()
  const database = await connect({ url: server.url, poolMax: 4 })
  try {
    return await chaosOn(request, server, database.sql)
  } finally {
    await database.close()
    await server.end()
  }
}

async function chaosOn(chaos: ChaosRequest, server: StormServer, sql: Sql): Promise<Ledger> {
  await migrate(sql)
  await ensureReceiptPartitions(sql)
  await createTortureTable(sql, TORTURE_TABLE)
  const { workflowId } = await registerWorkflow(sql, definition.name)
  const clockLibrary = await findClockLibrary()
  const apps = appsOf(clockLibrary)
  const isLeftOut = (kind: FaultName) =>
    FAULT_KINDS[kind].need === 'disk' && server.diskReason !== null
  const request: TortureRequest = {
    ...{ sql, url: server.url, seed: chaos.seed, durationMs: chaos.durationMs },
    workflow: {
      workflowId,
      sinks: Object.values(definition.sinks),
      ownTable: TORTURE_TABLE,
    },
    kinds: FAULT_NAMES.filter((kind) => !isLeftOut(kind)),
    ...{ calmMs: CALM_MS, waitingMin: WAITING_MIN, slots: SLOTS, leaseMs: LEASE_MS },
    ...{ drainBoundMs: DRAIN_BOUND_MS, nodePrefix: PREFIX, clock: systemClock },
    stop: chaos.stop ?? new AbortController().signal,
    startNodes: (place) => startPm2Nodes({ apps, module: MODULE, settings: SETTINGS, ...place }),
    deeds: (scene) => deedsOf(scene, { server, sql, workflowId }),
    onProgress: chaos.onProgress ?? (() => {}),
  }
  const end = await torture(request)
  if (end === null) throw new Error('stopped before the end; nothing of it is left')
  return ledgerOf(request, end, {
    version,
    replay: `npm run chaos -- --seconds ${chaos.durationMs / 1_000} --seed ${chaos.seed}`,
    database: 'a Postgres of its own',
    workflow: 'torture (built in), supervisors under PM2',
    nodes: apps.length,
    conditions: clockLibrary === null ? [] : ['the wall clock of one node is 10 minutes ahead'],
    leftOut: [
      ...FAULT_NAMES.filter(isLeftOut).map((kind) => `${kind}: ${server.diskReason}`),
      ...(clockLibrary === null ? ['a wrong wall clock: libfaketime is not installed'] : []),
    ],
  })
}

/** libfaketime as Debian installs it, below the directory of the machine's architecture. */
async function findClockLibrary(): Promise<string | null> {
  const names = await readdir('/usr/lib').catch((): string[] => [])
  for (const name of names) {
    const path = join('/usr/lib', name, 'faketime', 'libfaketime.so.1')
    const isThere = await access(path).then(
      () => true,
      () => false,
    )
    if (isThere) return path
  }
  return null
}

/** Two nodes, and a third whose wall clock is wrong; its monotonic clock is not. */
function appsOf(clockLibrary: string | null) {
  const wrong = clockLibrary === null ? {} : wrongClock(clockLibrary)
  return [
    { name: `${PREFIX}a`, environment: {} },
    { name: `${PREFIX}b`, environment: {} },
    { name: `${PREFIX}c`, environment: wrong },
  ]
}

const wrongClock = (library: string) => ({
  LD_PRELOAD: library,
  FAKETIME: '+10m',
  DONT_FAKE_MONOTONIC: '1',
  FAKETIME_DONT_FAKE_MONOTONIC: '1',
})

const PAUSE_REASON = 'storm'

function deedsOf(
  { proxy, nodes, feeder, stop }: Scene,
  world: { readonly server: StormServer; readonly sql: Sql; readonly workflowId: number },
): Deeds {
  const { server, sql, workflowId } = world
  return {
    ...signalDeeds({ nodes, leaseMs: LEASE_MS, stop }),
    ...proxyDeeds({ proxy, leaseMs: LEASE_MS, stop, restart: null }),
    ...itemDeeds({
      stop,
      enqueueMisdeed: feeder.enqueueMisdeed,
      pause: async () => void (await pauseWorkflow(sql, { workflowId, reason: PAUSE_REASON })),
      resume: async () => void (await resumeWorkflow(sql, { workflowId, reason: PAUSE_REASON })),
    }),
    crash: async (fault) => {
      const ms = strengthOf(fault, { min: 0, max: 2_500 })
      await server.stop()
      await pause(ms, stop)
      await server.start()
      return `away for ${ms} ms`
    },
    terminate: async () => {
      const rows = await sql`
        select pg_terminate_backend(pid) from pg_stat_activity
         where application_name = 'fetchyard' and datname = current_database()
           and pid <> pg_backend_pid()`
      return `${rows.length} connections`
    },
    'disk-full': async (fault) => {
      const ms = strengthOf(fault, { min: 1_500, max: 4_000 })
      const before = await server.noRoomSaid()
      await server.fill()
      try {
        await pause(ms, stop)
      } finally {
        await server.clear()
      }
      return `for ${ms} ms; the server said so ${(await server.noRoomSaid()) - before} times`
    },
  }
}
