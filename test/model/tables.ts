// The user's tables of the model tests, and reading all tables that count in one statement.

import type { SinkDefinition, SourceDefinition } from '../../src/core/definition.js'
import type { Sql } from '../../src/store/client.js'
import { migrate } from '../../src/store/migrate.js'

export const SOURCE: SourceDefinition = {
  table: 'public.model_pages',
  key: 'url',
  keyType: 'text',
  status: 'status',
  where: "curation = 'Selected'",
  updatedAt: 'updated_at',
  payload: ['url'],
  urlColumn: 'url',
  insert: { curation: 'Selected', status: 'Queued' },
}

export const SINKS: { readonly results: SinkDefinition } = {
  results: {
    table: 'public.model_results',
    columns: { token: 'text' },
    key: ['token'],
    leaseColumn: 'lease',
    sourceKeyColumn: 'item_key',
  },
}

/** Migrates and makes the user's tables. */
export async function createTables(sql: Sql): Promise<void> {
  await migrate(sql)
  await sql.unsafe(`
    create table public.model_pages (
      url        text primary key,
      curation   text not null,
      status     text,
      updated_at timestamptz not null default '2000-01-01Z'
    );
    create table public.model_results (
      token    text primary key,
      item_key text not null,
      lease    bigint not null
    )`)
}

const EMPTIED = [
  'fetchyard.work_queue',
  'fetchyard.processing_log',
  'fetchyard.ending',
  'fetchyard.end_tally',
  'fetchyard.item',
  'fetchyard.tally',
  'fetchyard.node',
  'public.model_pages',
  'public.model_results',
]

/**
 * Empties the tables between two sequences. Truncating small tables is slower than deleting a few
 * rows, but leaves nothing behind for the next sequences to read over.
 */
export async function emptyTables(sql: Sql, how: 'delete' | 'truncate'): Promise<void> {
  const statements =
    how === 'truncate'
      ? [`truncate ${EMPTIED.join(', ')}`]
      : EMPTIED.map((table) => `delete from ${table}`)
  const resets = [
    `update fetchyard.workflow set paused_by = '{}'`,
    // The clock starts anew as well.
    'update fetchyard.housekeeping set turn_until = null, passed_at = null, newest_lease = 0',
  ]
  await sql.unsafe([...statements, ...resets].join(';\n'))
}

type Id = number

/** A node as the tables have it; times in microseconds. */
export type NodeLine = readonly [
  nodeId: string,
  aliveUntil: number,
  steadySince: number,
  fencedWhy: string | null,
]

/** Everything the model knows as well, each row a list. */
export interface Snapshot {
  readonly items: readonly [itemId: Id, workflowId: number, key: string, round: number][]
  readonly packs: readonly PackRow[]
  readonly receipts: readonly ReceiptRow[]
  readonly endings: readonly EndingRow[]
  readonly tallies: readonly [workflowId: number, event: string, items: number][]
  readonly tallyRows: number
  readonly results: readonly [token: string, key: string, leaseId: Id][]
  readonly pages: readonly [key: string, word: string | null, isSelected: boolean][]
  readonly nodes: readonly NodeLine[]
  readonly words: readonly [itemId: Id, word: string | null][]
  readonly paused: readonly [workflowId: number, reasons: readonly string[]][]
}

export type PackRow = readonly [
  packId: Id,
  workflowId: number,
  priority: number,
  attempt: number,
  snoozes: number,
  crashes: number,
  lonelyCrashes: number,
  runAtUs: number,
  itemIds: readonly Id[],
  leaseId: Id | null,
  nodeId: string | null,
  deadlineUs: number | null,
]

export type ReceiptRow = readonly [
  itemId: Id,
  leaseId: Id,
  nodeId: string | null,
  attempt: number,
  status: string,
  code: string,
]

export type EndingRow = readonly [
  itemId: Id,
  leaseId: Id,
  attempt: number,
  status: string,
  code: string,
]

const rowsOf = (columns: string, from: string, order: string) =>
  `(select coalesce(json_agg(json_build_array(${columns}) order by ${order}), '[]') from ${from})`

/** Reads at the clock's time and then lets it go on by $1 microseconds. */
const READ = `
  with ticked as (
    update test_clock.reading set at = at + $1::int * interval '1 microsecond'
  )
  select json_build_object(
    'items', ${rowsOf('item_id, workflow_id, item_key, round', 'fetchyard.item', 'item_id')},
    'packs', ${rowsOf(
      `pack_id, workflow_id, priority, attempt, snoozes, crashes, lonely_crashes,
       test_clock.us(run_at), item_ids, lease_id, node_id, test_clock.us(deadline)`,
      'fetchyard.work_queue',
      'pack_id',
    )},
    'receipts', ${rowsOf(
      'item_id, lease_id, node_id, attempt, status, outcome_code',
      'fetchyard.processing_log',
      'item_id, ended_at',
    )},
    'endings', ${rowsOf(
      'item_id, lease_id, attempt, status, outcome_code',
      'fetchyard.ending',
      'item_id',
    )},
    'tallies', ${rowsOf(
      'workflow_id, event, items',
      `(select workflow_id, event, sum(items) as items from fetchyard.tally
         group by workflow_id, event having sum(items) <> 0) as total`,
      'workflow_id, event collate "C"',
    )},
    'tallyRows', (select count(*) from fetchyard.tally),
    'results', ${rowsOf('token, item_key, lease', 'public.model_results', 'token collate "C"')},
    'pages', ${rowsOf(`url, status, curation = 'Selected'`, 'public.model_pages', 'url collate "C"')},
    'nodes', ${rowsOf(
      // Who fenced a node, and when its lease ran out, is told to people alone.
      `node_id, test_clock.us(alive_until), test_clock.us(steady_since), split_part(fenced_why, ' at ', 1)`,
      'fetchyard.node',
      'node_id',
    )},
    'words', ${rowsOf('item_id, status', 'fetchyard.work_items', 'item_id')},
    'paused', ${rowsOf('workflow_id, paused_by', 'fetchyard.workflow', 'workflow_id')}
  )::text as snapshot`

export async function readSnapshot(sql: Sql, tickUs: number): Promise<Snapshot> {
  const rows = await sql.unsafe<{ snapshot: string }[]>(READ, [tickUs], { prepare: true })
  return JSON.parse(rows[0]?.snapshot ?? '{}') as Snapshot
}
