// A supervisor as a process of its own, for tests that stop, freeze and kill it. Its options come
// as one JSON argument; what it does it tells its parent, event by event.

import type { Settings } from '../../config/settings.js'
import { EXIT_CODES } from '../../src/core/errors.js'
import type { AnyEvent } from '../../src/telemetry/events.js'
import { openDatabase } from '../../supervisor/database.js'
import type { LoadedWorkflow, RunningNode, Silence } from '../../supervisor/node.js'
import { startNode } from '../../supervisor/node.js'
import { CLUSTER_SETTINGS } from './cluster-settings.js'

export interface ClusterNodeOptions {
  readonly databaseUrl: string
  readonly settings: Partial<Settings>
  readonly silence?: Silence
  readonly workflows: readonly {
    readonly definitionUrl: string
    /** What workers load, when it is another module. */
    readonly moduleUrl?: string
    /** Settings of its own. */
    readonly overrides?: Partial<Settings>
  }[]
}

/** What it tells its parent. */
export type Said =
  | { readonly say: 'pooling'; readonly pooling: string }
  | { readonly say: 'ready'; readonly dashboardUrl: string | null }
  | { readonly say: 'event'; readonly event: AnyEvent }

function tell(said: Said): void {
  process.send?.(said)
}

async function loadWorkflow(of: ClusterNodeOptions['workflows'][number]): Promise<LoadedWorkflow> {
  const module: { readonly default: LoadedWorkflow['definition'] } = await import(of.definitionUrl)
  const { definitionUrl, moduleUrl = definitionUrl, overrides = {} } = of
  return { definition: module.default, moduleUrl, overrides }
}

async function start(options: ClusterNodeOptions): Promise<RunningNode> {
  const { databaseUrl } = options
  const settings: Settings = { ...CLUSTER_SETTINGS, ...options.settings, databaseUrl }
  const { dataDir, pooling, poolMax } = settings
  const database = await openDatabase({
    databaseUrl,
    dataDir,
    pooling,
    poolMax,
    purpose: 'test',
    exclusive: true,
    onProgress: () => {},
  })
  tell({ say: 'pooling', pooling: database.pooling })
  const workflows = await Promise.all(options.workflows.map(loadWorkflow))
  const { silence } = options
  const node = await startNode({
    settings,
    database,
    workflows,
    log: 'silent',
    ...(silence === undefined ? {} : { silence }),
  })
  node.stopped.then(async (reason) => {
    await database.close()
    process.exit(reason === 'fenced' ? EXIT_CODES.temporary : EXIT_CODES.ok)
  })
  return node
}

const options: ClusterNodeOptions = JSON.parse(process.argv[2] ?? '{}')
// Whatever becomes of the tests, nothing of them stays behind.
process.on('disconnect', () => process.exit(EXIT_CODES.unexpected))
const node = await start(options)
node.events.subscribe((event) => tell({ say: 'event', event }))
tell({ say: 'ready', dashboardUrl: node.dashboardUrl })
process.on('SIGTERM', () => node.stop('SIGTERM'))
process.on('SIGINT', () => node.stop('SIGINT'))
process.on('message', (message) => {
  if (message === 'shutdown') node.stop('shutdown')
})
