// Whose a file under a temporary name is. It stands in the name, so that whoever comes later can
// tell what somebody still writes from what a dead process left. A pid alone would not do: systems
// give it to others, and in containers the same small numbers come back every time.

import { createHash } from 'node:crypto'
import { readFileSync, readlinkSync } from 'node:fs'
import { hostname } from 'node:os'
import { hasCode } from '../core/errors.js'
import { statFields } from '../core/proc-stat.js'

/** How an owner looks in a name: its machine, its pid, and when it was born. */
export const OWNER = '[0-9a-f]{8}-\\d{1,10}-\\d{1,20}'

/** Nothing is under a temporary name for so long, whoever wrote it. */
const FOREIGN_AGE_MS = 24 * 3_600_000

let own: string | null = null

/** This process, for names. */
export function ownOwner(): string {
  own ??= ownerOf(process.pid)
  return own
}

function ownerOf(pid: number): string {
  return `${machineDigest()}-${pid}-${bornOf(pid) ?? 0}`
}

/**
 * Whether whoever wrote a file may still be at it. Of another machine that shares the directory, or
 * a container that is no more, nobody here can tell: its files count as left behind after a day.
 */
export function isOwned(owner: string, ageMs: number): boolean {
  const [machine = '', pid = '', born = ''] = owner.split('-')
  if (machine !== machineDigest()) return ageMs < FOREIGN_AGE_MS
  const found = bornOf(Number(pid))
  return found !== null && (born === '0' || found === '0' || found === born)
}

/** The processes that can be told apart by their pids: those of one host, or one container. */
function machineDigest(): string {
  let space = ''
  try {
    space = readlinkSync('/proc/self/ns/pid')
  } catch {
    // Only Linux has any.
  }
  return createHash('sha256').update(`${hostname()}\0${space}`).digest('hex').slice(0, 8)
}

/** When a process was born, in clock ticks; '0' where nobody tells, null when it is gone. */
function bornOf(pid: number): string | null {
  try {
    const fields = statFields(readFileSync(`/proc/${pid}/stat`, 'utf8'))
    return fields[0] === 'Z' || fields[0] === 'X' ? null : (fields[19] ?? '0')
  } catch {
    return bySignal(pid)
  }
}

function bySignal(pid: number): string | null {
  try {
    process.kill(pid, 0)
    return '0'
  } catch (error) {
    // EPERM is the answer of a living process that belongs to somebody else.
    return hasCode(error, 'EPERM') ? '0' : null
  }
}
