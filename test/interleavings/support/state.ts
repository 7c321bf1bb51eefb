// What the tables say, in words that are the same whenever the same things happened.

import { audit } from '../../../src/store/audit.js'
import type { Sql } from '../../../src/store/client.js'

export interface PackState {
  readonly items: readonly string[]
  readonly node: string | null
  readonly lease: string | null
  readonly attempt: number
  readonly crashes: number
  readonly isDelayed: boolean
}

export interface ReceiptState {
  readonly item: string
  readonly status: string
  readonly node: string | null
  readonly lease: string
}

export interface ResultState {
  readonly item: string
  readonly name: string
  readonly lease: string
}

export interface ReserveState {
  readonly node: string
  readonly calls: number
  readonly taken: number
}

/** Items are told by key and round: `b#2`. Nodes are told by their names. */
export interface State {
  readonly packs: readonly PackState[]
  readonly receipts: readonly ReceiptState[]
  readonly items: readonly string[]
  /** Items of which an ending is left in the place of a receipt. */
  readonly endings: readonly string[]
  readonly results: readonly ResultState[]
  readonly fenced: readonly string[]
  readonly alive: readonly string[]
  readonly paused: readonly string[]
  readonly tally: { readonly [event: string]: number }
  readonly reserves: readonly ReserveState[]
  /** Calls in the ledger, by what became of them. */
  readonly spent: { readonly [kind: string]: number }
  /** Items of runs; null for one that is not there. */
  readonly runItems: readonly (string | null)[]
  /** Status words of the bound table by key; empty without one. */
  readonly words: { readonly [key: string]: string | null }
}

const NAMED = `(select item_id, item_key || '#' || round as name from fetchyard.item)`

const STATE_TEXT = `
  with named as materialized ${NAMED}
  select json_build_object(
    'packs', (select coalesce(json_agg(pack order by pack.items::text, pack.node), '[]') from (
        select array(select named.name from unnest(queue.item_ids) with ordinality as member (item_id, n)
                       left join named using (item_id) order by member.n) as items,
               node.name as node, lease_id::text as lease, attempt, crashes,
               run_at > now() as "isDelayed"
          from fetchyard.work_queue as queue left join fetchyard.node using (node_id)) as pack),
    'receipts', (select coalesce(json_agg(receipt order by item, status, lease), '[]') from (
        select named.name as item, status, node.name as node, lease_id::text as lease
          from fetchyard.processing_log left join named using (item_id)
          left join fetchyard.node using (node_id)) as receipt),
    'items', (select coalesce(json_agg(name order by name), '[]') from named),
    'endings', (select coalesce(json_agg(name order by name), '[]')
                  from fetchyard.ending left join named using (item_id)),
    'results', (select coalesce(json_agg(result order by item, name, lease), '[]') from (
        select item, name, lease_id::text as lease from public.harvest) as result),
    'fenced', (select coalesce(json_agg(name order by name), '[]')
                 from fetchyard.node where fenced_at is not null),
    'alive', (select coalesce(json_agg(name order by name), '[]')
                from fetchyard.node where alive_until > now()),
    'paused', (select coalesce(json_agg(name order by name), '[]')
                 from fetchyard.workflow where paused_by <> '{}'),
    'tally', (select coalesce(json_object_agg(event, items), '{}') from (
        select event, sum(items) as items from fetchyard.tally group by event order by event) as count),
    'reserves', (select coalesce(json_agg(reserve order by node), '[]') from (
        select node.name as node, calls, taken
          from fetchyard.reserve left join fetchyard.node using (node_id)) as reserve),
    'spent', (select coalesce(json_object_agg(kind, calls), '{}') from (
        select kind, sum(calls) as calls from fetchyard.spend group by kind order by kind) as bill),
    'runItems', (select coalesce(json_agg(named.name order by named.name), '[]')
                   from fetchyard.run_item left join named using (item_id)),
    'words', (select coalesce(json_object_agg(page_id, status), '{}')
                from (select page_id, status from public.pages order by page_id) as page)
  ) as state`

export async function readState(sql: Sql): Promise<State> {
  const rows = await sql.unsafe<{ state: State }[]>(STATE_TEXT, [], { prepare: true })
  const row = rows[0]
  if (row === undefined) throw new Error('the state was not read')
  return row.state
}

/** What the audit finds, in words. */
export async function readFaults(sql: Sql): Promise<readonly string[]> {
  const { checks } = await audit(sql)
  return checks
    .filter(({ violations }) => violations > 0)
    .map(({ invariant, promise, examples }) => `${invariant} ${promise}: ${examples.join(', ')}`)
}

/** The same without lease numbers, which depend on who came first. */
export function withoutLeases(state: State): unknown {
  const plain = <T extends { readonly lease: string | null }>(rows: readonly T[]) =>
    rows.map(({ lease, ...rest }) => ({ ...rest, isLeased: lease !== null && lease !== '0' }))
  return {
    ...state,
    packs: plain(state.packs),
    receipts: plain(state.receipts),
    results: plain(state.results),
  }
}
