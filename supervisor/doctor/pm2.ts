// What PM2 does with the supervisors it runs: each of these settings loses work or time when wrong.

import { readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import type { Finding } from '../../src/core/health.js'
import { fine, problem, warning } from '../../src/core/health.js'
import { observeProcess } from '../embedded/identity.js'
import { runProgram } from '../embedded/program.js'
import { findProgram } from './machine.js'

export interface Pm2Request {
  readonly searchPath: string
  /** Value of PM2_HOME; null: in the user's home. */
  readonly home: string | null
  readonly drainMs: number
}

/** A process of PM2 as `pm2 jlist` shows it, as far as it matters. */
interface Pm2Process {
  readonly name: string
  readonly script: string
  readonly settings: { readonly [setting: string]: unknown }
}

const ENTRY = /supervisor[/\\]cli[/\\]main\.js$/
/** Time that the farewell after a drain takes at most. */
const FAREWELL_MS = 10_000

/** Nothing where PM2 runs none of ours: asking PM2 would start its daemon. */
export async function examinePm2(request: Pm2Request): Promise<readonly Finding[]> {
  const { searchPath, drainMs } = request
  const program = await findProgram('pm2', searchPath)
  if (program === null || !(await isDaemonRunning(request.home))) return []
  const environment = {
    PATH: searchPath,
    ...(request.home === null ? {} : { PM2_HOME: request.home }),
  }
  const end = await runProgram({ file: program, args: ['jlist'], account: null, environment })
  const ours = parseProcesses(end.stdout).filter(({ script }) => ENTRY.test(script))
  return ours.flatMap((one) => judgePm2(one, drainMs))
}

async function isDaemonRunning(home: string | null): Promise<boolean> {
  const file = join(home ?? join(homedir(), '.pm2'), 'pm2.pid')
  const pid = Number(await readFile(file, 'utf8').catch(() => ''))
  return (await observeProcess(pid)).alive
}

/** The list has a line of its own; PM2 may print words of its own before it. */
export function parseProcesses(text: string): readonly Pm2Process[] {
  let list: unknown
  try {
    list = JSON.parse(text.slice(text.lastIndexOf('\n[') + 1))
  } catch {
    return []
  }
  if (!Array.isArray(list)) return []
  return list.flatMap((entry: unknown) => {
    const { name, pm2_env: settings } = Object(entry)
    if (typeof name !== 'string' || typeof settings !== 'object' || settings === null) return []
    return [
      { name, script: String(Object(settings).pm_exec_path ?? ''), settings: { ...settings } },
    ]
  })
}

export function judgePm2({ name, settings }: Pm2Process, drainMs: number): readonly Finding[] {
  const wrong: Finding[] = []
  const expect = (isRight: boolean, words: string, setting: string) => {
    if (isRight) return
    wrong.push(problem('pm2', `${name}: ${words}`, `${setting} in ecosystem.config.cjs`))
  }
  const { exec_mode, treekill, shutdown_with_message, kill_timeout, stop_exit_codes } = settings
  const killMs = Number(kill_timeout ?? 1_600)
  expect(
    exec_mode === 'fork_mode',
    'PM2 runs it in cluster mode, which is not for supervisors.',
    "exec_mode: 'fork', without `instances`,",
  )
  expect(
    treekill === false,
    'PM2 signals its children as well, which ends workers and database before it can drain.',
    'treekill: false',
  )
  expect(
    killMs >= drainMs + FAREWELL_MS,
    `PM2 kills it after ${killMs / 1_000} s, while its drain may take ${drainMs / 1_000} s.`,
    `kill_timeout: ${drainMs + 15_000}`,
  )
  if (shutdown_with_message !== true)
    wrong.push(
      warning(
        'pm2',
        `${name}: PM2 stops it by a signal; a message works the same on every system.`,
        'shutdown_with_message: true in ecosystem.config.cjs',
      ),
    )
  if (!Array.isArray(stop_exit_codes) || !stop_exit_codes.map(Number).includes(78))
    wrong.push(
      warning(
        'pm2',
        `${name}: PM2 starts it again and again after a configuration that no restart mends.`,
        'stop_exit_codes: [4, 78] in ecosystem.config.cjs',
      ),
    )
  return wrong.length > 0 ? wrong : [fine('pm2', `PM2 runs ${name} as it should`)]
}
