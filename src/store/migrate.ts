// Brings the schema `fetchyard` to the version this program knows. Migrations are numbered SQL
// files; their first line says whether an older program breaks on them.

import { readdir, readFile } from 'node:fs/promises'
import { FetchyardError } from '../core/errors.js'
import type { Sql } from './client.js'
import { codeOf } from './client.js'

export interface Migration {
  readonly id: number
  readonly name: string
  readonly breaking: boolean
  readonly text: string
}

const DIRECTORY = new URL('./migrations/', import.meta.url)
const FILE_NAME = /^(\d{4})_([a-z0-9_]+)\.sql$/

/** The migrations this program carries, in order. */
export async function readMigrations(): Promise<readonly Migration[]> {
  const names = (await readdir(DIRECTORY)).filter((name) => FILE_NAME.test(name)).sort()
  return Promise.all(
    names.map(async (file) => {
      const [, id = '', name = ''] = FILE_NAME.exec(file) ?? []
      const text = await readFile(new URL(file, DIRECTORY), 'utf8')
      return { id: Number(id), name, breaking: text.startsWith('-- breaking: yes'), text }
    }),
  )
}

interface AppliedRow {
  readonly id: number
  readonly name: string
  readonly breaking: boolean
}

async function readApplied(sql: Sql): Promise<readonly AppliedRow[]> {
  try {
    return await sql<AppliedRow[]>`
      select migration_id as id, name, breaking from fetchyard.migration order by migration_id`
  } catch (error) {
    const code = codeOf(error)
    if (code === '3F000' || code === '42P01') return []
    throw error
  }
}

/** Refuses a schema that a newer program has changed in a way this one would misread. */
function refuseNewer(applied: readonly AppliedRow[], known: readonly Migration[]): void {
  const newest = known.at(-1)?.id ?? 0
  const strange = applied.find((row) => row.id > newest && row.breaking)
  if (strange === undefined) return
  throw new FetchyardError(
    'SCHEMA_NEWER',
    `The database has migration ${strange.id} (${strange.name}), which this program, at ${newest}, ` +
      'would misread. Install the newer Fetchyard.',
  )
}

/** Migrations that `migrate` would apply now. */
export async function pendingMigrations(sql: Sql): Promise<readonly Migration[]> {
  const known = await readMigrations()
  const applied = await readApplied(sql)
  refuseNewer(applied, known)
  const ids = new Set(applied.map((row) => row.id))
  return known.filter((migration) => !ids.has(migration.id))
}

/**
 * Applies what is missing, each migration in a transaction of its own that takes its number first:
 * of two programs that migrate at once, the second waits there and then finds the work done.
 *
 * @returns the migrations applied by this call.
 */
export async function migrate(sql: Sql): Promise<readonly Migration[]> {
  const pending = await pendingMigrations(sql)
  if (pending.length === 0) return []
  await createLedger(sql)
  const done: Migration[] = []
  for (const migration of pending) {
    if (await applyOne(sql, migration)) done.push(migration)
  }
  return done
}

async function createLedger(sql: Sql): Promise<void> {
  // `if not exists` still races in the catalog: two sessions may both see nothing and both insert.
  for (let tries = 0; tries < 3; tries += 1) {
    try {
      await sql.unsafe(`
        create schema if not exists fetchyard;
        create table if not exists fetchyard.migration (
          migration_id integer     primary key,
          name         text        not null,
          breaking     boolean     not null,
          applied_at   timestamptz not null default now()
        )`)
      return
    } catch (error) {
      if (codeOf(error) !== '23505' && codeOf(error) !== '42P06' && codeOf(error) !== '42P07')
        throw error
    }
  }
}

async function applyOne(sql: Sql, migration: Migration): Promise<boolean> {
  return sql.begin(async (transaction) => {
    const taken = await transaction`
      insert into fetchyard.migration (migration_id, name, breaking)
      values (${migration.id}, ${migration.name}, ${migration.breaking})
          on conflict do nothing
      returning migration_id`
    if (taken.length === 0) return false
    await transaction.unsafe(migration.text)
    return true
  }) as Promise<boolean>
}
