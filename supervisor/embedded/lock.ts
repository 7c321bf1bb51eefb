// A lock that a killed process cannot keep.
//
// A lock is a file that names its holder: pid, birth, purpose, and a nonce. It appears with its whole
// content at once (written elsewhere, then linked). The holder is asked for by pid *and* birth, so
// neither a kill -9 nor a recycled pid blocks anybody.
//
// Taking over from the dead is the hard part: two racers that both saw the dead holder must not both
// win, and the slower one must not remove the lock of the faster. So the right to replace the lock of
// holder N is a lock of its own, named after N's nonce. Who has it looks again whether N still stands
// there; only then it renames its own record over the lock. A racer that comes later finds another
// nonce and starts over. A process killed while it takes over leaves a dead lock with a nonce of its
// own, which is taken over in the same way.

import { createHash, randomBytes } from 'node:crypto'
import { link, rename, rm, writeFile } from 'node:fs/promises'
import { assert } from '../../src/core/assert.js'
import { type Clock, systemClock } from '../../src/core/clock.js'
import { hasCode } from '../../src/core/errors.js'
import { EMBEDDED_BOUNDS } from './bounds.js'
import { readIfThere } from './files.js'
import { isSameProcess, observeProcess, ownIdentity, type ProcessIdentity } from './identity.js'

export interface LockRecord extends ProcessIdentity {
  /** What the holder does, as a person would say it: `run`, `demo`. */
  readonly purpose: string
  readonly nonce: string
}

export interface Lock {
  readonly record: LockRecord
  /** Gives the lock up; harmless when it is gone. */
  readonly release: () => Promise<void>
}

export type Claim =
  | { readonly lock: Lock; readonly holder?: never }
  | { readonly lock?: never; readonly holder: LockRecord }

/** Takes the lock at `path`, or says which living process holds it. Never waits for the holder. */
export async function claimLock(
  path: string,
  purpose: string,
  clock: Clock = systemClock,
): Promise<Claim> {
  const nonce = randomBytes(8).toString('hex')
  const record: LockRecord = { ...(await ownIdentity()), purpose, nonce }
  const draft = `${path}.${nonce}.draft`
  await writeFile(draft, JSON.stringify(record), { flag: 'wx', mode: 0o600 })
  try {
    const holder = await claimWith({ path, draft, clock, depth: 0 })
    return holder === null ? { lock: lockOf(path, record) } : { holder }
  } finally {
    await rm(draft, { force: true })
  }
}

/** The living holder of a lock, or `null`. Looks only: a dead holder's lock stays where it is. */
export async function lockHolder(path: string): Promise<LockRecord | null> {
  const text = await readIfThere(path)
  if (text === null) return null
  const record = parseLock(text)
  return isSameProcess(record, await observeProcess(record.pid)) ? record : null
}

/** A lock's text as a record. Text that is no record (a disk that lost power) counts as dead. */
export function parseLock(text: string): LockRecord {
  try {
    const value: unknown = JSON.parse(text)
    if (isRecord(value)) return value
  } catch {
    // Falls through to the record of nobody.
  }
  const nonce = createHash('sha256').update(text).digest('hex').slice(0, 16)
  return { pid: 0, born: 'never', purpose: 'unknown', nonce }
}

function isRecord(value: unknown): value is LockRecord {
  if (typeof value !== 'object' || value === null) return false
  if (!('pid' in value && 'born' in value && 'purpose' in value && 'nonce' in value)) return false
  return (
    Number.isSafeInteger(value.pid) &&
    Number(value.pid) > 0 &&
    (value.born === null || typeof value.born === 'string') &&
    typeof value.purpose === 'string' &&
    // The nonce becomes part of a file's name.
    typeof value.nonce === 'string' &&
    /^[0-9a-f]{16}$/.test(value.nonce)
  )
}

interface Attempt {
  readonly path: string
  /** A file with our record, to be linked or renamed to `path`. */
  readonly draft: string
  readonly clock: Clock
  readonly depth: number
}

/** @returns `null` when `path` is ours now, otherwise who holds it. */
async function claimWith(attempt: Attempt): Promise<LockRecord | null> {
  assert(attempt.depth <= EMBEDDED_BOUNDS.takeoverDepthMax, 'take-overs are not nested for ever')
  for (let tries = 0; tries < EMBEDDED_BOUNDS.lockTriesMax; tries += 1) {
    if (await linked(attempt.draft, attempt.path)) return null
    const text = await readIfThere(attempt.path)
    if (text === null) continue
    const holder = parseLock(text)
    if (isSameProcess(holder, await observeProcess(holder.pid))) return holder
    if (await replaceDead(attempt, holder)) return null
    await pause(attempt.clock, EMBEDDED_BOUNDS.lookAgainMs)
  }
  throw new Error(`The lock ${attempt.path} changed hands too often to be taken.`)
}

/** Replaces the lock of a dead holder, unless another racer does. */
async function replaceDead(attempt: Attempt, dead: LockRecord): Promise<boolean> {
  const right = `${attempt.path}.${dead.nonce}`
  const rival = await claimWith({ ...attempt, path: right, depth: attempt.depth + 1 })
  if (rival !== null) return false
  try {
    const text = await readIfThere(attempt.path)
    if (text === null || parseLock(text).nonce !== dead.nonce) return false
    // A second name of our record is renamed, so that `draft` remains for the next try.
    const copy = `${right}.copy`
    await rm(copy, { force: true })
    await link(attempt.draft, copy)
    await rename(copy, attempt.path)
    return true
  } finally {
    await rm(right, { force: true })
  }
}

async function linked(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to)
    return true
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false
    throw error
  }
}

function lockOf(path: string, record: LockRecord): Lock {
  return {
    record,
    release: async () => {
      const text = await readIfThere(path)
      if (text !== null && parseLock(text).nonce === record.nonce) await rm(path, { force: true })
    },
  }
}

export function pause(clock: Clock, delayMs: number): Promise<void> {
  return new Promise((resolve) => {
    clock.setTimer(delayMs, resolve)
  })
}
