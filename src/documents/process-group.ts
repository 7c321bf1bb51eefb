// The processes of a browser: its group, its memory, and its end. Linux tells all of it in /proc;
// elsewhere `ps` tells the group, and the memory is not watched.

import { execFile, spawn } from 'node:child_process'
import { readdir, readFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { statFields } from '../core/proc-stat.js'

/** The group of a process; null when it is gone, or the system has none. */
export async function groupOf(pid: number): Promise<number | null> {
  if (process.platform === 'win32') return null
  const fields = await statOf(pid)
  if (fields !== null) return fields.group
  const words = ['-o', 'pgid=', '-p', `${pid}`]
  const told = await promisify(execFile)('ps', words).catch(() => null)
  const group = Number(told?.stdout.trim())
  return Number.isInteger(group) && group > 1 ? group : null
}

/** The command line of a process, in words; none when it is gone or the system does not tell. */
export async function commandOf(pid: number): Promise<readonly string[]> {
  const text = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
  if (text !== '') return text.split('\0')
  const words = ['-o', 'command=', '-p', `${pid}`]
  const told = await promisify(execFile)('ps', words).catch(() => null)
  return told?.stdout.trim().split(' ') ?? []
}

/** Processes of a group that are alive. Linux only: elsewhere none are seen. */
export async function membersOf(group: number): Promise<readonly number[]> {
  const names = await readdir('/proc').catch(() => [])
  const pids = names.filter((name) => /^\d+$/.test(name)).map(Number)
  const stats = await Promise.all(pids.map(async (pid) => ({ pid, fields: await statOf(pid) })))
  return stats.filter(({ fields }) => fields?.group === group).map(({ pid }) => pid)
}

/** Memory of a group, with what processes share counted once; null where nobody tells. */
export async function memoryOf(group: number): Promise<number | null> {
  const members = await membersOf(group)
  const sizes = await Promise.all(members.map(proportionalBytes))
  const known = sizes.filter((size) => size !== null)
  return known.length === 0 ? null : known.reduce((sum, size) => sum + size, 0)
}

async function proportionalBytes(pid: number): Promise<number | null> {
  const text = await readFile(`/proc/${pid}/smaps_rollup`, 'utf8').catch(() => '')
  const kilobytes = /^Pss:\s+(\d+) kB/m.exec(text)?.[1]
  return kilobytes === undefined ? null : Number(kilobytes) * 1_024
}

async function statOf(pid: number): Promise<{ readonly group: number } | null> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
  const [state, , group] = statFields(text)
  return text === '' || state === 'Z' ? null : { group: Number(group) }
}

/** Ends all processes of a group at once. One that is gone already is no error. */
export function killGroup(group: number): void {
  try {
    process.kill(-group, 'SIGKILL')
  } catch {
    // Nobody is left.
  }
}

export interface Keeper {
  /** Lets it do its work now: the group is ended and the directories removed. */
  readonly release: () => void
}

/**
 * Waits for the end of its standard input, which it has from us and from nobody else: it comes when
 * we let go of it, and when we die in whatever way. Only then are the groups and directories that
 * its arguments name ended and removed.
 */
const SCRIPT =
  'cat >/dev/null 2>&1; kill -s KILL -- "-$1" 2>/dev/null; shift; sleep 1; rm -rf -- "$@"'

/**
 * Sees to it that a browser does not outlive this process, not even when it is killed. A process
 * of its own, since we may have no moment left to do anything.
 */
export function keepGroup(group: number, directories: readonly string[]): Keeper {
  if (process.platform === 'win32') return { release: () => {} }
  const words = ['-c', SCRIPT, 'fetchyard-browser-keeper', `${group}`, ...directories]
  const keeper = spawn('/bin/sh', words, { detached: true, stdio: ['pipe', 'ignore', 'ignore'] })
  keeper.on('error', () => {})
  keeper.stdin.on('error', () => {})
  keeper.unref()
  return { release: () => void keeper.stdin.end() }
}
