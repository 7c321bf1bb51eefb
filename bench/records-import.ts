// Memory and rate of an import of a large file: the command as a person runs it, its peak of
// resident memory read from the kernel.
//
//   npm run bench:records-import -- [--records 200000] [--gigabytes 10] [--json]
//
// The records come as a plain file, as a packed one, and as one of so many gigabytes, which has
// holes between its records that are read like anything else and take no room on the disk.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { mkdtemp, open, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import {
  applicationXml,
  MAPPING_PATH,
  NAMESPACE,
  writeApplications,
} from '../test/support/applications.js'
import { startBenchDatabase } from './support/bench-database.js'
import { describeMachine } from './support/measure.js'
import { emptyTables, SCHEMA } from './support/records-work.js'
import { printReport, readNumbers, say } from './support/report.js'

const MAIN = fileURLToPath(new URL('../supervisor/cli/main.js', import.meta.url))
const MEBIBYTE = 2 ** 20
const GIGABYTE = 1e9
const TOGETHER = 100

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

/** A document of `bytes` bytes, its records in groups with holes between them. */
async function writeSparse(path: string, records: number, bytes: number): Promise<void> {
  const file = await open(path, 'w')
  await file.write(`<Applications xmlns="${NAMESPACE}">`, 0)
  const groups = Math.ceil(records / TOGETHER)
  for (let group = 0; group < groups; group += 1) {
    const first = group * TOGETHER + 1
    const count = Math.min(TOGETHER, records - first + 1)
    const texts = Array.from({ length: count }, (_, at) => applicationXml(first + at))
    await file.write(texts.join('\n'), Math.floor(((group + 0.5) * bytes) / groups))
  }
  await file.write('</Applications>', bytes)
  await file.close()
}

async function main(): Promise<void> {
  const { numbers, isJson } = readNumbers({ records: 200_000, gigabytes: 10 })
  const { records, gigabytes } = numbers
  const directory = await mkdtemp(join(tmpdir(), 'fetchyard-import-'))
  const database = await startBenchDatabase()
  try {
    const runs: { name: string; mebibytes: number; seconds: number; peak: number }[] = []
    for (const name of ['large.xml', 'large.xml.gz', 'sparse.xml']) {
      const path = join(directory, name)
      say(`writing ${records} records to ${name}`)
      if (name === 'sparse.xml') await writeSparse(path, records, gigabytes * GIGABYTE)
      else await writeApplications(path, records)
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
