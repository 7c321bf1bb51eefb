// Runs the built program as a person or a process manager would: as a process of its own.

import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const MAIN = fileURLToPath(new URL('../../supervisor/cli/main.js', import.meta.url))

export interface Ended {
  readonly exitCode: number | null
  readonly signal: string | null
  readonly stdout: string
  readonly stderr: string
}

export interface Program {
  readonly child: ChildProcess
  readonly ended: Promise<Ended>
  /** Resolves when stderr holds the words. */
  readonly says: (words: string) => Promise<void>
  /** What stderr holds so far. */
  readonly stderr: () => string
}

export interface StartOptions {
  readonly cwd: string
  readonly environment?: { readonly [name: string]: string }
  readonly input?: string
  /** Opens a channel as process managers do. */
  readonly hasChannel?: boolean
}

/** Names of the environment that would change what a test sees. */
function cleanEnvironment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(
    ([name]) =>
      !/^(FETCHYARD_|WF7_|HTTP_CONN|SCRAPER_?API_|GOOGLE_|DATABASE_URL$|pm_id$|NO_COLOR$)/.test(
        name,
      ),
  )
  return Object.fromEntries(kept)
}

export function startProgram(words: readonly string[], options: StartOptions): Program {
  const child = spawn(process.execPath, [MAIN, ...words], {
    cwd: options.cwd,
    env: { ...cleanEnvironment(), ...options.environment },
    stdio: options.hasChannel === true ? ['pipe', 'pipe', 'pipe', 'ipc'] : ['pipe', 'pipe', 'pipe'],
  })
  let stdout = ''
  let stderr = ''
  const waiting: { readonly words: string; readonly resolve: () => void }[] = []
  child.stdout?.on('data', (chunk) => {
    stdout += String(chunk)
  })
  child.stderr?.on('data', (chunk) => {
    stderr += String(chunk)
    for (const waiter of waiting) if (stderr.includes(waiter.words)) waiter.resolve()
  })
  child.stdin?.on('error', () => {})
  child.stdin?.end(options.input ?? '')
  const ended = new Promise<Ended>((resolve) => {
    child.once('close', (exitCode, signal) => resolve({ exitCode, signal, stdout, stderr }))
  })
  return {
    child,
    ended,
    stderr: () => stderr,
    says: (sought) =>
      new Promise((resolve, reject) => {
        if (stderr.includes(sought)) resolve()
        else waiting.push({ words: sought, resolve })
        void ended.then(() => reject(new Error(`ended without saying "${sought}": ${stderr}`)))
      }),
  }
}

export function runProgram(words: readonly string[], options: StartOptions): Promise<Ended> {
  return startProgram(words, options).ended
}

/** Gives the surrounding `describe` a directory of its own. */
export function useDirectory(): { readonly path: string } {
  const current = { path: '' }
  before(async () => {
    current.path = await mkdtemp(join(tmpdir(), 'fetchyard-cli-'))
  })
  after(() => rm(current.path, { recursive: true, force: true }))
  return current
}

export interface Site {
  readonly origin: string
  /** Requests so far by path. */
  readonly visits: Map<string, number>
  /** Lets requests wait for `release`, which answers them and all that follow. */
  readonly hold: () => void
  readonly release: () => void
  /** Resolves when so many requests for paths with this beginning have come. */
  readonly arrived: (count: number, prefix: string) => Promise<void>
}

/** A site of pages with one address each; `/missing` is not there. Can hold its answers back. */
export function useSite(): Site {
  const visits = new Map<string, number>()
  const held: (() => void)[] = []
  const arrivals = new Set<() => void>()
  let isHeld = false
  let server: Server | null = null
  let origin = ''
  const answer = (request: IncomingMessage, response: ServerResponse) => {
    const path = request.url ?? '/'
    const name = path.replaceAll(/[^a-z0-9]/g, '')
    response.setHeader('content-type', 'text/html')
    if (path === '/missing') response.statusCode = 404
    response.end(`<a href="mailto:hello@${name}-shop.com">Mail</a>`)
  }
  before(async () => {
    server = createServer((request, response) => {
      const path = request.url ?? '/'
      visits.set(path, (visits.get(path) ?? 0) + 1)
      for (const look of [...arrivals]) look()
      if (isHeld) held.push(() => answer(request, response))
      else answer(request, response)
    })
    const started = server
    await new Promise<void>((resolve) => started.listen(0, '127.0.0.1', resolve))
    const address = started.address()
    origin = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`
  })
  after(() => {
    server?.closeAllConnections()
    server?.close()
  })
  return {
    get origin() {
      return origin
    },
    visits,
    arrived: (count, prefix) =>
      new Promise((resolve) => {
        const look = () => {
          const seen = [...visits].filter(([path]) => path.startsWith(prefix))
          if (seen.reduce((sum, [, times]) => sum + times, 0) < count) return
          arrivals.delete(look)
          resolve()
        }
        arrivals.add(look)
        look()
      }),
    hold: () => {
      isHeld = true
    },
    release: () => {
      isHeld = false
      for (const go of held.splice(0)) go()
    },
  }
}
