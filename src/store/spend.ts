// What was spent, by item and by run, as the receipts say. Answers that were refused because their
// item had been taken away have no receipt; they are in the ledger of their workflow alone.

import type { Sql } from './client.js'

/** What an item or a run cost, by what became of its attempts. */
export interface SpendRow {
  /** Key of the item, or name of the run. */
  readonly name: string
  /** Attempts that went to an upstream that charges. */
  readonly calls: number
  readonly credits: number
  readonly useful: number
  readonly failed: number
  readonly crashed: number
  /** Of the credits: those of calls whose end nobody knows, at the most. */
  readonly unsure: number
}

const COST = 'coalesce(receipt.credits, 0) + coalesce(receipt.credits_at_most, 0)'
const IS_LOST = `(receipt.status = 'reclaimed' or receipt.outcome_code = 'poison')`

/** Sums over receipts. */
const SUMS = `
  count(*) filter (where receipt.credits is not null or receipt.credits_at_most is not null)::float8
    as calls,
  coalesce(sum(${COST}), 0)::float8 as credits,
  coalesce(sum(${COST}) filter (where receipt.status = 'success'), 0)::float8 as useful,
  coalesce(sum(${COST}) filter (where receipt.status <> 'success' and not ${IS_LOST}), 0)::float8
    as failed,
  coalesce(sum(${COST}) filter (where ${IS_LOST}), 0)::float8 as crashed,
  coalesce(sum(receipt.credits_at_most), 0)::float8 as unsure`

/** The dearest items of a workflow, over all their rounds. Reads every receipt of the workflow. */
export async function readSpendByItem(
  sql: Sql,
  of: { readonly workflowId: number; readonly rowsMax: number },
): Promise<readonly SpendRow[]> {
  return sql.unsafe<SpendRow[]>(
    `select receipt.item_key as name, ${SUMS}
       from fetchyard.processing_log as receipt
      where receipt.workflow_id = $1 and ${COST} > 0
      group by receipt.item_key
      order by credits desc, name
      limit $2`,
    [of.workflowId, of.rowsMax],
  )
}

/** What one item cost, over all its rounds; null when there is no such item. */
export async function readItemSpend(
  sql: Sql,
  of: { readonly workflowId: number; readonly key: string },
): Promise<SpendRow | null> {
  const rows = await sql.unsafe<SpendRow[]>(
    `select item.item_key as name, ${SUMS}
       from fetchyard.item
       left join fetchyard.processing_log as receipt using (item_id)
      where item.workflow_id = $1 and item.item_key = $2
      group by item.item_key`,
    [of.workflowId, of.key],
  )
  return rows[0] ?? null
}

/** A run counts what its items cost since it was started; one item may be in several runs. */
function byRun(condition: string): string {
  return `
    select run.name, ${SUMS}
      from fetchyard.run
      left join fetchyard.run_item using (run_id)
      left join fetchyard.processing_log as receipt
        on receipt.item_id = run_item.item_id and receipt.ended_at >= run.started_at
     where ${condition}
     group by run.run_id
     order by run.started_at desc`
}

/** The latest runs of a workflow, the newest first. */
export async function readSpendByRun(
  sql: Sql,
  of: { readonly workflowId: number; readonly rowsMax: number },
): Promise<readonly SpendRow[]> {
  return sql.unsafe<SpendRow[]>(
    byRun(
      `run.run_id in (select run_id from fetchyard.run where workflow_id = $1
                       order by started_at desc limit $2)`,
    ),
    [of.workflowId, of.rowsMax],
  )
}

export async function readRunSpend(sql: Sql, runId: number): Promise<SpendRow | null> {
  const rows = await sql.unsafe<SpendRow[]>(byRun('run.run_id = $1'), [runId])
  return rows[0] ?? null
}

/** What finished items of the recent past cost. */
export interface Measured {
  /** Items that were finished, also those that cost nothing. */
  readonly items: number
  /** What these and their failed and lost attempts cost together. */
  readonly credits: number
  /** Charged attempts by their price: the tiers, where there are any. */
  readonly prices: readonly { readonly credits: number; readonly calls: number }[]
}

/** Items looked at to learn what one costs. */
const SAMPLE_ITEMS = 10_000

/** What the latest items of a workflow cost; of no items when none is finished. */
export async function readMeasured(sql: Sql, workflowId: number): Promise<Measured> {
  const rows = await sql.unsafe<Measured[]>(
    `with sample as materialized (
      select item_id from fetchyard.item
       where workflow_id = $1 order by item_id desc limit ${SAMPLE_ITEMS}
    ),
    receipt as materialized (
      select log.status, log.credits, log.credits_at_most
        from sample join fetchyard.processing_log as log using (item_id)
    ),
    price as (
      select credits, count(*) as calls from receipt where credits > 0 group by credits
    )
    select (select count(*) from receipt where status in ('success', 'error'))::float8 as items,
           (select coalesce(sum(coalesce(credits, 0) + coalesce(credits_at_most, 0)), 0)
              from receipt)::float8 as credits,
           (select coalesce(jsonb_agg(jsonb_build_object('credits', credits, 'calls', calls)
                                      order by credits), '[]') from price) as prices`,
    [workflowId],
  )
  return rows[0] ?? { items: 0, credits: 0, prices: [] }
}
