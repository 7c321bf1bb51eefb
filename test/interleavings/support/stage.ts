// The stage: connections for the actors and for an observer, and a state that every order starts from.

import { after, before } from 'mocha'
import postgres from 'postgres'
import type { Sql } from '../../../src/store/client.js'
import { driverTarget } from '../../../src/store/embedded.js'
import type { Yard } from '../../support/factory.js'
import { useYard } from '../../support/factory.js'
import { useClean } from './clean.js'

const ACTORS_MAX = 4

/** In the order in which they can be filled. */
const TABLES = [
  'fetchyard.node',
  'fetchyard.workflow',
  'fetchyard.item',
  'fetchyard.work_queue',
  'fetchyard.processing_log',
  'fetchyard.ending',
  'fetchyard.housekeeping',
  'fetchyard.tally',
  'fetchyard.reserve',
  'fetchyard.spend',
  'fetchyard.run',
  'fetchyard.run_item',
  'public.harvest',
  'public.pages',
]

interface Connection {
  readonly sql: Sql
  readonly pid: number
}

export interface Stage {
  readonly yard: Yard
  readonly observer: Connection
  readonly actors: readonly Connection[]
  /** Keeps the state as it is now, as the one that every order starts from. */
  readonly save: () => Promise<void>
  /** Goes back to the state kept, and closes so many gates. */
  readonly restore: (gates: number) => Promise<void>
}

async function connect(url: string): Promise<Connection> {
  const target = driverTarget(url)
  const sql = postgres(target.url, {
    ...target.options,
    max: 1,
    onnotice: () => {},
    // What another transaction sees does not depend on the disk.
    connection: { synchronous_commit: 'off' },
  }) as Sql
  const rows = await sql<{ pid: number }[]>`select pg_backend_pid() as pid`
  return { sql, pid: rows[0]?.pid ?? 0 }
}

/** A function that brings the tables back: one call an order, planned once. */
function restoreStatement(): string {
  const fill = (table: string) =>
    `insert into ${table} overriding system value select * from saved.${table.split('.')[1]};`
  return `
    create or replace function saved.restore() returns void language plpgsql
      set session_replication_role = replica as $restore$
    begin
      ${TABLES.toReversed()
        .map((table) => `delete from ${table};`)
        .join('\n')}
      ${TABLES.map(fill).join('\n')}
    end $restore$`
}

async function save(sql: Sql): Promise<void> {
  await sql`drop schema if exists saved cascade`
  await sql`create schema saved`
  for (const table of TABLES) {
    await sql.unsafe(`create table saved.${table.split('.')[1]} as table ${table}`)
  }
  await sql.unsafe(restoreStatement())
}

/** Gives the surrounding `describe` a stage in a database of its own. */
export function useStage(): Stage {
  const actors: Connection[] = []
  let observer: Connection | null = null
  // Before the yard's own, which takes the database away.
  after(async () => {
    const all = [...actors, ...(observer === null ? [] : [observer])]
    await Promise.all(all.map(({ sql }) => sql.end({ timeout: 1 })))
  })
  const yard = useYard()
  before(async () => {
    observer = await connect(yard.url)
    for (let count = 0; count < ACTORS_MAX; count += 1) actors.push(await connect(yard.url))
  })
  useClean(yard)
  const present = (): Connection => {
    if (observer === null) throw new Error('the stage exists inside of tests and hooks only')
    return observer
  }
  return {
    yard,
    actors,
    get observer() {
      return present()
    },
    save: () => save(yard.sql),
    restore: async (gates) => {
      await present().sql`
        select saved.restore(),
               (select count(pg_advisory_lock(gate)) from generate_series(1, ${gates}::int) as gate)`
    },
  }
}
