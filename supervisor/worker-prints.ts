// What a child process prints by itself becomes lines of its supervisor's log, like what its
// handler logs: one stream, one format, secrets removed. A line that stands in its pipes when it
// dies is read before its end is told.

import type { ChildProcess } from 'node:child_process'
import type { Readable } from 'node:stream'
import type { LogLine } from '../src/actor/messages.js'
import { createLineCutter } from '../src/actor/print-lines.js'

/** A program that the handler started may hold the pipes open after the child has ended. */
const PIPES_MS = 2_000

const LEVELS = { stdout: 'info', stderr: 'warn' } as const

export function readPrints(child: ChildProcess, onLine: (line: LogLine) => void): void {
  for (const stream of ['stdout', 'stderr'] as const) {
    const source = child[stream]
    if (source === null) continue
    const cutter = createLineCutter((message) =>
      onLine({ type: 'log', level: LEVELS[stream], message, fields: { stream } }),
    )
    source.setEncoding('utf8').on('data', cutter.push).on('end', cutter.end)
    // A pipe that breaks has said what it could.
    source.on('error', cutter.end)
  }
  child.once('exit', () => {
    setTimeout(() => closePipes([child.stdout, child.stderr]), PIPES_MS).unref()
  })
}

/** With its pipes closed the child is closed, whoever still holds their other ends. */
function closePipes(pipes: readonly (Readable | null)[]): void {
  for (const pipe of pipes) pipe?.destroy()
}
