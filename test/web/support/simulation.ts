import type { OutcomeCode } from '../../../src/core/outcome.js'
import { type Random, randomInteger } from '../../../src/core/random.js'
import type { EventBus } from '../../../src/telemetry/events.js'
import type { Telemetry } from '../../../src/telemetry/telemetry.js'
import { clusterFigures, nodeFigures, settled, workflowFigures } from './events.js'

const FAILURES: readonly OutcomeCode[] = ['rate_limited', 'timeout_headers', 'http_5xx', 'reset']
const WORKERS = ['contacts-1', 'contacts-2', 'contacts-3']
const SLOTS = 16

/** A small cluster at work, told in events and figures as a supervisor would tell it. */
export interface Simulation {
  /** Lets one second of work happen. */
  readonly second: () => void
}

export function createSimulation(
  { bus, telemetry }: { readonly bus: EventBus; readonly telemetry: Telemetry },
  random: Random,
  wallMs: () => number,
): Simulation {
  const tally = { complete: 0, error: 0, retried: 0, queued: 60_000 }
  const between = (min: number, max: number) => randomInteger(random, { min, max })
  bus.emit('supervisor.started', {
    nodeId: 'node-a',
    pid: 4_711,
    workflows: ['contacts', 'sitemap'],
  })
  for (const [index, workerId] of WORKERS.entries()) {
    const worker = { workflow: 'contacts', workerId, kind: 'process', pid: 4_720 + index } as const
    bus.emit('worker.started', worker)
    bus.emit('worker.ready', { ...worker, slots: SLOTS, startMs: 180 })
  }
  const settle = () => {
    const isFailed = random.next() < 0.06
    const code = FAILURES[between(0, FAILURES.length - 1)] ?? 'reset'
    const durationMs = 80 + 2_400 * random.next() ** 4
    if (!isFailed) {
      tally.complete += 1
      bus.emit('item.settled', settled({ durationMs, reused: random.next() < 0.94 }))
    } else if (random.next() < 0.2) {
      tally.error += 1
      const message = 'HTTP 404 from https://shop.example/contact?session=abc'
      bus.emit('item.settled', settled({ state: 'discard', code: 'http_4xx', durationMs, message }))
    } else {
      tally.retried += 1
      bus.emit('item.settled', settled({ state: 'retry', code, durationMs, resultRows: 0 }))
    }
  }
  return {
    second: () => {
      const amount = between(28, 46)
      for (let count = 0; count < amount; count += 1) settle()
      tally.queued = Math.max(0, tally.queued - amount)
      bus.emit('heartbeat.sent', { durationMs: between(1, 9) })
      for (const [index, workerId] of WORKERS.entries()) {
        bus.emit('worker.pong', {
          ...{ workflow: 'contacts', workerId, kind: 'process', pid: 4_720 + index },
          eventLoopDelayMs: between(1, 14),
          memoryBytes: (90 + index * 12 + between(0, 4)) * 1_048_576,
          active: between(11, SLOTS),
        })
      }
      telemetry.live.setFigures(figuresOf(tally, wallMs()))
    },
  }
}

function figuresOf(
  tally: { complete: number; error: number; retried: number; queued: number },
  wallMs: number,
) {
  return clusterFigures({
    readAt: new Date(wallMs).toISOString(),
    workflows: [
      workflowFigures({
        ...tally,
        processing: 44,
        delayed: 31,
        reclaimed: 3,
        oldestQueuedAt: new Date(wallMs - 92_000).toISOString(),
      }),
      workflowFigures({ workflow: 'sitemap', queued: 120, complete: 900, pausedBy: ['operator'] }),
    ],
    nodes: [
      nodeFigures({ leasedItems: 44, startedAt: new Date(wallMs - 1_000_000).toISOString() }),
      nodeFigures({
        ...{ nodeId: 'node-b', name: 'yard-2', host: 'beta', pid: 99, leasedItems: 40 },
        startedAt: new Date(wallMs - 300_000).toISOString(),
      }),
    ],
  })
}
