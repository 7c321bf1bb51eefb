// A supervisor as a process of its own, as `fetchyard up` runs one, without a dashboard and without
// a log. Its options come as one JSON argument. It tells its parent little, so that telling costs
// little.

import type { Settings } from '../../config/settings.js'
import { EXIT_CODES } from '../../src/core/errors.js'
import { ensureTables } from '../../src/store/tables.js'
import type { AnyEvent } from '../../src/telemetry/events.js'
import { openDatabase } from '../../supervisor/database.js'
import { type LoadedWorkflow, startNode } from '../../supervisor/node.js'
import { loadWorkflow } from '../../supervisor/workflows.js'

export interface BenchNodeOptions {
  readonly settings: Settings
  /** Name of a shipped workflow, or path of a module. */
  readonly workflow: string
  /** More workflows, and settings of their own. @default none */
  readonly alsoWorks?: readonly {
    readonly moduleUrl: string
    readonly overrides: Partial<Settings>
  }[]
}

/** Tell when this many items are finished, counted from the start of the node. */
export interface AwaitFinished {
  readonly type: 'await'
  readonly items: number
}

export type BenchNodeSaid =
  | { readonly type: 'ready' }
  | { readonly type: 'worker'; readonly pid: number; readonly isAlive: boolean }
  | Finished

export interface Finished {
  readonly type: 'finished'
  /** Items that came to their end, well or badly, and those that came to it badly. */
  readonly items: number
  readonly failed: number
  /**
   * Seconds from the first lease after the last `await` to the settlement of the last of the items.
   */
  readonly seconds: number
}

function tell(said: BenchNodeSaid): void {
  process.send?.(said)
}

/** Counts what is finished and tells when as much as was asked for is. */
class Counter {
  #finished = 0
  #failed = 0
  #target = Number.POSITIVE_INFINITY
  #firstLeaseMs: number | null = null

  await(items: number): void {
    this.#target = items
    this.#firstLeaseMs = null
    this.#tellWhenReached()
  }

  readonly listen = (event: AnyEvent): void => {
    switch (event.name) {
      case 'item.settled':
        if (event.state === 'complete' || event.state === 'discard') this.#finished += 1
        if (event.state === 'discard') this.#failed += 1
        return this.#tellWhenReached()
      case 'lease.granted':
        this.#firstLeaseMs ??= performance.now() - event.durationMs
        return
      case 'worker.ready':
        return tell({ type: 'worker', pid: event.pid, isAlive: true })
      case 'worker.exited':
        return tell({ type: 'worker', pid: event.pid, isAlive: false })
      default:
        return
    }
  }

  #tellWhenReached(): void {
    if (this.#finished < this.#target) return
    this.#target = Number.POSITIVE_INFINITY
    const nowMs = performance.now()
    const seconds = (nowMs - (this.#firstLeaseMs ?? nowMs)) / 1_000
    tell({ type: 'finished', items: this.#finished, failed: this.#failed, seconds })
  }
}

/** A module of the benchmark's own, which may be told apart by the parameters of its URL. */
async function loadOther(of: NonNullable<BenchNodeOptions['alsoWorks']>[number]) {
  const module: { readonly default: LoadedWorkflow['definition'] } = await import(of.moduleUrl)
  return { definition: module.default, moduleUrl: of.moduleUrl, overrides: of.overrides }
}

async function main(options: BenchNodeOptions): Promise<void> {
  const { settings } = options
  const { databaseUrl, dataDir, pooling, poolMax } = settings
  const database = await openDatabase({
    databaseUrl,
    dataDir,
    pooling,
    poolMax,
    purpose: 'bench',
    exclusive: true,
    onProgress: () => {},
  })
  const workflow = await loadWorkflow(options.workflow, '/', settings.schema)
  await ensureTables(database.sql, workflow.definition.tables ?? [])
  const others = await Promise.all((options.alsoWorks ?? []).map(loadOther))
  for (const { definition } of others) await ensureTables(database.sql, definition.tables ?? [])
  const node = await startNode({
    settings,
    database,
    workflows: [workflow, ...others],
    log: 'silent',
    isUnscheduled: true,
  })
  const counter = new Counter()
  node.events.subscribe(counter.listen)
  process.on('SIGTERM', () => node.stop('SIGTERM'))
  process.on('message', (message: AwaitFinished | 'shutdown') => {
    if (message === 'shutdown') node.stop('shutdown')
    else counter.await(message.items)
  })
  tell({ type: 'ready' })
  await node.stopped
  await database.close()
  process.exit(EXIT_CODES.ok)
}

if (process.send !== undefined && process.argv[1] === import.meta.filename) {
  // Whatever becomes of the benchmark, nothing of it stays behind.
  process.on('disconnect', () => process.exit(EXIT_CODES.unexpected))
  await main(JSON.parse(process.argv[2] ?? '{}'))
}
