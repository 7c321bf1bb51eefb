// Fetchyard under a PM2 of the benchmark's own: the shipped ecosystem file, with another workflow.

import { execFile } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const LOG_CHARACTERS = 2_000
const require = createRequire(import.meta.url)
const MAIN = fileURLToPath(new URL('../../supervisor/cli/main.js', import.meta.url))

export interface Pm2Node {
  /** Pid of the supervisor that PM2 runs now. */
  readonly pid: () => Promise<number>
  /** Ends the supervisor and PM2. */
  readonly close: () => Promise<void>
}

export interface Pm2NodeOptions {
  /** The shipped `ecosystem.config.cjs`. */
  readonly ecosystem: string
  readonly databaseUrl: string
  readonly args: readonly string[]
}

/** The shipped file's one application, read as data. */
function shippedApplication(path: string): object {
  const file: unknown = require(path)
  const apps: unknown = Object.getOwnPropertyDescriptor(file, 'apps')?.value
  const [app]: unknown[] = Array.isArray(apps) ? apps : []
  if (typeof app === 'object' && app !== null) return app
  throw new Error(`Expected ${path} to hold an application.`)
}

/** Starts PM2 and waits until the supervisor has told it that it is ready. */
export async function startPm2Node(options: Pm2NodeOptions): Promise<Pm2Node> {
  const home = await mkdtemp(join(tmpdir(), 'fetchyard-bench-pm2-'))
  const { DATABASE_URL: _, ...environment } = process.env
  const env = { ...environment, PM2_HOME: home }
  const pm2 = (...args: string[]) =>
    promisify(execFile)(process.execPath, [pm2Program(), ...args], { env })
  const close = async () => {
    await pm2('delete', 'all').catch(() => {})
    await pm2('kill')
    await rm(home, { recursive: true, force: true })
  }
  try {
    const app = {
      ...shippedApplication(options.ecosystem),
      script: MAIN,
      cwd: home,
      args: [...options.args],
      env: { DATABASE_URL: options.databaseUrl },
    }
    const file = join(home, 'ecosystem.json')
    await writeFile(file, JSON.stringify({ apps: [app] }))
    await pm2('start', file)
    return { pid: () => readPid(home), close }
  } catch (error) {
    await close()
    throw error
  }
}

function pm2Program(): string {
  return require.resolve('pm2/bin/pm2')
}

async function readPid(home: string): Promise<number> {
  const directory = join(home, 'pids')
  const [name] = await readdir(directory)
  const text = name === undefined ? '' : await readFile(join(directory, name), 'utf8')
  const pid = Number(text.trim())
  if (Number.isInteger(pid) && pid > 0) return pid
  throw new Error(`PM2 runs no supervisor now: ${(await readLogs(home)).trim()}`)
}

/** What the supervisor said, for the message when there is none. */
async function readLogs(home: string): Promise<string> {
  const names = await readdir(join(home, 'logs')).catch(() => [])
  const texts = await Promise.all(names.map((name) => readFile(join(home, 'logs', name), 'utf8')))
  return [...texts, await readFile(join(home, 'pm2.log'), 'utf8')].join('\n').slice(-LOG_CHARACTERS)
}
