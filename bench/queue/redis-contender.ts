import { peerProgram } from '../support/peers.js'
import { startRedis } from '../support/redis-server.js'
import { forkContender } from './fork-contender.js'
import type { Contender, Subject } from './run-contender.js'

async function start(version: string, node: string): Promise<Subject> {
  const redis = await startRedis(version)
  const child = await forkContender(peerProgram('bullmq'), { args: [String(redis.port)], node })
  return {
    clientPid: child.pid,
    serverPid: redis.pid,
    fill: child.fill,
    settleDown: async () => {},
    logBytes: async () => redis.logBytes(),
    drain: async (items) => {
      const firstMs = await child.drain(items)
      return (performance.now() - firstMs) / 1_000
    },
    // It counts completions that Redis has confirmed, and comes to the number only when all were.
    check: async () => {},
    close: async () => {
      await child.stop()
      await redis.close()
    },
  }
}

/** BullMQ on a Redis of its own. */
export function redisPeer(version: string, node: string): Contender {
  return {
    ...{ name: 'bullmq', isOurs: false, isRaw: false },
    start: () => start(version, node),
  }
}
