// Who uses the running server, and who stops it.
//
// An exclusive holder (run, up, demo) owns the server for its whole life. Guests (status, audit,
// export, enqueue) come and go; each leaves a lock file of its own while it is there, so that one
// that was killed counts as gone. Starting, adopting and stopping happen one at a time, under the
// turn: a `run` that begins while a `status` is about to stop the server either is seen by it, or
// waits for its turn and starts the server again.

import { randomBytes } from 'node:crypto'
import { mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type Clock, systemClock } from '../../src/core/clock.js'
import { EMBEDDED_BOUNDS } from './bounds.js'
import { dataDirectoryError } from './files.js'
import { claimLock, type Lock, lockHolder, pause } from './lock.js'

/** Takes the one place of an exclusive holder. */
export async function becomeHolder(dataDir: string, purpose: string): Promise<Lock> {
  const claim = await claimLock(holderPath(dataDir), purpose)
  if (claim.lock !== undefined) return claim.lock
  const { pid, purpose: command } = claim.holder
  throw dataDirectoryError({
    path: dataDir,
    problem: `is in use by "${command}" (pid ${pid}), and only one process may own it`,
    fix: `Wait for it or stop it (kill ${pid}), or choose another data directory`,
  })
}

/** Registers a guest until its lock is released. */
export async function becomeGuest(dataDir: string, purpose: string): Promise<Lock> {
  await mkdir(guestsPath(dataDir), { recursive: true, mode: 0o700 })
  const name = `${process.pid}-${randomBytes(6).toString('hex')}.lock`
  const claim = await claimLock(join(guestsPath(dataDir), name), purpose)
  if (claim.lock !== undefined) return claim.lock
  throw new Error(`The name ${name} was taken, although it was drawn at random.`)
}

/** Runs `work` while nobody else starts or stops the server of this data directory. */
export async function inTurn<T>(
  dataDir: string,
  purpose: string,
  work: () => Promise<T>,
  clock: Clock = systemClock,
): Promise<T> {
  const turn = await waitForTurn(dataDir, purpose, clock)
  try {
    return await work()
  } finally {
    await turn.release()
  }
}

async function waitForTurn(dataDir: string, purpose: string, clock: Clock): Promise<Lock> {
  const sinceMs = clock.nowMs()
  while (true) {
    const claim = await claimLock(join(dataDir, 'turn.lock'), purpose, clock)
    if (claim.lock !== undefined) return claim.lock
    if (clock.nowMs() - sinceMs > EMBEDDED_BOUNDS.turnMs) {
      const { pid, purpose: command } = claim.holder
      throw dataDirectoryError({
        path: dataDir,
        problem: `has been kept busy by "${command}" (pid ${pid}), which starts or stops it`,
        fix: `Stop that process (kill ${pid}), then start again`,
      })
    }
    await pause(clock, EMBEDDED_BOUNDS.lookAgainMs)
  }
}

/** Counts the guests that live, and removes what dead ones left. Call it in turn. */
export async function countGuests(dataDir: string): Promise<number> {
  const directory = guestsPath(dataDir)
  const names = await readdir(directory).catch(() => [])
  let living = 0
  for (const name of names.filter((each) => each.endsWith('.lock'))) {
    if ((await lockHolder(join(directory, name))) === null) await rm(join(directory, name))
    else living += 1
  }
  return living
}

export async function hasHolder(dataDir: string): Promise<boolean> {
  return (await lockHolder(holderPath(dataDir))) !== null
}

export interface Leaving {
  readonly role: 'holder' | 'guest'
  /** Whether the server was started for guests only. */
  readonly temporary: boolean
  /** Guests that stay. */
  readonly guests: number
  /** Whether an exclusive holder is there, apart from the one that leaves. */
  readonly hasHolder: boolean
  /** Clients connected to the server. A holder sends them away; a guest does not. */
  readonly clients: number
}

/** What the one who leaves does with the server. To hand over is to let the last guest stop it. */
export function planLeaving(leaving: Leaving): 'stop' | 'hand-over' | 'leave' {
  if (leaving.role === 'holder') return leaving.guests > 0 ? 'hand-over' : 'stop'
  if (leaving.hasHolder || !leaving.temporary) return 'leave'
  return leaving.guests > 0 || leaving.clients > 0 ? 'leave' : 'stop'
}

function holderPath(dataDir: string): string {
  return join(dataDir, 'supervisor.lock')
}

function guestsPath(dataDir: string): string {
  return join(dataDir, 'guests')
}
