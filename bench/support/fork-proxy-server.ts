import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Settings } from '../../config/settings.js'
import type { ProxyApiOptions } from '../../supervisor/demo/proxy-api/proxy-api.js'
import type { FromProxyServer, RefereeLook, ToProxyServer } from './proxy-server.js'

const KEY = 'bench-key'

export interface ProxyServer {
  readonly pid: number
  /** Settings by which a node goes through it. */
  readonly settings: Pick<Settings, 'upstream' | 'upstreamKey' | 'upstreamEndpoints'>
  readonly setLimit: (limit: number) => Promise<void>
  /** The longest time below half of the plan counts from here on. */
  readonly mark: () => Promise<void>
  readonly look: () => Promise<RefereeLook>
  readonly close: () => Promise<void>
}

/** Sends a word and waits for its answer; one at a time. */
async function ask(child: ChildProcess, word: ToProxyServer): Promise<FromProxyServer> {
  const answered = once(child, 'message').then(([message]: FromProxyServer[]) => message)
  const ended = once(child, 'exit').then(() => undefined)
  child.send(word)
  const answer = await Promise.race([answered, ended])
  if (answer === undefined) throw new Error('The simulated API ended before it answered.')
  return answer
}

/** Different pages that the API makes up itself: no site has to be asked. */
export function madeUpUrls(count: number): string[] {
  return Array.from({ length: count }, (_none, at) => `https://site${at}-yard.com/`)
}

/** Starts a simulated proxy API in a process of its own. */
export async function forkProxyServer(options: ProxyApiOptions): Promise<ProxyServer> {
  const child = fork(fileURLToPath(new URL('./proxy-server.js', import.meta.url)))
  // Each question listens for the end as well, and forgets it with the answer's arrival.
  child.setMaxListeners(0)
  const opened = await ask(child, { type: 'open', options: { key: KEY, ...options } })
  const upstreamEndpoints = opened.type === 'opened' ? opened.endpoints : []
  return {
    pid: child.pid ?? 0,
    settings: { upstream: 'proxy-api', upstreamKey: KEY, upstreamEndpoints },
    setLimit: async (limit) => {
      await ask(child, { type: 'limit', limit })
    },
    mark: async () => {
      await ask(child, { type: 'mark' })
    },
    look: async () => {
      const look = await ask(child, { type: 'look' })
      if (look.type !== 'look') throw new Error(`Unexpected ${look.type}.`)
      return look
    },
    close: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return
      const exited = once(child, 'exit')
      child.disconnect()
      await exited
    },
  }
}
