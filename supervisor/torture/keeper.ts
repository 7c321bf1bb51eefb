// A process beside the storm that holds the other end of a pipe. When the storm is gone, be it by
// kill -9, the pipe ends, and the keeper ends what the storm had started: a supervisor that lies
// frozen could not notice by itself. It reads lines: `+pid` for a process that began, `-pid` for
// one that is over.

import { createInterface } from 'node:readline'
import { isSameProcess, observeProcess, type ProcessIdentity } from '../embedded/identity.js'

const kept = new Map<number, Promise<ProcessIdentity>>()

async function identify(pid: number): Promise<ProcessIdentity> {
  return { pid, born: (await observeProcess(pid)).born }
}

async function end(recorded: Promise<ProcessIdentity>): Promise<void> {
  const identity = await recorded
  if (isSameProcess(identity, await observeProcess(identity.pid))) {
    process.kill(identity.pid, 'SIGKILL')
  }
}

// What the terminal says to everybody is for the storm, which tells the keeper by the pipe's end.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {})

const lines = createInterface({ input: process.stdin })
lines.on('line', (line) => {
  const pid = Number(line.slice(1))
  if (line.startsWith('+')) kept.set(pid, identify(pid))
  else kept.delete(pid)
})
lines.once('close', async () => {
  await Promise.allSettled([...kept.values()].map(end))
  process.exit(0)
})
