// The side of a contender of our own in the conversation that the head of bench/peers/contender.mjs
// draws.

import { EXIT_CODES } from '../../src/core/errors.js'
import type { NewItem } from '../../src/store/enqueue.js'
import type { ContenderSaid, ContenderTold } from './fork-contender.js'

export interface ServedContender {
  readonly sliceItems: number
  readonly fill: (items: readonly NewItem[]) => Promise<unknown>
  /** Drains `items` items, and says when it has the first. */
  readonly drain: (items: number, onFirst: () => void) => Promise<void>
  readonly stop: () => Promise<void>
}

/** The payloads that everybody gets. */
export function benchItems(from: number, count: number): readonly NewItem[] {
  return Array.from({ length: count }, (_, index) => {
    const n = from + index
    const url = `https://host-${n % 1_000}.example/pages/${n}`
    return { key: url, payload: { url }, lane: '' }
  })
}

function tell(said: ContenderSaid): void {
  process.send?.(said)
}

async function obey(contender: ServedContender, told: ContenderTold): Promise<void> {
  switch (told.type) {
    case 'fill': {
      const startedMs = performance.now()
      for (let at = 0; at < told.items; at += contender.sliceItems) {
        await contender.fill(benchItems(at, Math.min(contender.sliceItems, told.items - at)))
      }
      return tell({ type: 'filled', seconds: (performance.now() - startedMs) / 1_000 })
    }
    case 'drain':
      await contender.drain(told.items, () => tell({ type: 'first' }))
      return tell({ type: 'handled' })
    case 'stop':
      await contender.stop()
      process.exit(EXIT_CODES.ok)
  }
}

export function serveContender(contender: ServedContender): void {
  process.on('message', (told: ContenderTold) => {
    obey(contender, told).catch((error: unknown) => {
      process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`)
      process.exit(EXIT_CODES.unexpected)
    })
  })
  process.on('disconnect', () => process.exit(EXIT_CODES.unexpected))
  tell({ type: 'ready' })
}
