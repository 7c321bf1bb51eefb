// Processes as the system shows them: who began whom, and who is still there.

import { readdir, readFile } from 'node:fs/promises'
import { isSameProcess, observeProcess } from '../embedded/identity.js'
import { runProgram } from '../embedded/program.js'

/** Pids of the processes that a process began and that live. */
export async function childrenOf(pid: number): Promise<readonly number[]> {
  if (process.platform !== 'linux') return childrenByPs(pid)
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '')
  return text.split(' ').filter(Boolean).map(Number)
}

async function childrenByPs(pid: number): Promise<readonly number[]> {
  const args = ['-A', '-o', 'pid=,ppid=']
  const { stdout } = await runProgram({ file: '/bin/ps', args, account: null })
  return stdout
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number))
    .flatMap(([child, parent]) => (parent === pid && child !== undefined ? [child] : []))
}

/** Whether a process runs; one that is dead and not yet collected does not. */
export async function isRunning(pid: number): Promise<boolean> {
  return isSameProcess({ pid, born: null }, await observeProcess(pid))
}

/**
 * Processes whose environment holds a word: those that were begun, however far down, by somebody
 * who was given it. Known on Linux alone; elsewhere nobody is found.
 */
export async function processesWith(word: string): Promise<readonly number[]> {
  const names = await readdir('/proc').catch((): string[] => [])
  const pids = names.map(Number).filter((pid) => pid > 0 && pid !== process.pid)
  const found = await Promise.all(
    pids.map(async (pid) => {
      const text = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '')
      return text.includes(word) && (await isRunning(pid)) ? [pid] : []
    }),
  )
  return found.flat()
}

/** Sends a signal to a process that may be gone. @returns whether it was there. */
export function signalProcess(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal)
  } catch {
    return false
  }
}
