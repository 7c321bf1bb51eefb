// How the faults of `fetchyard torture` are done: by signals to its own processes, by the proxy
// before the database, and by items that are faults themselves.

import type { Misdeed } from '../../src/workflows/torture.js'
import type { FaultProxy } from './fault-proxy.js'
import type { StormNodes } from './nodes.js'
import { type PlannedFault, strengthOf, targetOf } from './plan.js'
import { childrenOf, signalProcess } from './processes.js'
import { type Deeds, pause } from './storm.js'

export interface SignalParts {
  readonly nodes: StormNodes
  readonly leaseMs: number
  readonly stop: AbortSignal
}

/** Deeds that signals do. */
export function signalDeeds({ nodes, leaseMs, stop }: SignalParts): Deeds {
  const someSupervisor = async (fault: PlannedFault) => targetOf(await nodes.living(), fault)
  const someWorker = async (fault: PlannedFault) => {
    const families = await Promise.all((await nodes.living()).map(childrenOf))
    return targetOf(families.flat(), fault)
  }
  const sleep = async (pid: number, ms: number) => {
    nodes.keep(pid, true)
    try {
      if (!signalProcess(pid, 'SIGSTOP')) return
      await pause(ms, stop)
    } finally {
      signalProcess(pid, 'SIGCONT')
    }
  }
  return {
    'kill-worker': async (fault) => {
      const pid = await someWorker(fault)
      return pid !== undefined && signalProcess(pid, 'SIGKILL') ? `worker ${pid}` : null
    },
    'kill-supervisor': async (fault) => {
      const pid = await someSupervisor(fault)
      return pid !== undefined && signalProcess(pid, 'SIGKILL') ? `supervisor ${pid}` : null
    },
    stop: async (fault) => {
      const pid = await someSupervisor(fault)
      return pid !== undefined && signalProcess(pid, 'SIGTERM') ? `supervisor ${pid}` : null
    },
    freeze: async (fault) => {
      const pid = await someSupervisor(fault)
      if (pid === undefined) return null
      const ms = strengthOf(fault, { min: 1.2 * leaseMs, max: 2 * leaseMs })
      await sleep(pid, ms)
      return `supervisor ${pid} for ${ms} ms`
    },
    'freeze-worker': async (fault) => {
      const pid = await someWorker(fault)
      if (pid === undefined) return null
      const ms = strengthOf(fault, { min: 500, max: 3_000 })
      await sleep(pid, ms)
      nodes.keep(pid, false)
      return `worker ${pid} for ${ms} ms`
    },
  }
}

/** Statements whose loss hurts: they give leases out, settle items and give them back. */
const HURTS = /fetchyard\.(?:work_queue|processing_log)/

export interface ProxyParts {
  readonly proxy: FaultProxy
  readonly leaseMs: number
  readonly stop: AbortSignal
  /** Restarts the server itself; null: the proxy plays it. */
  readonly restart: (() => Promise<void>) | null
}

/** Deeds that the proxy does. */
export function proxyDeeds({ proxy, leaseMs, stop, restart }: ProxyParts): Deeds {
  return {
    cut: async () => `${proxy.cut()} connections`,
    tear: async (fault) => {
      const bytes = strengthOf(fault, { min: 1, max: 6_000 })
      proxy.cutAfterBytes(bytes)
      await pause(1_500, stop)
      proxy.cutAfterBytes(null)
      return `after ${bytes} bytes`
    },
    slow: async (fault) => {
      const ms = strengthOf(fault, { min: 20, max: 400 })
      proxy.delay(ms)
      await pause(3_000, stop)
      proxy.delay(0)
      return `${ms} ms`
    },
    silence: async (fault) => {
      const ms = strengthOf(fault, { min: 500, max: leaseMs })
      const how = fault.strength > 0.5 ? 'cut' : 'go-on'
      proxy.freeze()
      await pause(ms, stop)
      proxy.thaw(how)
      return `${ms} ms, then ${how === 'cut' ? 'cut' : 'on as if nothing had been'}`
    },
    'drop-answers': async (fault) => {
      const times = strengthOf(fault, { min: 1, max: 4 })
      const before = proxy.counts().answersDropped
      proxy.dropAnswers({ statement: HURTS, times })
      await pause(1_500, stop)
      return `${proxy.counts().answersDropped - before} answers`
    },
    restart: async (fault) => {
      if (restart !== null) {
        await restart()
        return 'the server'
      }
      const ms = strengthOf(fault, { min: 500, max: 3_000 })
      proxy.refuse(true)
      proxy.cut()
      await pause(ms, stop)
      proxy.refuse(false)
      return `played by the proxy for ${ms} ms`
    },
  }
}

export interface ItemParts {
  readonly stop: AbortSignal
  /** Puts an item at the head of the queue. @returns its key. */
  readonly enqueueMisdeed: (misdeed: Misdeed) => Promise<string>
  readonly pause: () => Promise<void>
  readonly resume: () => Promise<void>
}

/** Deeds that need items of the storm's own. */
export function itemDeeds(parts: ItemParts): Deeds {
  return {
    exit: () => parts.enqueueMisdeed('exit'),
    heap: () => parts.enqueueMisdeed('heap'),
    pause: async (fault) => {
      const ms = strengthOf(fault, { min: 300, max: 1_500 })
      await parts.pause()
      try {
        await pause(ms, parts.stop)
      } finally {
        await parts.resume()
      }
      return `for ${ms} ms`
    },
  }
}
