import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { statFields } from '../../src/core/proc-stat.js'

// CPU time and memory of whole process trees, from /proc. Linux only.

export interface ProcessStat {
  readonly pid: number
  readonly parentPid: number
  /** Ticks of user and system time, those of children that were waited for included. */
  readonly ticks: number
  readonly rssPages: number
}

export type Processes = ReadonlyMap<number, ProcessStat>

/** Reads one line of /proc/<pid>/stat. */
function parseStat(line: string): ProcessStat {
  const fields = statFields(line)
  // Numbers by proc(5), counted from 1; the fields here begin with the third.
  const field = (number: number): number => Number(fields[number - 3] ?? Number.NaN)
  return {
    pid: Number.parseInt(line, 10),
    parentPid: field(4),
    ticks: field(14) + field(15) + field(16) + field(17),
    rssPages: field(24),
  }
}

export function readProcesses(): Processes {
  const processes = new Map<number, ProcessStat>()
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue
    const line = readOrNull(`/proc/${name}/stat`)
    if (line !== null) processes.set(Number(name), parseStat(line))
  }
  return processes
}

/** A process may end between the listing and the reading. */
function readOrNull(path: string): string | null {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return null
  }
}

function childrenByParent(processes: Processes): Map<number, number[]> {
  const children = new Map<number, number[]>()
  for (const { pid, parentPid } of processes.values()) {
    const siblings = children.get(parentPid)
    if (siblings === undefined) children.set(parentPid, [pid])
    else siblings.push(pid)
  }
  return children
}

/** The roots that are alive and all their descendants, each once. */
function treeOf(processes: Processes, roots: readonly number[]): ProcessStat[] {
  const children = childrenByParent(processes)
  const found = new Map<number, ProcessStat>()
  const waiting = [...roots]
  for (let pid = waiting.pop(); pid !== undefined; pid = waiting.pop()) {
    const process = processes.get(pid)
    if (process === undefined || found.has(pid)) continue
    found.set(pid, process)
    waiting.push(...(children.get(pid) ?? []))
  }
  return [...found.values()]
}

function systemFigure(name: 'CLK_TCK' | 'PAGESIZE'): number {
  return Number(execFileSync('getconf', [name], { encoding: 'utf8' }))
}

/**
 * CPU seconds, user and system, that the trees of `roots` have used so far. Take it twice and
 * subtract. A child that ends in between stays counted as soon as its parent has waited for it; one
 * whose parent ended before it is lost, so a daemon such as a postmaster must be a root itself.
 */
export function cpuSeconds(roots: readonly number[]): number {
  const tree = treeOf(readProcesses(), roots)
  return tree.reduce((sum, { ticks }) => sum + ticks, 0) / systemFigure('CLK_TCK')
}

/** Resident bytes of one process, without its children; 0 when it is gone. */
export function residentBytes(pid: number): number {
  const line = readOrNull(`/proc/${pid}/stat`)
  return line === null ? 0 : parseStat(line).rssPages * systemFigure('PAGESIZE')
}

/** Most bytes that a process ever had resident, without its children; 0 when it is gone. */
export function peakResidentBytes(pid: number): number {
  const kilobytes = /^VmHWM:\s+(\d+) kB/m.exec(readOrNull(`/proc/${pid}/status`) ?? '')?.[1]
  return Number(kilobytes ?? 0) * 1_024
}

/** Resident bytes of the trees of `roots`. Shared memory is counted in each of them. */
export function rssBytes(roots: readonly number[]): number {
  const tree = treeOf(readProcesses(), roots)
  return tree.reduce((sum, { rssPages }) => sum + rssPages, 0) * systemFigure('PAGESIZE')
}

/**
 * Proportional resident bytes of the trees of `roots`: shared memory, such as a database's buffers,
 * is divided among those that map it. Reads only processes of the own user, unless root.
 */
export function pssBytes(roots: readonly number[]): number {
  return treeOf(readProcesses(), roots).reduce((sum, { pid }) => {
    const kilobytes = /^Pss:\s+(\d+) kB/m.exec(readOrNull(`/proc/${pid}/smaps_rollup`) ?? '')?.[1]
    return sum + Number(kilobytes ?? 0) * 1_024
  }, 0)
}

/** Pid of the postmaster that runs on a data directory, or null when none has written its file. */
export function postmasterPid(dataDirectory: string): number | null {
  const pid = Number.parseInt(readOrNull(join(dataDirectory, 'postmaster.pid')) ?? '', 10)
  return Number.isInteger(pid) && pid > 0 ? pid : null
}
