// Processes of a browser, as the system has them.

import { readdir, readFile } from 'node:fs/promises'

/** Pids of living processes that were started with this in their environment, one of ours. */
export async function processesWith(variable: string): Promise<readonly number[]> {
  const names = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const found = await Promise.all(
    names.map(async (name) => {
      const environment = await readFile(`/proc/${name}/environ`, 'latin1').catch(() => '')
      return environment.split('\0').includes(variable) ? Number(name) : null
    }),
  )
  return found.filter((pid) => pid !== null)
}

/** The browser among the descendants of a process; null while there is none. */
export async function browserOf(pid: number): Promise<number | null> {
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '')
  for (const child of text.split(' ').filter(Boolean).map(Number)) {
    const command = await readFile(`/proc/${child}/cmdline`, 'utf8').catch(() => '')
    if (command.includes('--user-data-dir=')) return child
  }
  return null
}
