import { stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { systemClock } from '../../src/core/clock.js'
import type { FetchyardError } from '../../src/core/errors.js'
import { ensureDatabase, type ServerAddress } from '../../src/store/embedded.js'
import { chooseAccount } from './account.js'
import { chooseListener, DATABASE_NAME, freePort, type Listener } from './address.js'
import { EMBEDDED_BOUNDS } from './bounds.js'
import { type Cluster, startError, startServer } from './control.js'
import { createCluster, needsCluster } from './data-directory.js'
import { dataDirectoryError } from './files.js'
import { chooseHome } from './home.js'
import { prepareBinaries } from './hydrate.js'
import { pause } from './lock.js'
import { type Memory, newMemory, recall, remember } from './memory.js'
import { findRunning } from './postmaster.js'
import type { Account } from './program.js'

export interface ArrivalRequest {
  readonly dataDir: string
  readonly exclusive: boolean
  readonly packageRoot: string
  readonly transport: 'socket' | 'loopback'
  readonly onProgress: (message: string) => void
}

export interface Arrival {
  readonly cluster: Cluster
  readonly address: ServerAddress
  /** Whether the server was running before. */
  readonly adopted: boolean
}

/** Finds or starts the server of a data directory. Call it in turn. */
export async function arrive(request: ArrivalRequest): Promise<Arrival> {
  const { dataDir, exclusive, onProgress } = request
  const recalled = await recall(dataDir)
  const { cluster, home } = await settle(request, recalled)
  const isNew = await needsCluster(cluster.pgDir, recalled, cluster.binaries.major)
  const memory = recalled?.created ? recalled : { ...(recalled ?? newMemory(null)), home }
  if (isNew) {
    // The password is written down first: a database whose password was lost is of no use.
    await remember(dataDir, memory)
    onProgress(`Creating a database in ${cluster.pgDir}.`)
    await createCluster(cluster, memory.password)
  }
  const { address, adopted } = await findOrStart(request, cluster, memory)
  await ensureDatabase(address, DATABASE_NAME, EMBEDDED_BOUNDS.connectSeconds)
  // Once an exclusive holder has had it, guests leave the server alone.
  const temporary = !exclusive && (adopted ? memory.temporary : true)
  await remember(dataDir, { ...memory, created: true, temporary })
  return { cluster, address, adopted }
}

/** Decides who runs the server, with which programs, and where its files are. */
async function settle(
  request: ArrivalRequest,
  recalled: Memory | null,
): Promise<{ readonly cluster: Cluster; readonly home: string | null }> {
  const { dataDir, packageRoot, onProgress } = request
  const known = join(recalled?.home ?? dataDir, 'pg')
  const account = await chooseAccount((await exists(known)) ? known : null)
  const home = recalled?.created
    ? (recalled.home ?? dataDir)
    : await chooseHome(dataDir, account, onProgress)
  const binaries = await prepareBinaries({ packageRoot, account, cacheDir: home, onProgress })
  const cluster = { binaries, pgDir: join(home, 'pg'), account }
  return { cluster, home: home === dataDir ? null : home }
}

async function findOrStart(
  request: ArrivalRequest,
  cluster: Cluster,
  memory: Memory,
): Promise<{ readonly address: ServerAddress; readonly adopted: boolean }> {
  const { onProgress } = request
  const { pgDir, account } = cluster
  const running = await findRunning(pgDir, memory.password, onProgress)
  if (running !== null) {
    onProgress(`Using the Postgres that runs already (pid ${running.pid}).`)
    return { address: running.address, adopted: true }
  }
  onProgress('Starting Postgres.')
  await startOn(cluster, await listenerFor(request, dirname(pgDir), account))
  const started = await findRunning(pgDir, memory.password, onProgress)
  if (started === null) throw startError(pgDir, 'it ended right after its start')
  return { address: started.address, adopted: false }
}

function listenerFor(
  request: ArrivalRequest,
  home: string,
  account: Account | null,
): Promise<Listener> {
  return request.transport === 'socket' ? chooseListener(home, account) : loopback()
}

async function loopback(): Promise<Listener> {
  return { kind: 'loopback', port: await freePort() }
}

/** Tries again where time or another port helps, within bounds. */
async function startOn(cluster: Cluster, first: Listener): Promise<void> {
  const sinceMs = systemClock.nowMs()
  let listener = first
  let ports = 1
  while (true) {
    const end = await startServer(cluster, listener)
    if (end === 'started') return
    if (end === 'in-use') {
      if (systemClock.nowMs() - sinceMs > EMBEDDED_BOUNDS.silenceMs) throw stillInUse(cluster)
      await pause(systemClock, EMBEDDED_BOUNDS.askAgainMs)
      continue
    }
    // Between our look at a free port and the server's, somebody else may take it.
    if (ports >= EMBEDDED_BOUNDS.portTriesMax) throw noPort(cluster)
    ports += 1
    listener = await loopback()
  }
}

function stillInUse(cluster: Cluster): FetchyardError {
  return dataDirectoryError({
    path: cluster.pgDir,
    problem: 'is still in use by processes of a Postgres that was killed',
    fix: 'End those processes (named postgres), then start again',
  })
}

function noPort(cluster: Cluster): FetchyardError {
  return startError(cluster.pgDir, 'every port that was free was taken before it could listen')
}

async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(() => null)) !== null
}
