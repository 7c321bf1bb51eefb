// In a thread, what a handler prints would go to the standard output of the supervisor, which
// belongs to results. It becomes lines of the log, as in a child process.

import type { LogLine } from '../src/actor/messages.js'
import { createLineCutter } from '../src/actor/print-lines.js'
import { logLine } from './log-line.js'

type Write = typeof process.stdout.write

/** @returns the function that gives the streams back, and says what was left without an end. */
export function takePrints(send: (line: LogLine) => void): () => void {
  const ends = [
    takeStream(process.stdout, (line) => send(logLine('info', line, { stream: 'stdout' }))),
    takeStream(process.stderr, (line) => send(logLine('warn', line, { stream: 'stderr' }))),
  ]
  return () => {
    for (const end of ends) end()
  }
}

function takeStream(stream: { write: Write }, onLine: (line: string) => void): () => void {
  const cutter = createLineCutter(onLine)
  const write = stream.write
  const take: Write = (chunk: string | Uint8Array, ...rest: unknown[]) => {
    cutter.push(typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString('utf8'))
    const done = rest.at(-1)
    if (typeof done === 'function') queueMicrotask(() => done())
    return true
  }
  stream.write = take
  return () => {
    stream.write = write
    cutter.end()
  }
}
