// PM2 as an operator has it, with a home of its own that is gone afterwards.

import { execFile } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { isRunning, untilGone } from './cluster-child.js'

const require = createRequire(import.meta.url)
const run = promisify(execFile)
const PM2 = join(dirname(require.resolve('pm2/package.json')), 'bin', 'pm2')
/** The command line as it was built together with this module. */
export const MAIN = fileURLToPath(new URL('../../supervisor/cli/main.js', import.meta.url))
const HANDLER = fileURLToPath(new URL('./handlers/chaos-pages.js', import.meta.url))
const OUTPUT_BYTES_MAX = 16 * 1_048_576

export interface Pm2App {
  readonly pid: number
  readonly status: string
  readonly restarts: number
}

export interface Pm2 {
  /** Runs a pm2 command, and fails with what it said. */
  readonly call: (...args: readonly string[]) => Promise<void>
  /** The app as PM2 sees it. */
  readonly app: () => Promise<Pm2App>
  /** What the supervisor wrote, for the message of a test that fails. */
  readonly log: () => Promise<string>
  /** Ends the daemon and everything it manages. */
  readonly end: () => Promise<void>
}

/** The project's directory, above the compiled modules: the one from which PM2 is started. */
async function findProject(): Promise<string> {
  for (let directory = dirname(MAIN); ; directory = dirname(directory)) {
    const names = await readdir(directory)
    if (names.includes('ecosystem.config.cjs') && names.includes('deploy')) return directory
    if (directory === dirname(directory)) throw new Error('There is no ecosystem.config.cjs.')
  }
}

/** The path of a file that is shipped uncompiled. */
export const findShipped = async (path: string) => join(await findProject(), path)

/**
 * A directory with the shipped ecosystem file in use and a configuration file beside it; nothing of
 * the app is changed but where its program, its directory and its database are, and what it works.
 */
export async function preparePm2(use: {
  readonly settings: { readonly [setting: string]: unknown }
  /** Without one, the embedded database below the directory. */
  readonly databaseUrl: string | null
}): Promise<Pm2 & { readonly directory: string }> {
  const directory = await mkdtemp(join(tmpdir(), 'fetchyard-pm2-'))
  const changes = {
    script: MAIN,
    // The test's workflow alone: every other one would have workers of its own.
    args: ['up', HANDLER],
    cwd: directory,
    env: use.databaseUrl === null ? {} : { DATABASE_URL: use.databaseUrl },
  }
  const ecosystem = [
    `const { apps } = require(${JSON.stringify(await findShipped('ecosystem.config.cjs'))})`,
    `module.exports = { apps: apps.map((app) => ({ ...app, ...${JSON.stringify(changes)} })) }`,
  ]
  await writeFile(join(directory, 'ecosystem.config.cjs'), `${ecosystem.join('\n')}\n`)
  const configuration = { ...use.settings, workflows: { [HANDLER]: {} } }
  await writeFile(join(directory, 'fetchyard.config.json'), JSON.stringify(configuration))
  return { ...pm2At(directory), directory }
}

/** PM2 with its home below a directory. */
export function pm2At(directory: string): Pm2 {
  const home = join(directory, 'pm2')
  const environment = environmentOf(home)
  const pm2 = async (args: readonly string[]): Promise<string> => {
    const options = { cwd: directory, env: environment, maxBuffer: OUTPUT_BYTES_MAX }
    const { stdout } = await run(process.execPath, [PM2, ...args], options)
    return stdout
  }
  return {
    call: async (...args) => void (await pm2(args)),
    app: async () => appOf(await pm2(['jlist'])),
    log: async () => {
      const names = ['fetchyard-out.log', 'fetchyard-error.log']
      const read = (name: string) => readFile(join(home, 'logs', name), 'utf8').catch(() => '')
      return (await Promise.all(names.map(read))).join('\n').slice(-4_000)
    },
    end: async () => {
      const daemon = Number(await readFile(join(home, 'pm2.pid'), 'utf8').catch(() => '0'))
      await pm2(['kill'])
      if (daemon > 0 && (await isRunning(daemon))) await untilGone([daemon])
      await rm(directory, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}

/**
 * Names of ours that the tests themselves were started with are none of the supervisor's options.
 */
function environmentOf(home: string): NodeJS.ProcessEnv {
  const inherited = Object.entries(process.env).filter(
    ([name]) => !/^(FETCHYARD_|DATABASE_URL$)/.test(name),
  )
  return { ...Object.fromEntries(inherited), PM2_HOME: home, PM2_DISABLE_VERSION_CHECK: 'true' }
}

/** Reads the list of apps, which has one line; the first call of a daemon says more before it. */
function appOf(stdout: string): Pm2App {
  const list: unknown = JSON.parse(stdout.slice(stdout.lastIndexOf('\n[') + 1))
  const app: unknown = Array.isArray(list) ? list[0] : undefined
  const environment = fieldOf(app, 'pm2_env')
  return {
    pid: Number(fieldOf(app, 'pid') ?? 0),
    status: String(fieldOf(environment, 'status')),
    restarts: Number(fieldOf(environment, 'restart_time') ?? 0),
  }
}

function fieldOf(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null) return undefined
  return Object.getOwnPropertyDescriptor(value, name)?.value
}
