// The money ledger: what calls cost, by what became of them, and what is left of the budgets.

import type { Sql } from './client.js'

const SPEND_KINDS = ['useful', 'failed', 'crashed'] as const
export type SpendKind = (typeof SPEND_KINDS)[number]

export interface Spent {
  readonly kind: SpendKind
  /** Attempts that were charged, or may have been. */
  readonly calls: number
  readonly credits: number
  /** Of the credits: those of calls whose end nobody knows, at the most that they may have cost. */
  readonly unsure: number
}

/**
 * The clause of a settle that books what its items cost, over `own` and `kinds`. A call that was
 * under way when its worker died is booked at the most it may have cost: a budget must not be
 * overspent by what nobody knows.
 */
export function spendCte(workflowId: number): string {
  return `
  spent as (
    insert into fetchyard.spend (workflow_id, kind, calls, credits, unsure)
    select ${workflowId},
           case when event = 'complete' then 'useful'
                when event in ('reclaim', 'release') or code = 'poison' then 'crashed'
                else 'failed' end,
           count(*), sum(coalesce(credits, 0) + coalesce(credits_at_most, 0)),
           sum(coalesce(credits_at_most, 0))
      from own
     where coalesce(credits, 0) + coalesce(credits_at_most, 0) > 0
       and (select has_costs from kinds)
     group by 2
  )`
}

/** Start of today, as budgets count days. */
const TODAY = `date_trunc('day', now() at time zone 'utc') at time zone 'utc'`

/**
 * Expression for the credits that a workflow's budgets leave, over `flow`; null without a budget.
 * It may be below zero when calls cost more than was expected of them.
 */
export const CREDITS_LEFT = 'fetchyard.credits_left(flow.workflow_id)::float8'

/** What a workflow spent in an interval, by what became of the calls. */
export async function readSpent(
  sql: Sql,
  of: { readonly workflowId: number; readonly since: 'today' | 'ever' | 'budget' },
): Promise<readonly Spent[]> {
  const since = { today: TODAY, ever: `'-infinity'`, budget: 'flow.budget_since' }[of.since]
  return sql.unsafe<Spent[]>(
    `select spend.kind, sum(spend.calls)::float8 as calls,
            sum(spend.credits)::float8 as credits, sum(spend.unsure)::float8 as unsure
       from fetchyard.spend
       join fetchyard.workflow as flow using (workflow_id)
      where spend.workflow_id = $1 and spend.spent_at >= ${since}
      group by spend.kind
      order by spend.kind desc`,
    [of.workflowId],
  )
}

export interface Budgets {
  readonly perDay: number | null
  /** Credits since `since`, as of a run. */
  readonly total: number | null
  readonly since: string | null
  /** What the budgets leave; null without one. */
  readonly left: number | null
}

export async function readBudgets(sql: Sql, workflowId: number): Promise<Budgets | null> {
  const rows = await sql.unsafe<Budgets[]>(
    `select budget_per_day::float8 as "perDay", budget::float8 as total,
            nullif(budget_since, '-infinity')::text as since, ${CREDITS_LEFT} as left
       from fetchyard.workflow as flow where workflow_id = $1`,
    [workflowId],
  )
  return rows[0] ?? null
}

/** Sets or lifts (null) budgets; what is not named stays. */
export async function setBudgets(
  sql: Sql,
  change: {
    readonly workflowId: number
    readonly perDay?: number | null
    /** Counts what is spent since `since`, an instant, or from now on. */
    readonly total?: { readonly credits: number | null; readonly since?: string | undefined }
  },
): Promise<void> {
  const { workflowId, perDay, total } = change
  if (perDay !== undefined) {
    await sql`
      update fetchyard.workflow set budget_per_day = ${perDay}, updated_at = now()
       where workflow_id = ${workflowId}`
  }
  if (total === undefined) return
  await sql`
    update fetchyard.workflow
       set budget = ${total.credits},
           budget_since = coalesce(${total.since ?? null}::timestamptz, clock_timestamp()),
           updated_at = now()
     where workflow_id = ${workflowId}`
}

/**
 * Folds what was spent into a row a workflow, kind and minute. Rows of the last minutes stay: they
 * are still being written. A minute in which a budget began is folded on both sides of that.
 *
 * @returns rows folded away.
 */
export async function foldSpend(sql: Sql, rowsMax: number): Promise<number> {
  const rows = await sql<{ folded: number }[]>`
    with old as materialized (
      select spend.ctid
        from fetchyard.spend
       where spend.spent_at < now() - interval '2 minutes'
         and spend.spent_at >= now() - interval '1 day'
       limit ${rowsMax}::int
         for update skip locked
    ),
    taken as (
      delete from fetchyard.spend using old
       where spend.ctid = old.ctid and (select count(*) from old) > 512
      returning spend.*
    ),
    folded as (
      insert into fetchyard.spend (spent_at, workflow_id, kind, calls, credits, unsure)
      select max(taken.spent_at), taken.workflow_id, taken.kind, sum(taken.calls),
             sum(taken.credits), sum(taken.unsure)
        from taken
        left join fetchyard.workflow as flow using (workflow_id)
       group by taken.workflow_id, taken.kind, date_trunc('minute', taken.spent_at),
                taken.spent_at >= coalesce(flow.budget_since, '-infinity')
    )
    select count(*)::int as folded from taken`
  return rows[0]?.folded ?? 0
}
