import { readFile } from 'node:fs/promises'
import { statFields } from '../../src/core/proc-stat.js'
import { codeOf } from './files.js'
import { runProgram } from './program.js'

/**
 * A process as others can recognise it. A pid alone is not enough: the system gives it to somebody
 * else when its process has died, and in a container the same small numbers come back every time.
 */
export interface ProcessIdentity {
  readonly pid: number
  /** When it was born, in the system's own words; `null` where the system does not tell. */
  readonly born: string | null
}

export interface ObservedProcess {
  /** Whether it still runs. A zombie does not: it is killed, and waits for its parent to notice. */
  readonly alive: boolean
  /** Whether the pid is in use, be it by a zombie. */
  readonly hasPid: boolean
  readonly born: string | null
  /** Name of the program it runs; `null` where the system does not tell. */
  readonly program: string | null
}

const DEAD: ObservedProcess = { alive: false, hasPid: false, born: null, program: null }
const ZOMBIE: ObservedProcess = { ...DEAD, hasPid: true }
const UNTOLD: ObservedProcess = { ...DEAD, alive: true, hasPid: true }

/** What the system says about a pid right now. */
export async function observeProcess(pid: number): Promise<ObservedProcess> {
  // To the system 0 and below mean process groups, and ours always lives.
  if (!Number.isSafeInteger(pid) || pid <= 0) return DEAD
  if (process.platform === 'linux') return observeOnLinux(pid)
  if (process.platform === 'darwin') return observeWithPs(pid)
  return observeBySignal(pid)
}

/** Ourselves, as written into a lock. */
export async function ownIdentity(): Promise<ProcessIdentity> {
  return { pid: process.pid, born: (await observeProcess(process.pid)).born }
}

/** Whether the process that wrote `recorded` still lives; unknown births are believed. */
export function isSameProcess(recorded: ProcessIdentity, observed: ObservedProcess): boolean {
  if (!observed.alive) return false
  return recorded.born === null || observed.born === null || recorded.born === observed.born
}

/**
 * Reads the line of `/proc/<pid>/stat`: the program's name in parentheses, the state as the third
 * field, the start in clock ticks since the machine's boot as the twenty-second.
 */
export function parseProcStat(text: string, bootId: string): ObservedProcess {
  const fields = statFields(text)
  const state = fields[0]
  const ticks = fields[19]
  if (state === undefined || state === 'Z' || state === 'X') return ZOMBIE
  const born = ticks === undefined ? null : `${bootId}:${ticks}`
  return { ...UNTOLD, born, program: text.slice(text.indexOf('(') + 1, text.lastIndexOf(')')) }
}

async function observeOnLinux(pid: number): Promise<ObservedProcess> {
  try {
    const [stat, bootId] = await Promise.all([
      readFile(`/proc/${pid}/stat`, 'utf8'),
      readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => 'unknown'),
    ])
    return parseProcStat(stat, bootId.trim())
  } catch {
    // A /proc that hides the processes of others answers like one without the process.
    return observeBySignal(pid)
  }
}

async function observeWithPs(pid: number): Promise<ObservedProcess> {
  const args = ['-o', 'stat=,lstart=,comm=', '-p', String(pid)]
  const { code, stdout } = await runProgram({ file: '/bin/ps', args, account: null })
  const [state, day, month, date, time, year, ...program] = stdout.trim().split(/\s+/)
  if (code !== 0 || state === undefined) return DEAD
  if (state.startsWith('Z')) return ZOMBIE
  const born = [day, month, date, time, year].join(' ')
  return { ...UNTOLD, born, program: program.join(' ') }
}

function observeBySignal(pid: number): ObservedProcess {
  try {
    process.kill(pid, 0)
    return UNTOLD
  } catch (error) {
    // EPERM is the answer of a living process that belongs to somebody else.
    return codeOf(error) === 'EPERM' ? UNTOLD : DEAD
  }
}
