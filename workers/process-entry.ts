// A worker as a child process, started by `fork`. Signals are the supervisor's business: a terminal
// or a process manager sends them to the whole tree, and what a worker has to do is then said by
// message.

import { Worker } from 'node:worker_threads'
import type { FromWorker } from '../src/actor/messages.js'
import { systemClock } from '../src/core/clock.js'
import { EXIT_CODES, messageOf } from '../src/core/errors.js'
import { WORKER_BOUNDS } from './bounds.js'
import { FetchLoop } from './fetch-loop.js'
import { loadDefault } from './load-default.js'
import { logLine } from './log-line.js'
import { watchEventLoop } from './vitals.js'

/** Messages handed to the channel that have not left yet. */
let leaving = 0
let exitCode: number | null = null

function send(message: FromWorker): void {
  if (!process.connected || process.send === undefined) return
  leaving += 1
  process.send(message, (_error: Error | null) => {
    // A message that cannot leave is lost with the supervisor it was meant for.
    leaving -= 1
    exitWhenSaid()
  })
}

function exitWhenSaid(): void {
  if (exitCode !== null && (leaving === 0 || !process.connected)) process.exit(exitCode)
}

/** Ends the process as soon as the last message has left. The first code given counts. */
function finish(code: number): void {
  exitCode ??= code
  setTimeout(() => process.exit(code), WORKER_BOUNDS.farewellMs)
  exitWhenSaid()
}

/**
 * A print waits for room in its pipe. Left to itself, what the pipe does not take stands in this
 * process, and `process.exit` of a handler loses it: the last lines, which say why.
 */
function keepPrints(stream: NodeJS.WriteStream): void {
  const { _handle: handle } = stream as {
    _handle?: { setBlocking?: (isBlocking: boolean) => void }
  }
  handle?.setBlocking?.(true)
}

keepPrints(process.stdout)
keepPrints(process.stderr)

const eventLoop = watchEventLoop()
const loop = new FetchLoop({
  pid: process.pid,
  clock: systemClock,
  send,
  finish,
  load: loadDefault,
  memoryBytes: () => process.memoryUsage.rss(),
  takeWorstDelayMs: eventLoop.takeWorstMs,
})

function onCrash(error: unknown): void {
  const stack = error instanceof Error ? (error.stack ?? '') : ''
  send(logLine('error', `The worker crashed: ${messageOf(error)}`, { stack }))
  // Its items are not given back: whichever of them did this must not look innocent.
  finish(EXIT_CODES.unexpected)
}

function onSignal(): void {
  if (!process.connected) process.exit(EXIT_CODES.ok)
}

process.on('SIGINT', onSignal)
process.on('SIGTERM', onSignal)
process.on('uncaughtException', onCrash)
process.on('unhandledRejection', onCrash)
process.on('message', (message) => loop.receive(message))
process.on('disconnect', () => loop.halt(EXIT_CODES.ok))

if (process.connected) {
  // A handler that blocks the event loop cannot notice that the supervisor died; a thread can.
  new Worker(new URL('./orphan-watch.js', import.meta.url), {
    workerData: { parentPid: process.ppid },
    resourceLimits: { maxOldGenerationSizeMb: 16, maxYoungGenerationSizeMb: 2, stackSizeMb: 1 },
  }).unref()
  loop.start()
} else {
  process.stderr.write('This module is started by the supervisor and does nothing by itself.\n')
  process.exit(EXIT_CODES.usage)
}
