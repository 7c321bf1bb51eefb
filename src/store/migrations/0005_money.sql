-- breaking: no. What calls cost, and how much they may.

-- Append-only, a row a statement, folded by the minute: the sum since an instant is always at hand.
create table fetchyard.spend (
  spent_at    timestamptz not null default clock_timestamp(),
  workflow_id smallint    not null,
  kind        text        not null check (kind in ('useful', 'failed', 'crashed')),
  calls       bigint      not null check (calls >= 0),
  credits     bigint      not null check (credits >= 0)
);

comment on column fetchyard.spend.kind is
  'useful: the item was completed. failed: the attempt was billed and failed. crashed: a worker or node was lost with calls under way; its credits are the most that they may have cost.';

create index spend_workflow_idx
  on fetchyard.spend (workflow_id, spent_at) include (kind, calls, credits);

alter table fetchyard.workflow
  add column budget_per_day bigint      check (budget_per_day >= 0),
  add column budget         bigint      check (budget >= 0),
  add column budget_since   timestamptz not null default '-infinity';

comment on column fetchyard.workflow.budget_per_day is
  'Credits that may be spent in a day (UTC); null: as many as there are.';
comment on column fetchyard.workflow.budget is
  'Credits that may be spent since budget_since, as by a run; null: as many as there are.';
