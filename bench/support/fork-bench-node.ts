import { type ChildProcess, fork } from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { assemble } from '../../config/load.js'
import type { Settings } from '../../config/settings.js'
import type { BenchNodeOptions, BenchNodeSaid, Finished } from './bench-node.js'

const ENTRY = fileURLToPath(new URL('./bench-node.js', import.meta.url))

/**
 * The settings that everybody gets, but for the dashboard and the guard against private addresses.
 */
export function benchSettings(changes: Partial<Settings>): Settings {
  const { settings } = assemble({ flags: {}, environment: {}, cwd: '/' }, null)
  return { ...settings, port: null, allowRanges: ['127.0.0.0/8'], robots: 'ignore', ...changes }
}

export interface BenchNode {
  readonly pid: number
  /** Pids of its workers that live. */
  readonly workers: ReadonlySet<number>
  /** Resolves when `items` in all are finished. One call at a time. */
  readonly finished: (items: number) => Promise<Finished>
  /** Resolves when a worker that was not there before is ready. */
  readonly nextWorker: () => Promise<number>
  readonly stop: () => Promise<void>
  readonly exited: Promise<unknown>
}

/**
 * Starts a supervisor as a child process and waits until it leases.
 *
 * @param execArgv options for its Node, such as `--cpu-prof`.
 */
export async function forkBenchNode(
  options: BenchNodeOptions,
  execArgv: readonly string[] = [],
): Promise<BenchNode> {
  const child = fork(ENTRY, [JSON.stringify(options)], { execArgv: [...execArgv] })
  const said = new EventEmitter()
  const workers = new Set<number>()
  child.on('message', (message: BenchNodeSaid) => {
    if (message.type === 'worker' && message.isAlive) workers.add(message.pid)
    else if (message.type === 'worker') workers.delete(message.pid)
    if (message.type === 'worker' && message.isAlive) said.emit('new-worker', message.pid)
    else said.emit(message.type, message)
  })
  const exited = once(child, 'exit')
  exited
    .then(() => said.emit('error', new Error('The supervisor ended too early.')))
    .catch(() => {})
  said.on('error', () => {})
  await once(said, 'ready')
  return nodeOf(child, { said, workers, exited })
}

function nodeOf(
  child: ChildProcess,
  parts: { said: EventEmitter; workers: ReadonlySet<number>; exited: Promise<unknown> },
): BenchNode {
  const { said, workers, exited } = parts
  return {
    pid: child.pid ?? 0,
    workers,
    exited,
    finished: async (items) => {
      child.send({ type: 'await', items })
      const [finished]: Finished[] = await once(said, 'finished')
      if (finished === undefined) throw new Error('The supervisor said nothing.')
      return finished
    },
    nextWorker: async () => {
      const [pid]: number[] = await once(said, 'new-worker')
      return pid ?? 0
    },
    stop: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return
      child.send('shutdown')
      await exited
    },
  }
}
