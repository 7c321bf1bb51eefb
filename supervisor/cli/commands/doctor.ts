import { resolve } from 'node:path'
import { EXIT_CODES } from '../../../src/core/errors.js'
import type { Finding, HealthLevel } from '../../../src/core/health.js'
import { examine } from '../../doctor/doctor.js'
import { seatsOf } from '../../workflow-options.js'
import type { Command, Invocation } from '../command.js'
import { isGiven } from '../command.js'
import type { Streams } from '../streams.js'
import { paint, print, printJson } from '../streams.js'

export const doctorCommand: Command = {
  syntax: 'doctor',
  summary: 'Look for what is wrong around a node, and say what mends it; changes nothing',
  examples: [
    ['fetchyard doctor', 'machine, database, schema, dashboard and PM2'],
    ['fetchyard doctor --json', 'the same for programs; exit code 3 when there is a problem'],
  ],
  groups: ['database', 'node', 'work', 'fetch', 'web'],
  flags: { json: { type: 'switch', sentence: 'Print the findings as JSON' } },
  run: runDoctor,
}

const MEBIBYTE = 1_048_576

async function runDoctor(invocation: Invocation): Promise<number> {
  const { streams, settings, environment, cwd } = invocation
  const findings = await examine({
    machine: {
      sockets: settings.sockets,
      workers: seatsOf(settings).length,
      workerBytesMax: settings.memoryMb * MEBIBYTE,
      searchPath: environment.PATH ?? '',
    },
    web: settings,
    drainMs: settings.drainMs,
    pm2Home: environment.PM2_HOME ?? null,
    databaseUrl: settings.databaseUrl,
    dataDir: resolve(cwd, settings.dataDir),
    pooling: settings.pooling,
    poolMax: settings.poolMax,
  })
  const isHealthy = findings.every(({ level }) => level !== 'problem')
  if (isGiven(invocation, 'json')) await printJson(streams, { schema: 1, isHealthy, findings })
  else for (const line of doctorLines(findings, streams)) await print(streams, line)
  return isHealthy ? EXIT_CODES.ok : EXIT_CODES.problems
}

const MARKS = {
  ok: { word: 'ok  ', color: 'green' },
  warning: { word: 'warn', color: 'yellow' },
  problem: { word: 'FAIL', color: 'red' },
} as const satisfies { [level in HealthLevel]: { word: string; color: string } }

function doctorLines(findings: readonly Finding[], { stdout }: Streams): readonly string[] {
  const lines = findings.flatMap(({ check, level, words, fix }) => [
    `${paint(stdout, MARKS[level].color, MARKS[level].word)}  ${check}: ${words}`,
    ...(fix === null ? [] : [`        mend it: ${fix}`]),
  ])
  const count = (level: HealthLevel) => findings.filter((one) => one.level === level).length
  const [problems, warnings] = [count('problem'), count('warning')]
  const some = (number: number, word: string) => `${number} ${word}${number === 1 ? '' : 's'}`
  return [...lines, `${some(problems, 'problem')}, ${some(warnings, 'warning')}`]
}
