import { randomBytes } from 'node:crypto'
import { appendFile, chown, mkdir, readdir, rm, rmdir, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { renameForGood } from '../write-whole.js'
import { USER_NAME } from './address.js'
import { type Cluster, createError, SETTINGS_FILE } from './control.js'
import { dataDirectoryError, explaining, readIfThere, writePrivate } from './files.js'
import type { Memory } from './memory.js'
import { runProgram } from './program.js'

export interface DirectoryFacts {
  /** `null` when there is no such directory. */
  readonly entries: readonly string[] | null
  /** Content of PG_VERSION, or `null` when there is none. */
  readonly version: string | null
  readonly hasControlFile: boolean
  /** What we remember of it; `null` when its memory is missing. */
  readonly memory: { readonly created: boolean } | null
}

export type DirectoryVerdict =
  | { readonly kind: 'use' }
  | { readonly kind: 'create' }
  | { readonly kind: 'problem'; readonly problem: string; readonly fix: string }

const MOVE_AWAY = 'Restore it from a backup, or move the data directory away to begin empty'

/** Decides whether a directory is a database of ours, room for one, or neither. */
export function judgeDirectory(facts: DirectoryFacts, major: number): DirectoryVerdict {
  const { entries, version, hasControlFile, memory } = facts
  if (entries === null || entries.length === 0) {
    if (memory === null || !memory.created) return { kind: 'create' }
    return { kind: 'problem', problem: 'has lost its database files', fix: MOVE_AWAY }
  }
  if (version === null) {
    const problem = 'holds files that are no Postgres database (there is no PG_VERSION)'
    return { kind: 'problem', problem, fix: 'Move them away, or choose another data directory' }
  }
  if (version.trim() !== String(major)) {
    const problem = `was made by Postgres ${version.trim()}; this version brings Postgres ${major}`
    const fix = 'Dump it with the old version and restore it with this one, or move it away'
    return { kind: 'problem', problem, fix }
  }
  if (!hasControlFile) {
    const problem = 'holds a damaged database (global/pg_control is missing)'
    return { kind: 'problem', problem, fix: MOVE_AWAY }
  }
  if (memory === null) {
    const problem = 'holds a database whose password is unknown (embedded.json is missing)'
    return { kind: 'problem', problem, fix: 'Restore that file, or move the directory away' }
  }
  return { kind: 'use' }
}

async function inspectDirectory(pgDir: string, memory: Memory | null): Promise<DirectoryFacts> {
  const found = await stat(pgDir).catch(() => null)
  const entries = found === null ? null : await readdir(pgDir)
  const version = entries === null ? null : await readIfThere(join(pgDir, 'PG_VERSION'))
  const control = await stat(join(pgDir, 'global', 'pg_control')).catch(() => null)
  return { entries, version, hasControlFile: control !== null, memory }
}

/**
 * Decides what to do with `pgDir`.
 *
 * @returns whether a database must be made there.
 * @throws {FetchyardError} DATA_DIRECTORY when what is there is not ours to use.
 */
export async function needsCluster(
  pgDir: string,
  memory: Memory | null,
  major: number,
): Promise<boolean> {
  const facts = await explaining(pgDir, () => inspectDirectory(pgDir, memory))
  const verdict = judgeDirectory(facts, major)
  if (verdict.kind === 'problem') throw dataDirectoryError({ path: pgDir, ...verdict })
  return verdict.kind === 'create'
}

/**
 * Makes a database beside its place and renames it: a kill in the middle leaves no half of one.
 *
 * @throws {FetchyardError} DATA_DIRECTORY with the last words of `initdb`.
 */
export async function createCluster(cluster: Cluster, password: string): Promise<void> {
  const { pgDir, account } = cluster
  await removeDrafts(pgDir)
  const draft = `${pgDir}.new-${randomBytes(6).toString('hex')}`
  const passwordFile = `${draft}.password`
  try {
    await mkdir(draft, { mode: 0o700 })
    if (account !== null) await chown(draft, account.uid, account.gid)
    await writePrivate(passwordFile, `${password}\n`, account)
    await runInitdb(cluster, draft, passwordFile)
    await appendFile(join(draft, 'postgresql.conf'), `\ninclude '${SETTINGS_FILE}'\n`)
    await rmdir(pgDir).catch(() => {})
    await renameForGood(draft, pgDir)
  } finally {
    await rm(passwordFile, { force: true })
    await rm(draft, { recursive: true, force: true })
  }
}

async function runInitdb(cluster: Cluster, draft: string, passwordFile: string): Promise<void> {
  const args = [
    `--pgdata=${draft}`,
    `--username=${USER_NAME}`,
    `--pwfile=${passwordFile}`,
    '--auth=scram-sha-256',
    '--encoding=UTF8',
    '--locale=C',
    '--locale-provider=builtin',
    '--builtin-locale=C.UTF-8',
    '--no-instructions',
  ]
  const end = await runProgram({ file: cluster.binaries.initdb, args, account: cluster.account })
  if (end.code !== 0) throw createError(cluster.pgDir, end.stderr || end.stdout)
}

/**
 * Removes what killed processes left. We hold the turn, so no process of ours writes there; an
 * `initdb` that outlived its parent may, and then the rest is removed at the next creation.
 */
async function removeDrafts(pgDir: string): Promise<void> {
  const parent = dirname(pgDir)
  for (const name of await readdir(parent)) {
    if (!name.startsWith('pg.new-')) continue
    await rm(join(parent, name), { recursive: true, force: true }).catch(() => {})
  }
}
