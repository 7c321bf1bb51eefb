-- The final schema, as the migrations make it. Written by `npm run db:dump`; a test compares it.
-- For reading only: databases are brought here by src/store/migrations.

sequence fetchyard.lease_id bigint -- A new number at every lease: the fencing token. It only grows and is never given back.

-- What is beyond its bound: pending for a while, raised, and clearing for a while. One node of the cluster judges.
table fetchyard.alert (
  alert text not null
  subject text not null -- The workflow or the node that it is about; empty: the database.
  workflow_id smallint
  state text not null
  level text not null
  since timestamp with time zone not null default clock_timestamp()
  raised_at timestamp with time zone
  message text not null
  constraint alert_level_check CHECK ((level = ANY (ARRAY['warn'::text, 'error'::text])))
  constraint alert_pkey PRIMARY KEY (alert, subject)
  constraint alert_state_check CHECK ((state = ANY (ARRAY['pending'::text, 'raised'::text, 'clearing'::text])))
  constraint alert_workflow_id_fkey FOREIGN KEY (workflow_id) REFERENCES fetchyard.workflow(workflow_id) ON DELETE CASCADE
  constraint raised_has_time CHECK (((state = 'pending'::text) = (raised_at IS NULL)))
)

-- Notices for the webhook: sent in the order in which they happened, tried again until they are taken.
table fetchyard.alert_notice (
  notice_id bigint not null generated always as identity
  alert text not null
  subject text not null
  event text not null
  level text not null
  message text not null
  happened_at timestamp with time zone not null default clock_timestamp()
  tries smallint not null default 0
  next_try_at timestamp with time zone not null default clock_timestamp()
  ended_at timestamp with time zone -- When it was taken, or given up, which leaves a failure.
  failure text
  constraint alert_notice_event_check CHECK ((event = ANY (ARRAY['raised'::text, 'cleared'::text])))
  constraint alert_notice_pkey PRIMARY KEY (notice_id)
)
create index alert_notice_open_idx on fetchyard.alert_notice using btree (notice_id) where (ended_at is null)

table fetchyard.alert_sample (
  taken_at timestamp with time zone not null default clock_timestamp()
  workflow_id smallint not null
  completed bigint not null
  failed bigint not null
  reclaimed bigint not null
)
create index alert_sample_idx on fetchyard.alert_sample using btree (workflow_id, taken_at)

table fetchyard.alert_watch (
  is_one boolean not null default true
  watcher uuid
  watch_until timestamp with time zone not null default '-infinity'::timestamp with time zone
  constraint alert_watch_is_one_check CHECK (is_one)
  constraint alert_watch_pkey PRIMARY KEY (is_one)
)

table fetchyard.cohort_tally (
  first_at timestamp with time zone not null default clock_timestamp()
  last_at timestamp with time zone not null default clock_timestamp()
  workflow_id smallint not null
  step integer not null
  cohort text not null
  completed bigint not null
  failed bigint not null
  snoozed bigint not null
  crashed bigint not null
  credits bigint not null
  duration_ms bigint not null
  durations bigint[] not null -- Completed attempts by how long they took: below 50 ms, below 100 ms, and on by doubling; the last without bound. duration_ms is the sum.
  constraint cohort_tally_cohort_check CHECK ((cohort = ANY (ARRAY['concurrent'::text, 'sequential'::text])))
)
create index cohort_tally_step_idx on fetchyard.cohort_tally using btree (workflow_id, cohort, step)

table fetchyard.end_tally (
  ended_at timestamp with time zone not null default clock_timestamp()
  workflow_id smallint not null
  outcome_code text not null
  latency_bucket smallint -- Time from selection to result of completed items: up to 2^(n/2) milliseconds; null for errors, and once folded by code.
  items bigint not null
  constraint end_tally_items_check CHECK ((items > 0))
)
create index end_tally_workflow_idx on fetchyard.end_tally using btree (workflow_id, ended_at) include (outcome_code, latency_bucket, items)

-- What is left of a receipt that ended an item, once the receipts of its day are dropped.
table fetchyard.ending (
  item_id bigint not null
  lease_id bigint not null
  ended_at timestamp with time zone not null
  workflow_id smallint not null
  attempt smallint not null
  http_status smallint
  status text not null
  outcome_code text not null
  error text
  constraint ending_pkey PRIMARY KEY (item_id)
  constraint ending_status_check CHECK ((status = ANY (ARRAY['success'::text, 'error'::text, 'cancelled'::text])))
)
  with (autovacuum_vacuum_insert_scale_factor=0.02, autovacuum_vacuum_insert_threshold=10000, autovacuum_vacuum_scale_factor=0.05)
create index ending_failed_idx on fetchyard.ending using btree (workflow_id, item_id) include (status, outcome_code) where (status = any (array['error'::text, 'cancelled'::text]))
create index ending_time_idx on fetchyard.ending using btree (ended_at, item_id)

table fetchyard.event (
  event_id bigint not null generated always as identity
  happened_at timestamp with time zone not null default now()
  level text not null
  name text not null
  workflow_id smallint
  node_id uuid
  message text not null
  fields jsonb not null default '{}'::jsonb
  constraint event_level_check CHECK ((level = ANY (ARRAY['info'::text, 'warn'::text, 'error'::text])))
  constraint event_pkey PRIMARY KEY (event_id)
)
create index event_time_idx on fetchyard.event using btree (happened_at desc)

-- A row a chore of housekeeping: whose turn it is, what was done last, and how it went.
table fetchyard.housekeeping (
  task text not null
  paused_why text
  turn_of uuid
  turn_until timestamp with time zone
  passed_at timestamp with time zone
  passed_by text
  passed_rows bigint not null default 0
  removed bigint not null default 0
  failed_at timestamp with time zone
  failure text
  newest_lease bigint not null default 0 -- The newest lease of an item that was retired: result rows of leases up to it may have lost their proof.
  constraint housekeeping_pkey PRIMARY KEY (task)
  constraint housekeeping_task_check CHECK ((task = ANY (ARRAY['receipts'::text, 'items'::text, 'runs'::text, 'events'::text, 'nodes'::text])))
)
  with (fillfactor=50)

-- Files whose records are enqueued, and how far each is.
table fetchyard.import (
  import_id integer not null generated always as identity
  workflow_id smallint not null
  name text not null
  fingerprint text not null
  position jsonb not null -- Offset in the document, records before it, and the elements that are open there.
  records bigint not null default 0
  problem text -- Why the document could not be read to its end; its last item ends with the same words.
  started_at timestamp with time zone not null default now()
  moved_at timestamp with time zone not null default now()
  finished_at timestamp with time zone
  constraint import_name_check CHECK (((length(name) >= 1) AND (length(name) <= 1024)))
  constraint import_pkey PRIMARY KEY (import_id)
  constraint import_workflow_id_fkey FOREIGN KEY (workflow_id) REFERENCES fetchyard.workflow(workflow_id)
  constraint import_workflow_id_name_key UNIQUE (workflow_id, name)
)

table fetchyard.instance (
  instance_id bigint not null generated always as identity
  workflow_id smallint not null
  opened_at timestamp with time zone not null default clock_timestamp()
  opened_by text not null
  items_left bigint not null -- Items that may still be leased: at the beginning those that were ready, or as many as a batch has.
  items bigint not null default 0
  closed_at timestamp with time zone
  constraint instance_items_left_check CHECK ((items_left >= 0))
  constraint instance_opened_by_check CHECK ((opened_by = ANY (ARRAY['schedule'::text, 'operator'::text])))
  constraint instance_pkey PRIMARY KEY (instance_id)
  constraint instance_workflow_id_fkey FOREIGN KEY (workflow_id) REFERENCES fetchyard.workflow(workflow_id) ON DELETE CASCADE
)
create index instance_closed_idx on fetchyard.instance using btree (closed_at) where (closed_at is not null)
create index instance_open_idx on fetchyard.instance using btree (workflow_id) where (closed_at is null)

table fetchyard.item (
  item_id bigint not null generated always as identity
  workflow_id smallint not null
  round integer not null default 1 -- Asking for a finished key again opens its next round; asking for one that is queued changes nothing.
  partition smallint not null default 0
  item_key text not null
  lane text not null default ''::text
  payload jsonb not null default 'null'::jsonb
  enqueued_at timestamp with time zone not null default now()
  constraint item_item_key_check CHECK (((length(item_key) >= 1) AND (length(item_key) <= 2048)))
  constraint item_partition_check CHECK (((partition >= 0) AND (partition <= 255)))
  constraint item_pkey PRIMARY KEY (item_id)
  constraint item_round_check CHECK ((round >= 1))
  constraint item_workflow_id_fkey FOREIGN KEY (workflow_id) REFERENCES fetchyard.workflow(workflow_id)
  constraint item_workflow_id_item_key_round_key UNIQUE (workflow_id, item_key, round)
)
  with (autovacuum_vacuum_insert_scale_factor=0.02, autovacuum_vacuum_insert_threshold=10000, autovacuum_vacuum_scale_factor=0.05)
create index item_lane_idx on fetchyard.item using btree (workflow_id, lane, item_id) where (lane <> ''::text)

-- URLs whose failure for good was charged, by their SHA-256. Forgotten by age, by number, and when somebody asks for the URL again by name.
table fetchyard.known_failure (
  workflow_id smallint not null
  url_digest bytea not null
  failed_at timestamp with time zone not null default now()
  outcome_code text not null
  http_status smallint
  constraint known_failure_pkey PRIMARY KEY (workflow_id, url_digest)
)
create index known_failure_time_idx on fetchyard.known_failure using btree (failed_at)

table fetchyard.migration (
  migration_id integer not null
  name text not null
  breaking boolean not null
  applied_at timestamp with time zone not null default now()
  constraint migration_pkey PRIMARY KEY (migration_id)
)

table fetchyard.node (
  node_id uuid not null
  name text not null
  host text not null
  machine text not null -- Boot of the kernel and pid namespace: two nodes with the same word can look each other's pid up.
  pid integer not null
  pid_started text not null
  started_at timestamp with time zone not null default now()
  alive_until timestamp with time zone not null
  fenced_at timestamp with time zone -- From here on nothing this node says counts. Set when it ends, when its lease runs out, or when a later boot finds its process dead.
  fenced_why text
  stats jsonb not null default '{}'::jsonb
  plans jsonb not null default '{}'::jsonb -- Workflows this node works, and for each the limit of the cluster that it shares: same word, same limit.
  steady_since timestamp with time zone not null default clock_timestamp() -- Since when its heartbeats have come without a gap. Who was silent, as everybody is while the database is away, may not fence others yet.
  refused jsonb not null default '[]'::jsonb -- Workflows that this boot was asked to work and refused, with the reason.
  constraint node_name_check CHECK (((length(name) >= 1) AND (length(name) <= 200)))
  constraint node_pkey PRIMARY KEY (node_id)
)
  with (fillfactor=25, autovacuum_vacuum_scale_factor=0, autovacuum_vacuum_threshold=200)
create index node_unfenced_idx on fetchyard.node using btree (node_id) where (fenced_at is null)

-- Receipts: at most one success an item, and the lease that wrote its results.
table fetchyard.processing_log (
  ended_at timestamp with time zone not null default now()
  item_id bigint not null
  lease_id bigint not null
  workflow_id smallint not null
  attempt smallint not null
  http_status smallint
  duration_ms integer
  credits integer
  status text not null
  outcome_code text not null
  item_key text not null
  node_id uuid
  error text
  credits_at_most integer -- Beyond credits: what calls of this attempt whose end nobody knows may have cost, at most.
  constraint processing_log_status_check CHECK ((status = ANY (ARRAY['success'::text, 'retry'::text, 'error'::text, 'cancelled'::text, 'reclaimed'::text])))
) partition by range (ended_at)
create index processing_log_failed_idx on only fetchyard.processing_log using btree (workflow_id, item_id) include (status, outcome_code) where (status = any (array['error'::text, 'cancelled'::text]))
create index processing_log_item_status_idx on only fetchyard.processing_log using btree (item_id) include (status)

table fetchyard.processing_log_rest partition of fetchyard.processing_log DEFAULT (
  ended_at timestamp with time zone not null default now()
  item_id bigint not null
  lease_id bigint not null
  workflow_id smallint not null
  attempt smallint not null
  http_status smallint
  duration_ms integer
  credits integer
  status text not null
  outcome_code text not null
  item_key text not null
  node_id uuid
  error text
  credits_at_most integer
  constraint processing_log_status_check CHECK ((status = ANY (ARRAY['success'::text, 'retry'::text, 'error'::text, 'cancelled'::text, 'reclaimed'::text])))
)
  with (autovacuum_vacuum_insert_scale_factor=0.02, autovacuum_vacuum_insert_threshold=10000)
create index processing_log_rest_item_id_status_idx on fetchyard.processing_log_rest using btree (item_id) include (status)
create index processing_log_rest_workflow_id_item_id_status_outcome_code_idx on fetchyard.processing_log_rest using btree (workflow_id, item_id) include (status, outcome_code) where (status = any (array['error'::text, 'cancelled'::text]))

-- What a node may have under way, or ended and not written, at most: written before the calls are begun. When the node is lost this much is booked.
table fetchyard.reserve (
  node_id uuid not null
  workflow_id smallint not null
  calls integer not null
  credits_each integer not null
  serial integer not null -- Number of the node's request that wrote it: one that comes late changes nothing.
  taken integer not null default 0 -- Items that were taken out of its packs while it may have been working them: a cancel, a deadline.
  booking integer not null default 0 -- Number of the node's last booking of refused answers: one that is sent again changes nothing.
  constraint reserve_calls_check CHECK ((calls >= 0))
  constraint reserve_credits_each_check CHECK ((credits_each >= 0))
  constraint reserve_pkey PRIMARY KEY (workflow_id, node_id)
  constraint reserve_taken_check CHECK ((taken >= 0))
)
  with (fillfactor=25, autovacuum_vacuum_scale_factor=0, autovacuum_vacuum_threshold=200)

table fetchyard.run (
  run_id integer not null generated always as identity
  workflow_id smallint not null
  name text not null
  started_at timestamp with time zone not null default now()
  resumed_at timestamp with time zone not null default now()
  constraint run_pkey PRIMARY KEY (run_id)
  constraint run_workflow_id_fkey FOREIGN KEY (workflow_id) REFERENCES fetchyard.workflow(workflow_id)
  constraint run_workflow_id_name_key UNIQUE (workflow_id, name)
)

table fetchyard.run_item (
  run_id integer not null
  item_id bigint not null
  constraint run_item_pkey PRIMARY KEY (run_id, item_id)
  constraint run_item_run_id_fkey FOREIGN KEY (run_id) REFERENCES fetchyard.run(run_id) ON DELETE CASCADE
)
create index run_item_item_idx on fetchyard.run_item using btree (item_id)

-- A row a command that worked a run, written at its end: how busy its slots were. A command that was killed leaves none.
table fetchyard.run_stretch (
  run_id integer not null
  node text not null
  started_at timestamp with time zone not null
  ended_at timestamp with time zone not null default clock_timestamp()
  slot_share real not null
  fetches bigint not null
  reused_fetches bigint not null
  constraint run_stretch_run_id_fkey FOREIGN KEY (run_id) REFERENCES fetchyard.run(run_id) ON DELETE CASCADE
  constraint run_stretch_slot_share_check CHECK (((slot_share >= (0)::double precision) AND (slot_share <= (1)::double precision)))
)
create index run_stretch_idx on fetchyard.run_stretch using btree (run_id)

-- When a workflow works. One without a row here always does.
table fetchyard.schedule (
  workflow_id smallint not null
  definition jsonb not null
  batch bigint
  max_instances smallint not null default 1
  anchored_at timestamp with time zone not null default clock_timestamp()
  next_at timestamp with time zone not null default clock_timestamp()
  ticked_at timestamp with time zone
  waiting_since timestamp with time zone -- Since when a tick waits for an instance to end, because there are as many as there may be. Further ticks are one with it.
  constraint schedule_batch_check CHECK ((batch >= 1))
  constraint schedule_max_instances_check CHECK ((max_instances >= 1))
  constraint schedule_pkey PRIMARY KEY (workflow_id)
  constraint schedule_workflow_id_fkey FOREIGN KEY (workflow_id) REFERENCES fetchyard.workflow(workflow_id) ON DELETE CASCADE
)

table fetchyard.spend (
  spent_at timestamp with time zone not null default clock_timestamp()
  workflow_id smallint not null
  kind text not null -- useful: the item was completed. failed: the attempt was billed and failed. crashed: a worker or node was lost with calls under way; its credits are the most that they may have cost.
  calls bigint not null
  credits bigint not null
  unsure bigint not null default 0 -- Of the credits: those of calls whose end nobody knows, at the most that they may have cost.
  constraint spend_calls_check CHECK ((calls >= 0))
  constraint spend_credits_check CHECK ((credits >= 0))
  constraint spend_kind_check CHECK ((kind = ANY (ARRAY['useful'::text, 'failed'::text, 'crashed'::text])))
  constraint spend_unsure_check CHECK ((unsure >= 0))
)
create index spend_workflow_idx on fetchyard.spend using btree (workflow_id, spent_at) include (kind, calls, credits)

table fetchyard.tally (
  workflow_id smallint not null
  event text not null
  items bigint not null
  constraint tally_event_check CHECK ((event = ANY (ARRAY['enqueue'::text, 'complete'::text, 'retry'::text, 'snooze'::text, 'discard'::text, 'release'::text, 'reclaim'::text, 'cancel'::text, 'retire'::text])))
)
create index tally_workflow_idx on fetchyard.tally using btree (workflow_id, event) include (items)

-- Packs of up to 256 items of one workflow, partition, priority and attempt. Private: read the view work_items.
table fetchyard.work_queue (
  pack_id bigint not null generated always as identity
  lease_id bigint
  workflow_id smallint not null
  priority smallint not null default 0
  partition smallint not null default 0
  attempt smallint not null default 0 -- Attempts charged so far, for errors of the work. Crashes of a worker are counted apart.
  snoozes smallint not null default 0
  crashes smallint not null default 0
  lonely_crashes smallint not null default 0
  run_at timestamp with time zone not null default now()
  node_id uuid
  leased_at timestamp with time zone
  deadline timestamp with time zone
  item_ids bigint[] not null
  instance_id bigint -- The instance under which the pack was leased last; an instance lives as long as packs of it are leased.
  lane text not null default ''::text -- The lane of all its items; empty where they differ, or are too few to have a pack of their own.
  constraint lease_is_whole CHECK ((((lease_id IS NULL) = (node_id IS NULL)) AND ((lease_id IS NULL) = (leased_at IS NULL)) AND ((lease_id IS NULL) = (deadline IS NULL))))
  constraint work_queue_attempt_check CHECK ((attempt >= 0))
  constraint work_queue_crashes_check CHECK ((crashes >= 0))
  constraint work_queue_item_ids_check CHECK (((cardinality(item_ids) >= 1) AND (cardinality(item_ids) <= 256)))
  constraint work_queue_lonely_crashes_check CHECK ((lonely_crashes >= 0))
  constraint work_queue_pkey PRIMARY KEY (pack_id)
  constraint work_queue_snoozes_check CHECK ((snoozes >= 0))
)
  with (fillfactor=50, autovacuum_vacuum_scale_factor=0, autovacuum_vacuum_threshold=1000, autovacuum_vacuum_cost_delay=0)
create index work_queue_leased_idx on fetchyard.work_queue using btree (workflow_id, node_id) where (lease_id is not null)
create index work_queue_ready_idx on fetchyard.work_queue using btree (workflow_id, priority, run_at, pack_id) where (lease_id is null)

table fetchyard.workflow (
  workflow_id smallint not null generated always as identity
  name text not null
  paused_by text[] not null default '{}'::text[] -- Reasons that hold the workflow back; it runs when the list is empty.
  mode text not null default 'concurrent'::text
  rollout smallint not null default 100
  concurrency integer -- Overrides the configured concurrency of every node while it is set.
  partitions smallint not null default 1
  binding jsonb -- The source table that is this workflow's queue, as installed; null for a workflow that is only pushed to.
  created_at timestamp with time zone not null default now()
  updated_at timestamp with time zone not null default now()
  sinks jsonb -- The tables that result rows go to, with their lease columns, as last opened; null before. The audit reads it.
  budget_per_day bigint -- Credits that may be spent in a day (UTC); null: as many as there are.
  budget bigint -- Credits that may be spent since budget_since, as by a run; null: as many as there are.
  budget_since timestamp with time zone not null default '-infinity'::timestamp with time zone
  rate_per_minute integer -- Items that may be started in a minute in the whole cluster; null: what each node is configured for.
  success_pause_ms integer -- Time that a slot rests after an item that was complete; null: what each node is configured for.
  bound_by text -- Who named the source table: the workflow's module, or an operator, whose word counts.
  backfill jsonb -- How far the rows are enqueued that were there before the triggers: the last key seen, and counts; null when all are.
  alerts jsonb -- Thresholds, as a node last opened it: errorPercent, latencyMs, oldestMs; null is none.
  rollout_step integer not null default 0 -- Grows with every change of mode or rollout; 0 until the first. Items are counted under the step that started them.
  rollout_since timestamp with time zone not null default clock_timestamp()
  rollout_by text -- Who set mode and rollout; null until the first change.
  rollout_option text -- The option a node last started with that set the rollout. A node that starts with the same one changes nothing, so that what a person or the error limit set outlives restarts.
  constraint workflow_bound_by_check CHECK ((bound_by = ANY (ARRAY['module'::text, 'operator'::text])))
  constraint workflow_budget_check CHECK ((budget >= 0))
  constraint workflow_budget_per_day_check CHECK ((budget_per_day >= 0))
  constraint workflow_concurrency_check CHECK ((concurrency > 0))
  constraint workflow_mode_check CHECK ((mode = ANY (ARRAY['concurrent'::text, 'sequential'::text])))
  constraint workflow_name_check CHECK ((name ~ '^[a-z][a-z0-9-]{0,39}$'::text))
  constraint workflow_name_key UNIQUE (name)
  constraint workflow_partitions_check CHECK (((partitions >= 1) AND (partitions <= 256)))
  constraint workflow_pkey PRIMARY KEY (workflow_id)
  constraint workflow_rate_per_minute_check CHECK ((rate_per_minute >= 1))
  constraint workflow_rollout_check CHECK (((rollout >= 0) AND (rollout <= 100)))
  constraint workflow_rollout_step_check CHECK ((rollout_step >= 0))
  constraint workflow_success_pause_ms_check CHECK ((success_pause_ms >= 0))
)

-- Every item with its state: Queued, Processing, Delayed, Complete, Error or Cancelled.
view fetchyard.work_items (
  item_id bigint
  workflow text
  item_key text
  round integer
  status text
  attempt integer
  run_at timestamp with time zone
  lease_holder text
  lease_id bigint
  lease_expires_at timestamp with time zone
  outcome_code text
  http_status smallint
  last_error text
  last_ended_at timestamp with time zone
  lane text
  payload jsonb
  enqueued_at timestamp with time zone
)

-- How each workflow stands: items by state, rate of the last minute, latency of the last ten.
view fetchyard.workflow_status (
  workflow text
  queued bigint
  processing bigint
  delayed bigint
  complete bigint
  error bigint
  cancelled bigint
  per_second double precision
  latency_p50_ms double precision
  latency_p95_ms double precision
  oldest_queued_at timestamp with time zone
  paused_by text[]
  bound_table text
)

-- Receipts of Fetchyard: fetchyard.processing_log.
view public.processing_log (
  ended_at timestamp with time zone
  item_id bigint
  lease_id bigint
  workflow_id smallint
  attempt smallint
  http_status smallint
  duration_ms integer
  credits integer
  status text
  outcome_code text
  item_key text
  node_id uuid
  error text
)

function fetchyard.credits_left(p_workflow_id smallint)
returns numeric as $$
  select least(
           flow.budget_per_day
             - (select coalesce(sum(credits), 0) from fetchyard.spend
                 where spend.workflow_id = flow.workflow_id
                   and spend.spent_at >= date_trunc('day', now() at time zone 'utc')
                                           at time zone 'utc'),
           flow.budget
             - (select coalesce(sum(credits), 0) from fetchyard.spend
                 where spend.workflow_id = flow.workflow_id
                   and spend.spent_at >= flow.budget_since))
    from fetchyard.workflow as flow
   where flow.workflow_id = p_workflow_id
$$

function fetchyard.drop_receipts(p_node_id uuid, p_partition text)
returns text as $$
declare
  is_needed boolean;
begin
  perform from fetchyard.housekeeping
    where task = 'receipts' and turn_of = p_node_id and paused_why is null
      for update skip locked;
  if not found then
    return 'lost';
  end if;
  -- From here on nobody adds to it; readers pass.
  execute format('lock table fetchyard.%I in share mode', p_partition);
  execute format(
    'select exists (select from fetchyard.%I where status in (''success'', ''error'', ''cancelled''))',
    p_partition) into is_needed;
  if is_needed then
    return 'needed';
  end if;
  execute format('drop table fetchyard.%I', p_partition);
  return 'dropped';
end $$

function fetchyard.enqueue_items(p_workflow_id smallint, p_keys text[], p_payloads jsonb[], p_lanes text[], p_again smallint[], p_priority smallint DEFAULT 0, p_run_at timestamp with time zone DEFAULT now())
returns SETOF bigint as $$
  with input as materialized (
    select distinct on (given.item_key) given.item_key, given.payload, given.lane, given.again, given.n
      from unnest(p_keys, p_payloads, p_lanes, p_again)
           with ordinality as given (item_key, payload, lane, again, n)
     order by given.item_key, given.n
  ),
  latest as materialized (
    select input.*,
           last.round,
           last.item_id,
           case when last.item_id is null or input.again = 0 then false
                else exists (select from fetchyard.processing_log as receipt
                              where receipt.item_id = last.item_id
                                and receipt.status in ('success', 'error', 'cancelled'))
                     or exists (select from fetchyard.ending
                                 where ending.item_id = last.item_id)
           end as finished
      from input
      left join lateral (
             select item.round, item.item_id
               from fetchyard.item
              where item.workflow_id = p_workflow_id
                and item.item_key = input.item_key
              order by item.round desc
              limit 1) as last on true
  ),
  standing as materialized (
    select latest.item_key
      from latest
     cross join lateral (
             select from fetchyard.item
              where item.item_id = latest.item_id
                for key share of item) as held
     where (latest.again >= 1 and latest.finished) or latest.again = 2
  ),
  added as (
    insert into fetchyard.item (workflow_id, round, partition, item_key, lane, payload)
    select p_workflow_id,
           case when standing.item_key is null then 1 else latest.round + 1 end,
           case when flow.partitions = 1 then 0
                else abs(hashtext(coalesce(nullif(latest.lane, ''), latest.item_key))::bigint)
                  % flow.partitions end,
           latest.item_key,
           latest.lane,
           coalesce(latest.payload, 'null')
      from latest
      join fetchyard.workflow as flow on flow.workflow_id = p_workflow_id
      left join standing using (item_key)
     where latest.round is null
        or (latest.again >= 1 and latest.finished)
        or latest.again = 2
     -- By key, so that two enqueues of the same keys wait for each other instead of deadlocking.
     order by latest.item_key
        on conflict (workflow_id, item_key, round) do nothing
    returning item_id, item_key, partition, lane
  ),
  laned as (
    select added.item_id, added.partition, added.lane, input.n,
           case when count(*) over (partition by added.partition, added.lane) >= 64
                then added.lane else '' end as apart
      from added
      join input using (item_key)
  ),
  sliced as (
    -- In the order given: the queue is worked as it was filled.
    select laned.*, (row_number() over (partition by partition, apart order by n) - 1) / 256 as slice
      from laned
  ),
  packed as (
    insert into fetchyard.work_queue (workflow_id, priority, partition, lane, run_at, item_ids)
    select p_workflow_id, p_priority, partition,
           case when min(lane) = max(lane) then min(lane) else '' end, p_run_at,
           array_agg(item_id order by n)
      from sliced
     group by partition, apart, slice
     order by min(n)
  ),
  tallied as (
    insert into fetchyard.tally (workflow_id, event, items)
    select p_workflow_id, 'enqueue', count(*) from added having count(*) > 0
  )
  select item_id from added
$$

function fetchyard.is_in_run(p_item_id bigint)
returns boolean as $$
  select exists (select from fetchyard.run_item where item_id = p_item_id)
$$

function fetchyard.is_instance_over(p_instance_id bigint)
returns boolean as $$
begin
  return (select not exists (select from fetchyard.work_queue as pack
                              where pack.workflow_id = instance.workflow_id
                                and pack.lease_id is not null
                                and pack.instance_id = instance.instance_id)
                 and (instance.items_left = 0
                      or not exists (select from fetchyard.work_queue as pack
                                      where pack.workflow_id = instance.workflow_id
                                        and pack.lease_id is null and pack.run_at <= now()))
            from fetchyard.instance
           where instance_id = p_instance_id);
end $$

function fetchyard.is_newest_round(p_workflow_id smallint, p_item_key text, p_round integer)
returns boolean as $$
begin
  return not exists (select from fetchyard.item as newer
                      where newer.workflow_id = p_workflow_id
                        and newer.item_key = p_item_key
                        and newer.round > p_round);
end $$

function fetchyard.items_by_id(p_item_ids bigint[])
returns SETOF fetchyard.item as $$
begin
  return query select * from fetchyard.item where item.item_id = any (p_item_ids);
end
$$

function fetchyard.latency_ms(p_workflow_id smallint, p_share double precision, p_since timestamp with time zone)
returns double precision as $$
  select round(pow(2, min(latency_bucket) / 2.0))::float8
    from (select latency_bucket,
                 sum(items) over (order by latency_bucket) as upto,
                 sum(items) over () as total
            from (select latency_bucket, sum(items) as items
                    from fetchyard.end_tally
                   where workflow_id = p_workflow_id
                     and ended_at >= p_since
                     and latency_bucket is not null
                   group by latency_bucket) as bucket) as ranked
   where upto >= p_share * total
$$

function fetchyard.open_instances(p_workflow_id smallint)
returns bigint as $$
begin
  return (select count(*) from fetchyard.instance
           where workflow_id = p_workflow_id and closed_at is null);
end $$

function fetchyard.ready_items(p_workflow_id smallint)
returns bigint as $$
begin
  return (select coalesce(sum(cardinality(item_ids)), 0) from fetchyard.work_queue
           where workflow_id = p_workflow_id and lease_id is null and run_at <= now());
end $$

function fetchyard.reserve_calls(p_node_id uuid, p_workflow_id smallint, p_serial integer, p_open integer, p_kept integer, p_wanted integer, p_credits_each integer)
returns integer as $$
declare
  calls_left numeric;
  granted    integer;
begin
  perform from fetchyard.workflow where workflow_id = p_workflow_id for no key update;
  perform from fetchyard.node where node_id = p_node_id and fenced_at is null for share;
  if not found then
    return null;
  end if;
  select floor((fetchyard.credits_left(p_workflow_id)
                  - coalesce(sum(other.calls::bigint * other.credits_each), 0))
               / greatest(p_credits_each, 1)) - p_open
    into calls_left
    from fetchyard.reserve as other
   where other.workflow_id = p_workflow_id
     and other.node_id <> p_node_id;
  if calls_left is null then
    granted := p_wanted;
  else
    -- The last calls are shared out among those who work: rounded up, for somebody must make them.
    select least(p_wanted, ceil(greatest(calls_left, 0) / greatest(count(*), 1)))::integer
      into granted
      from fetchyard.node
      join fetchyard.workflow as flow on flow.workflow_id = p_workflow_id
     where node.fenced_at is null
       and node.alive_until > clock_timestamp()
       and node.plans ? flow.name;
  end if;
  granted := greatest(granted, p_kept);
  insert into fetchyard.reserve as own (node_id, workflow_id, calls, credits_each, serial)
  values (p_node_id, p_workflow_id, p_open + granted, p_credits_each, p_serial)
      on conflict (workflow_id, node_id)
      do update set calls = excluded.calls, credits_each = excluded.credits_each,
                    serial = excluded.serial
      where own.serial < excluded.serial;
  return case when found then granted end;
end $$
