// The supervisors of a storm under PM2, as an operator has them: the shipped ecosystem file, of which
// nothing is changed but where its parts are and how soon a killed one is started again.

import { mkdtemp, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { EXIT_CODES } from '../../src/core/errors.js'
import type { StormNodes } from '../../supervisor/torture/nodes.js'
import { childrenOf } from '../../supervisor/torture/processes.js'
import { findShipped, MAIN, pm2At } from '../support/pm2.js'

export interface Pm2NodesRequest {
  /** Names of the apps, and what differs in the environment of each. */
  readonly apps: readonly {
    readonly name: string
    readonly environment: { readonly [name: string]: string }
  }[]
  readonly module: string
  readonly databaseUrl: string
  readonly temporary: string
  readonly settings: { readonly [setting: string]: unknown }
}

/**
 * Twelve kills a minute would drive the shipped delay, which grows, to its end: nobody would be there
 * to be killed.
 */
const SOON = { restart_delay: 200, max_restarts: 1_000_000 }

const EXPLAINED: ReadonlySet<number> = new Set([
  EXIT_CODES.ok,
  EXIT_CODES.temporary,
  EXIT_CODES.databaseUnavailable,
])

export async function startPm2Nodes(request: Pm2NodesRequest): Promise<StormNodes> {
  const directory = await mkdtemp(join(tmpdir(), 'fetchyard-storm-pm2-'))
  await writeFile(join(directory, 'fetchyard.config.json'), JSON.stringify(request.settings))
  await writeFile(join(directory, 'ecosystem.config.cjs'), await ecosystemOf(request, directory))
  const pm2 = pm2At(directory)
  await pm2.call('start', 'ecosystem.config.cjs')
  const home = join(directory, 'pm2')
  const daemon = Number(await readFile(join(home, 'pm2.pid'), 'utf8'))
  const strange: string[] = []
  let isEnded = false
  return {
    living: () => childrenOf(daemon),
    strangeEnds: () => strange,
    keep: () => {},
    drain: async () => {
      await pm2.call('stop', 'all')
      strange.push(...(await strangeEnds(home)))
      isEnded = true
      await pm2.end()
    },
    kill: () => {
      if (!isEnded) void pm2.end().catch(() => {})
    },
  }
}

async function ecosystemOf(request: Pm2NodesRequest, directory: string): Promise<string> {
  const shared = {
    script: MAIN,
    args: ['up', request.module],
    cwd: directory,
    exp_backoff_restart_delay: undefined,
    ...SOON,
  }
  const apps = request.apps.map(({ name, environment }) => ({
    ...shared,
    name,
    env: {
      FETCHYARD_DATABASE_URL: request.databaseUrl,
      FETCHYARD_NODE_NAME: name,
      TMPDIR: request.temporary,
      ...environment,
    },
  }))
  return [
    `const [shipped] = require(${JSON.stringify(await findShipped('ecosystem.config.cjs'))}).apps`,
    'const { exp_backoff_restart_delay: _, ...base } = shipped',
    `module.exports = { apps: ${JSON.stringify(apps)}.map((app) => ({ ...base, ...app })) }`,
    '',
  ].join('\n')
}

/** Ends that PM2 saw and that no fault explains: it writes a line for each. */
async function strangeEnds(home: string): Promise<readonly string[]> {
  const log = await readFile(join(home, 'pm2.log'), 'utf8').catch(() => '')
  const ends = [
    ...log.matchAll(/App \[([^:\]]+)[^\]]*\] exited with code \[(\d+)\] via signal \[(\w+)\]/g),
  ]
  const odd = ends.filter(([, , code]) => !EXPLAINED.has(Number(code)))
  return Promise.all(
    odd.map(async ([, app = '', code]) => {
      const talk = await readFile(join(home, 'logs', `${app}-error.log`), 'utf8').catch(() => '')
      const lines = talk.split('\n').filter((line) => /Error\b|^\s+at /.test(line))
      return `${app} ended with code ${code}: ${lines.slice(0, 8).join(' | ')}`
    }),
  )
}
