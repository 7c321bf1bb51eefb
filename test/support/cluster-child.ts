// A supervisor process seen from a test: what it said, how to stop, freeze and kill it.

import type { ChildProcess } from 'node:child_process'
import { fork } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import type { AnyEvent, EventName, EventOf } from '../../src/telemetry/events.js'
import { isSameProcess, observeProcess } from '../../supervisor/embedded/identity.js'
import type { ClusterNodeOptions, Said } from './cluster-node.js'
import { eventually } from './poll.js'

const ENTRY = new URL('./cluster-node.js', import.meta.url)

/** How much of what a node says on its standard error is remembered. */
const TALK_CHARACTERS = 2_000

export interface NodeExit {
  readonly code: number | null
  readonly signal: string | null
}

export interface NodeChild {
  readonly pid: number
  /** Resolves when the process is gone. */
  readonly exited: Promise<NodeExit>
  readonly hasExited: () => boolean
  /** Events of one name, in the order they came. */
  readonly events: <Name extends EventName>(name: Name) => readonly EventOf<Name>[]
  /** Resolves with the events of a name when there are `count` that match. */
  readonly until: <Name extends EventName>(
    name: Name,
    wish?: { readonly count?: number; readonly where?: (event: EventOf<Name>) => boolean },
  ) => Promise<readonly EventOf<Name>[]>
  /** How the node says that it reaches its database. */
  readonly pooling: () => string | null
  /** Address of its web server with the token; null when it has none. */
  readonly dashboardUrl: () => string | null
  readonly signal: (signal: NodeJS.Signals) => void
  /** Asks it to stop as PM2 does, and waits for its end. */
  readonly stop: () => Promise<NodeExit>
  /** Pids of its worker processes that live now. */
  readonly workerPids: () => Promise<readonly number[]>
}

/** Starts a node and waits until it leases. Everything it forks is remembered in `family`. */
export async function startNodeChild(
  options: ClusterNodeOptions,
  family: Set<number>,
): Promise<NodeChild> {
  const child = fork(ENTRY, [JSON.stringify(options)], {
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  })
  const node = new ObservedNode(child, family)
  await node.untilReady()
  return node
}

class ObservedNode implements NodeChild {
  readonly #child: ChildProcess
  readonly #events: AnyEvent[] = []
  #isReady = false
  #pooling: string | null = null
  #dashboardUrl: string | null = null
  #exit: NodeExit | null = null
  #talk = ''
  readonly exited: Promise<NodeExit>

  constructor(child: ChildProcess, family: Set<number>) {
    this.#child = child
    // The node is built together with this module: what it says needs no reading.
    child.on('message', (message) => this.#onMessage(message as Said, family))
    // Kept for the message of a test that fails: workers that die on purpose say much.
    child.stderr?.on('data', (chunk: Buffer) => {
      this.#talk = `${this.#talk}${chunk}`.slice(-TALK_CHARACTERS)
    })
    this.exited = new Promise((resolve) => {
      child.once('exit', (code, signal) => {
        this.#exit = { code, signal }
        resolve(this.#exit)
      })
    })
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  readonly hasExited = () => this.#exit !== null

  readonly pooling = () => this.#pooling

  readonly dashboardUrl = () => this.#dashboardUrl

  readonly events = <Name extends EventName>(name: Name): readonly EventOf<Name>[] =>
    this.#events.filter((event): event is EventOf<Name> & AnyEvent => event.name === name)

  readonly until: NodeChild['until'] = async (name, wish = {}) => {
    const { count = 1, where = () => true } = wish
    const matching = () => this.events(name).filter(where)
    const words = `${count} × ${name} of node ${this.pid}`
    await eventually({ words, seen: () => this.#tail() }, () => matching().length >= count)
    return matching()
  }

  readonly signal = (signal: NodeJS.Signals) => {
    this.#child.kill(signal)
  }

  readonly stop = async (): Promise<NodeExit> => {
    this.#child.send('shutdown')
    return this.untilExited()
  }

  readonly workerPids = () => childrenOf(this.pid)

  async untilReady(): Promise<void> {
    await eventually({ words: 'a node that is ready' }, () => this.#isReady || this.#exit)
    if (!this.#isReady) throw new Error(`The node did not start: ${this.#talk}`)
  }

  async untilExited(): Promise<NodeExit> {
    const words = `the end of node ${this.pid}`
    return eventually({ words, seen: () => this.#tail() }, () => this.#exit)
  }

  #tail(): unknown {
    return { exit: this.#exit, last: this.#events.slice(-5), talk: this.#talk }
  }

  #onMessage(said: Said, family: Set<number>): void {
    if (said.say === 'ready') {
      this.#isReady = true
      this.#dashboardUrl = said.dashboardUrl
    } else if (said.say === 'pooling') this.#pooling = said.pooling
    else this.#onEvent(said.event, family)
  }

  #onEvent(event: AnyEvent, family: Set<number>): void {
    this.#events.push(event)
    if (event.name === 'worker.ready' && event.kind === 'process') family.add(event.pid)
  }
}

/** Pids of the processes that a process forked and that live. */
export async function childrenOf(pid: number): Promise<readonly number[]> {
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '')
  return text.split(' ').filter(Boolean).map(Number)
}

/** Whether a process runs; one that is dead and not yet collected does not. */
export async function isRunning(pid: number): Promise<boolean> {
  return isSameProcess({ pid, born: null }, await observeProcess(pid))
}

/** Resolves when none of these processes runs. */
export async function untilGone(pids: readonly number[]): Promise<void> {
  await eventually({ words: 'the end of processes', seen: () => pids }, async () => {
    const running = await Promise.all(pids.map(isRunning))
    return !running.includes(true)
  })
}
