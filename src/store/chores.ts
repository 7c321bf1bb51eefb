// Housekeeping's chores as rows: whose turn it is, what was done last, and how it went. One node
// works a chore at a time. There is no leader: who finds a turn free takes it, and a turn whose
// holder died is free again after a minute.

import type { Sql } from './client.js'
import { ISO_FORMAT } from './instants.js'

/** Chores, in the order in which a node goes through them. */
export const CHORES = ['receipts', 'runs', 'items', 'events', 'nodes'] as const
export type Chore = (typeof CHORES)[number]

/** Who works a chore. */
export interface Turn {
  readonly chore: Chore
  readonly nodeId: string
}

/** What a slice did. */
export interface Slice {
  /** False: the turn was lost, or the chore was paused meanwhile. Nothing was done. */
  readonly isOurs: boolean
  readonly rows: number
}

/** What of the rows of a chore goes: those older than `keepMs`, so many at a time. */
export interface Old {
  readonly nodeId: string
  readonly keepMs: number
  readonly rowsMax: number
}

export const LOST: Slice = { isOurs: false, rows: 0 }

/** Time after which the turn of a node that went silent is free. Every slice renews it. */
const TURN = `interval '1 minute'`

/**
 * Takes the turn at a chore, unless another node has it, somebody has paused it, or its last pass
 * ended less than `gapMs` ago. Of several that ask at once one gets it, and nobody waits.
 */
export async function takeTurn(
  sql: Sql,
  turn: Turn & { readonly gapMs: number },
): Promise<boolean> {
  const rows = await sql.unsafe(
    `with free as materialized (
       select task from fetchyard.housekeeping
        where task = $1 and paused_why is null
          and (turn_until is null or turn_until < clock_timestamp())
          and (passed_at is null
               or passed_at <= clock_timestamp() - $3::float8 * interval '1 millisecond')
          for update skip locked
     )
     update fetchyard.housekeeping as chore
        set turn_of = $2::uuid, turn_until = clock_timestamp() + ${TURN}
       from free
      where chore.task = free.task
     returning chore.task`,
    [turn.chore, turn.nodeId, turn.gapMs],
  )
  return rows.length === 1
}

/** How long a slice waits for anybody's lock, in milliseconds: then it fails, and comes again. */
const LOCK_MS_MAX = 1_000

/**
 * The clause of a slice that proves the turn and keeps others out until the slice has committed.
 * Every clause that changes something asks for it: `exists (select from turn)`.
 */
export function turnCte(chore: Chore): string {
  return `
  turn as materialized (
    select task from fetchyard.housekeeping
     where task = '${chore}' and turn_of = $1::uuid and paused_why is null
       and set_config('lock_timeout', '${LOCK_MS_MAX}', true) is not null
       for update skip locked
  )`
}

/** The clause of a slice that renews the turn and counts what went. `rows` is an expression. */
export function renewCte(rows: string, alsoSet = ''): string {
  return `
  renewed as (
    update fetchyard.housekeeping as chore
       set turn_until = clock_timestamp() + ${TURN}, removed = chore.removed + ${rows}${alsoSet}
      from turn
     where chore.task = turn.task
  )`
}

/** Runs the statement of one slice. */
export async function runSlice<Row extends { readonly isOurs: boolean }>(
  sql: Sql,
  statement: string,
  parameters: readonly (string | number | null)[],
): Promise<Row> {
  const [row] = await sql.unsafe<Row[]>(statement, [...parameters])
  if (row === undefined) throw new Error('a slice of housekeeping returned no row')
  return row
}

/** Ends a pass: gives the turn back and says what it did, or why it failed. */
export async function endTurn(
  sql: Sql,
  pass: Turn & { readonly rows: number; readonly failure: string | null },
): Promise<void> {
  await sql.unsafe(
    `update fetchyard.housekeeping as chore
        set turn_of = null, turn_until = null, passed_at = clock_timestamp(),
            passed_rows = $3::bigint,
            passed_by = (select name from fetchyard.node where node_id = $2::uuid),
            failed_at = case when $4::text is null then failed_at else clock_timestamp() end,
            failure = coalesce($4::text, failure)
      where task = $1 and turn_of = $2::uuid`,
    [pass.chore, pass.nodeId, pass.rows, pass.failure],
  )
}

/** Stops housekeeping in the whole cluster, for a reason; null lets it go on. */
export async function pauseChores(sql: Sql, reason: string | null): Promise<boolean> {
  const rows = await sql`
    update fetchyard.housekeeping set paused_why = ${reason}::text
     where paused_why is distinct from ${reason}::text
    returning task`
  return rows.length > 0
}

/** How a chore stands. Instants are the database's. */
export interface ChoreStatus {
  readonly chore: Chore
  readonly pausedWhy: string | null
  /** Node that is at it now. */
  readonly worker: string | null
  readonly passedAt: string | null
  readonly passedBy: string | null
  /** Rows that the last pass removed. */
  readonly passedRows: number
  /** Rows removed since the schema was made. */
  readonly removed: number
  readonly failedAt: string | null
  readonly failure: string | null
}

/** Instants as programs read them, in UTC. */
export async function readChores(sql: Sql): Promise<readonly ChoreStatus[]> {
  const chores: readonly string[] = CHORES
  return sql<ChoreStatus[]>`
    select chore.task as chore, chore.paused_why as "pausedWhy",
           case when chore.turn_until > clock_timestamp() then node.name end as worker,
           to_char(chore.passed_at at time zone 'UTC', ${ISO_FORMAT}) as "passedAt",
           chore.passed_by as "passedBy",
           chore.passed_rows::float8 as "passedRows", chore.removed::float8 as removed,
           to_char(chore.failed_at at time zone 'UTC', ${ISO_FORMAT}) as "failedAt",
           chore.failure
      from fetchyard.housekeeping as chore
      left join fetchyard.node on node.node_id = chore.turn_of
     order by array_position(${chores as string[]}::text[], chore.task)`
}
