// Nothing may be left of a fetch: no timer, no socket, no rejection that nobody heard of.

import type { Socket } from 'node:net'
import { expect } from 'chai'
import { type Clock, systemClock } from '../../src/core/clock.js'
import { eventually } from './poll.js'

export interface LeakCheck {
  /** Counts its timers. */
  readonly clock: Clock
  /** Throws for what is left. `sockets` are those of the fetcher, which is closed. */
  readonly expectNothingLeft: (sockets: Iterable<Socket>) => Promise<void>
  readonly stop: () => void
}

export function startLeakCheck(): LeakCheck {
  let timers = 0
  const complaints: unknown[] = []
  const complain = (complaint: unknown) => void complaints.push(complaint)
  process.on('unhandledRejection', complain)
  process.on('warning', complain)
  const setTimer = (delayMs: number, fire: () => void) => {
    let isOver = false
    const end = () => {
      if (!isOver) timers -= 1
      isOver = true
    }
    timers += 1
    const cancel = systemClock.setTimer(delayMs, () => {
      end()
      fire()
    })
    return () => {
      end()
      cancel()
    }
  }
  return {
    clock: { ...systemClock, setTimer },
    expectNothingLeft: async (sockets) => {
      const open = () => [...sockets].filter((socket) => !socket.destroyed).length
      await eventually({ words: 'the end of every socket', seen: open }, () => open() === 0)
      expect(timers, 'timers').to.equal(0)
      // A rejection is told of after the microtasks, a warning on the next tick.
      await new Promise((resolve) => setImmediate(resolve))
      expect(complaints).to.deep.equal([])
    },
    stop: () => {
      process.off('unhandledRejection', complain)
      process.off('warning', complain)
    },
  }
}
