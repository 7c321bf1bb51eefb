#!/usr/bin/env node
// Writes src/store/schema.sql: the schema that the migrations make, for reviewers to read as a diff.
// Usage: node scripts/dump-schema.mjs [outDir of the build]
// Works on a scratch database of an embedded server of its own, or of FETCHYARD_TEST_DATABASE_URL.
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import postgres from 'postgres'

const root = fileURLToPath(new URL('..', import.meta.url))
const built = (path) => import(pathToFileURL(resolve(root, process.argv[2] ?? 'dist', path)).href)
const { migrate } = await built('src/store/migrate.js')
const { driverTarget } = await built('src/store/embedded.js')
const { describeSchema } = await built('test/store/support/schema-text.js')

async function startServer() {
  const given = process.env.FETCHYARD_TEST_DATABASE_URL
  if (given) return { url: given, stop: async () => {} }
  const { startEmbedded } = await built('supervisor/embedded/index.js')
  const dataDir = await mkdtemp(join(tmpdir(), 'fetchyard-dump-'))
  // Run by root, the server has an account of its own, which must be able to enter.
  await chmod(dataDir, 0o711)
  const server = await startEmbedded({ dataDir, purpose: 'db:dump', exclusive: true })
  return {
    url: server.url,
    stop: async () => {
      await server.stop()
      await rm(dataDir, { recursive: true, force: true })
    },
  }
}

function open(url) {
  const target = driverTarget(url)
  return postgres(target.url, { ...target.options, max: 4, onnotice: () => {} })
}

async function dump(serverUrl) {
  const name = `fetchyard_dump_${process.pid}`
  const admin = open(serverUrl)
  await admin`create database ${admin(name)}`
  const url = new URL(serverUrl)
  url.pathname = `/${name}`
  const sql = open(url.toString())
  try {
    await migrate(sql)
    return await describeSchema(sql)
  } finally {
    await sql.end({ timeout: 5 })
    await admin`drop database ${admin(name)} with (force)`
    await admin.end({ timeout: 5 })
  }
}

const server = await startServer()
try {
  const target = join(root, 'src/store/schema.sql')
  await writeFile(target, await dump(server.url))
  process.stderr.write(`Wrote ${target}\n`)
} finally {
  await server.stop()
}
