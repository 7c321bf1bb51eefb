// Memory and rate of an import of a large file: the command as a person runs it, its peak of
// resident memory read from the kernel.
//
//   npm run bench:records-import -- [--records 200000] [--json]

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { MAPPING_PATH, writeApplications } from '../test/support/applications.js'
import { startBenchDatabase } from './support/bench-database.js'
import { describeMachine } from './support/measure.js'
import { emptyTables, SCHEMA } from './support/records-work.js'
import { printReport, readNumbers, say } from './support/report.js'

const MAIN = fileURLToPath(new URL('../supervisor/cli/main.js', import.meta.url))
const MEBIBYTE = 2 ** 20

/** The most memory that a process has had, in MiB; 0 when it is gone. */
function peakMiB(pid: number): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8')
    return Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) / 1_024
  } catch {
    return 0
  }
}

async function importOnce(path: string, databaseUrl: string) {
  const words = ['records', 'import', MAPPING_PATH, path, '--schema', SCHEMA]
  const startedMs = performance.now()
  const child = spawn(process.execPath, [MAIN, ...words], {
    env: { ...process.env, DATABASE_URL: databaseUrl },
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  let peak = 0
  const look = setInterval(() => {
    peak = Math.max(peak, peakMiB(child.pid ?? 0))
  }, 100)
  const [exitCode]: number[] = await once(child, 'exit')
  clearInterval(look)
  if (exitCode !== 0) throw new Error(`The import ended with ${exitCode}.`)
  return { seconds: (performance.now() - startedMs) / 1_000, peak }
}

async function main(): Promise<void> {
  const { numbers, isJson } = readNumbers({ records: 200_000 })
  const { records } = numbers
  const directory = await mkdtemp(join(tmpdir(), 'fetchyard-import-'))
  const database = await startBenchDatabase()
  try {
    const runs: { name: string; mebibytes: number; seconds: number; peak: number }[] = []
    for (const name of ['large.xml', 'large.xml.gz']) {
      const path = join(directory, name)
      say(`writing ${records} records to ${name}`)
      await writeApplications(path, records)
      await emptyTables(database.sql)
      const { size } = await stat(path)
      runs.push({ name, mebibytes: size / MEBIBYTE, ...(await importOnce(path, database.url)) })
      await rm(path)
    }
    printReport(
      {
        title: `Import of ${records} records`,
        machine: describeMachine(database.version),
        head: ['file', 'MiB', 'records/s', 'peak of memory, MiB'],
        rows: runs.map(({ name, mebibytes, seconds, peak }) => [
          name,
          mebibytes.toFixed(1),
          (records / seconds).toFixed(0),
          peak.toFixed(0),
        ]),
        notes: ['Start of the program included. Aim: memory below 300 MiB, whatever the file.'],
        figures: { ...numbers, runs },
      },
      isJson,
    )
  } finally {
    await database.close()
    await rm(directory, { recursive: true, force: true })
  }
}

await main()
