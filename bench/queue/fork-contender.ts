import { fork } from 'node:child_process'
import { EventEmitter, once } from 'node:events'

/** What a contender's process says; the head of bench/peers/contender.mjs draws the conversation. */
export type ContenderSaid =
  | { readonly type: 'ready' }
  | { readonly type: 'filled'; readonly seconds: number }
  | { readonly type: 'first' }
  | { readonly type: 'handled' }

export type ContenderTold =
  | { readonly type: 'fill'; readonly items: number }
  | { readonly type: 'drain'; readonly items: number }
  | { readonly type: 'stop' }

export interface ContenderProcess {
  readonly pid: number
  /** Puts so many items into the queue. @returns seconds it took. */
  readonly fill: (items: number) => Promise<number>
  /** Resolves when the last item was handled. @returns when the first one was, in milliseconds. */
  readonly drain: (items: number) => Promise<number>
  readonly stop: () => Promise<void>
}

/** Starts a contender in a process of its own and waits until it is connected. */
export async function forkContender(
  program: string,
  options: { readonly args: readonly string[]; readonly node: string; execArgv?: string[] },
): Promise<ContenderProcess> {
  const { args, node, execArgv = [] } = options
  const env = { ...process.env, NO_LOG_SUCCESS: '1' }
  const child = fork(program, [...args], { execPath: node, execArgv, env })
  const said = new EventEmitter()
  child.on('message', (message: ContenderSaid) => said.emit(message.type, message))
  const exited = once(child, 'exit')
  exited.then(() => said.emit('error', new Error(`${program} ended too early.`))).catch(() => {})
  said.on('error', () => {})
  const tell = (message: ContenderTold) => void child.send(message)
  await once(said, 'ready')
  return {
    pid: child.pid ?? 0,
    fill: async (items) => {
      tell({ type: 'fill', items })
      const [filled]: Extract<ContenderSaid, { type: 'filled' }>[] = await once(said, 'filled')
      return filled?.seconds ?? Number.NaN
    },
    drain: async (items) => {
      const first = once(said, 'first').then(() => performance.now())
      const handled = once(said, 'handled')
      tell({ type: 'drain', items })
      const [firstMs] = await Promise.all([first, handled])
      return firstMs
    },
    stop: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return
      tell({ type: 'stop' })
      await exited
    },
  }
}
