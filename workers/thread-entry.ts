import { once } from 'node:events'
import { getHeapStatistics } from 'node:v8'
import type { MessagePort } from 'node:worker_threads'
import { systemClock } from '../src/core/clock.js'
import { EXIT_CODES, messageOf } from '../src/core/errors.js'
import { FetchLoop } from './fetch-loop.js'
import { loadDefault } from './load-default.js'
import { logLine } from './log-line.js'
import { packed } from './packed.js'
import { takePrints } from './thread-prints.js'
import { watchEventLoop } from './vitals.js'

export interface ThreadTask {
  /** Our end of the channel to the supervisor. */
  readonly port: MessagePort
}

/**
 * A worker as a thread: a task that lasts as long as the worker does. It returns when the worker
 * has drained, was refused, or its port was closed; the port is closed then. Its value is the exit
 * code that a process would have ended with.
 *
 * The task's end and the last messages travel on different channels and may overtake each other:
 * the other side has heard everything when its end of the port emits `close`, not when the task
 * returns.
 */
export default async function runThread({ port }: ThreadTask): Promise<number> {
  const eventLoop = watchEventLoop()
  // The exception goes on to end the thread; the supervisor learns why.
  const onCrash = (error: unknown) => {
    port.postMessage(logLine('error', `The worker crashed: ${messageOf(error)}`))
  }
  process.on('uncaughtExceptionMonitor', onCrash)
  const endPrints = takePrints((line) => port.postMessage(line))
  process.on('exit', endPrints)
  const closed = once(port, 'close')
  try {
    return await new Promise<number>((resolve) => {
      const loop = new FetchLoop({
        pid: process.pid,
        clock: systemClock,
        send: (message) => port.postMessage(packed(message)),
        finish: resolve,
        load: loadDefault,
        memoryBytes: () => getHeapStatistics().used_heap_size,
        takeWorstDelayMs: eventLoop.takeWorstMs,
      })
      port.on('message', (message: unknown) => loop.receive(message))
      port.on('close', () => loop.halt(EXIT_CODES.ok))
      loop.start()
    })
  } finally {
    process.off('uncaughtExceptionMonitor', onCrash)
    process.off('exit', endPrints)
    endPrints()
    eventLoop.stop()
    // A pool may put the thread to sleep as soon as the task returns: the close must be under way
    // then.
    port.close()
    await closed
  }
}
