-- breaking: no. How the items of each cohort end, over all nodes, step by step of a rollout.

alter table fetchyard.workflow
  add column rollout_step   integer     not null default 0 check (rollout_step >= 0),
  add column rollout_since  timestamptz not null default clock_timestamp(),
  add column rollout_by     text,
  add column rollout_option text;

comment on column fetchyard.workflow.rollout_step is
  'Grows with every change of mode or rollout; 0 until the first. Items are counted under the step that started them.';
comment on column fetchyard.workflow.rollout_by is
  'Who set mode and rollout; null until the first change.';
comment on column fetchyard.workflow.rollout_option is
  'The option a node last started with that set the rollout. A node that starts with the same one changes nothing, so that what a person or the error limit set outlives restarts.';

-- Append-only, a row a settle and cohort, folded in the background.
create table fetchyard.cohort_tally (
  first_at    timestamptz not null default clock_timestamp(),
  last_at     timestamptz not null default clock_timestamp(),
  workflow_id smallint    not null,
  step        integer     not null,
  cohort      text        not null check (cohort in ('concurrent', 'sequential')),
  completed   bigint      not null,
  failed      bigint      not null,
  snoozed     bigint      not null,
  crashed     bigint      not null,
  credits     bigint      not null,
  duration_ms bigint      not null,
  durations   bigint[]    not null
);

comment on column fetchyard.cohort_tally.durations is
  'Completed attempts by how long they took: below 50 ms, below 100 ms, and on by doubling; the last without bound. duration_ms is the sum.';

create index cohort_tally_step_idx on fetchyard.cohort_tally (workflow_id, cohort, step);
