-- breaking: no. First schema.

create sequence fetchyard.lease_id as bigint;

comment on sequence fetchyard.lease_id is
  'A new number at every lease: the fencing token. It only grows and is never given back.';

-- One row a supervisor boot, never reused. Only alive_until and stats change, and no index covers
-- them, so that a heartbeat stays on its page.
create table fetchyard.node (
  node_id     uuid        primary key,
  name        text        not null check (length(name) between 1 and 200),
  host        text        not null,
  machine     text        not null,
  pid         integer     not null,
  pid_started text        not null,
  started_at  timestamptz not null default now(),
  alive_until timestamptz not null,
  fenced_at   timestamptz,
  fenced_why  text,
  stats       jsonb       not null default '{}'
) with (fillfactor = 25, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 200);

comment on column fetchyard.node.machine is
  'Boot of the kernel and pid namespace: two nodes with the same word can look each other''s pid up.';
comment on column fetchyard.node.fenced_at is
  'From here on nothing this node says counts. Set when it ends, when its lease runs out, or when a later boot finds its process dead.';

create index node_unfenced_idx on fetchyard.node (node_id) where fenced_at is null;

create table fetchyard.workflow (
  workflow_id smallint    generated always as identity primary key,
  name        text        not null unique check (name ~ '^[a-z][a-z0-9-]{0,39}$'),
  paused_by   text[]      not null default '{}',
  mode        text        not null default 'concurrent' check (mode in ('concurrent', 'sequential')),
  rollout     smallint    not null default 100 check (rollout between 0 and 100),
  concurrency integer     check (concurrency > 0),
  partitions  smallint    not null default 1 check (partitions between 1 and 256),
  binding     jsonb,
  created_at  timestamptz not null default now(),
  updated_at  timestamptz not null default now()
);

comment on column fetchyard.workflow.paused_by is
  'Reasons that hold the workflow back; it runs when the list is empty.';
comment on column fetchyard.workflow.concurrency is
  'Overrides the configured concurrency of every node while it is set.';
comment on column fetchyard.workflow.binding is
  'The source table that is this workflow''s queue, as installed; null for a workflow that is only pushed to.';

-- What is to be done. Written once; how it stands follows from work_queue and processing_log.
create table fetchyard.item (
  item_id     bigint      generated always as identity primary key,
  workflow_id smallint    not null references fetchyard.workflow,
  round       integer     not null default 1 check (round >= 1),
  partition   smallint    not null default 0 check (partition between 0 and 255),
  item_key    text        not null check (length(item_key) between 1 and 2048),
  lane        text        not null default '',
  payload     jsonb       not null default 'null',
  enqueued_at timestamptz not null default now(),
  unique (workflow_id, item_key, round)
);

comment on column fetchyard.item.round is
  'Asking for a finished key again opens its next round; asking for one that is queued changes nothing.';

-- The queue. A row is a pack of items not yet settled; while leased it is also the record, written
-- before any fetch, that their work was started.
create table fetchyard.work_queue (
  pack_id        bigint      generated always as identity primary key,
  lease_id       bigint,
  workflow_id    smallint    not null,
  priority       smallint    not null default 0,
  partition      smallint    not null default 0,
  attempt        smallint    not null default 0 check (attempt >= 0),
  snoozes        smallint    not null default 0 check (snoozes >= 0),
  crashes        smallint    not null default 0 check (crashes >= 0),
  lonely_crashes smallint    not null default 0 check (lonely_crashes >= 0),
  run_at         timestamptz not null default now(),
  node_id        uuid,
  leased_at      timestamptz,
  deadline       timestamptz,
  item_ids       bigint[]    not null check (cardinality(item_ids) between 1 and 256),

  constraint lease_is_whole check (
    (lease_id is null) = (node_id is null) and
    (lease_id is null) = (leased_at is null) and
    (lease_id is null) = (deadline is null))
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000,
        autovacuum_vacuum_cost_delay = 0);

comment on table fetchyard.work_queue is
  'Packs of up to 256 items of one workflow, partition, priority and attempt. Private: read the view work_items.';
comment on column fetchyard.work_queue.attempt is
  'Attempts charged so far, for errors of the work. Crashes of a worker are counted apart.';

create index work_queue_ready_idx
  on fetchyard.work_queue (workflow_id, priority, run_at, pack_id) where lease_id is null;
create index work_queue_leased_idx
  on fetchyard.work_queue (workflow_id, node_id) where lease_id is not null;

-- One row an attempt's end. Append-only; dropping a partition is retention.
create table fetchyard.processing_log (
  ended_at     timestamptz not null default now(),
  item_id      bigint      not null,
  lease_id     bigint      not null,
  workflow_id  smallint    not null,
  attempt      smallint    not null,
  http_status  smallint,
  duration_ms  integer,
  credits      integer,
  status       text        not null
                 check (status in ('success', 'retry', 'error', 'cancelled', 'reclaimed')),
  outcome_code text        not null,
  item_key     text        not null,
  node_id      uuid,
  error        text
) partition by range (ended_at);

create table fetchyard.processing_log_rest partition of fetchyard.processing_log default;

create index processing_log_item_idx on fetchyard.processing_log (item_id);

comment on table fetchyard.processing_log is
  'Receipts: at most one success an item, and the lease that wrote its results.';

-- Counts a statement, summed when read and folded in the background: exact totals without counting
-- millions of rows, and no row that everybody updates.
create table fetchyard.tally (
  workflow_id smallint not null,
  event       text     not null check (event in
                ('enqueue', 'complete', 'retry', 'snooze', 'discard', 'release', 'reclaim', 'cancel')),
  items       bigint   not null
);

create index tally_workflow_idx on fetchyard.tally (workflow_id, event) include (items);

create table fetchyard.event (
  event_id    bigint      generated always as identity primary key,
  happened_at timestamptz not null default now(),
  level       text        not null check (level in ('info', 'warn', 'error')),
  name        text        not null,
  workflow_id smallint,
  node_id     uuid,
  message     text        not null,
  fields      jsonb       not null default '{}'
);

create index event_time_idx on fetchyard.event (happened_at desc);

-- A finite execution asked for by a person, and the items it is about.
create table fetchyard.run (
  run_id      integer     generated always as identity primary key,
  workflow_id smallint    not null references fetchyard.workflow,
  name        text        not null,
  started_at  timestamptz not null default now(),
  resumed_at  timestamptz not null default now(),
  unique (workflow_id, name)
);

create table fetchyard.run_item (
  run_id  integer not null references fetchyard.run on delete cascade,
  item_id bigint  not null,
  primary key (run_id, item_id)
);

-- Enqueues items, at most one open round a key, and packs those that are really new.
--
-- p_again says for each key when the next round is opened: 0 never, 1 when the last round is finished,
-- 2 also while it is under way. Returns the ids of the new items.
create function fetchyard.enqueue_items(
  p_workflow_id smallint,
  p_keys        text[],
  p_payloads    jsonb[],
  p_lanes       text[],
  p_again       smallint[],
  p_priority    smallint default 0,
  p_run_at      timestamptz default now()
) returns setof bigint
language sql volatile
as $$
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
  added as (
    insert into fetchyard.item (workflow_id, round, partition, item_key, lane, payload)
    select p_workflow_id,
           coalesce(latest.round, 0) + 1,
           case when flow.partitions = 1 then 0
                else abs(hashtext(latest.lane)::bigint) % flow.partitions end,
           latest.item_key,
           latest.lane,
           coalesce(latest.payload, 'null')
      from latest
      join fetchyard.workflow as flow on flow.workflow_id = p_workflow_id
     where latest.round is null
        or (latest.again >= 1 and latest.finished)
        or latest.again = 2
     -- By key, so that two enqueues of the same keys wait for each other instead of deadlocking.
     order by latest.item_key
        on conflict (workflow_id, item_key, round) do nothing
    returning item_id, item_key, partition
  ),
  sliced as (
    -- In the order given: the queue is worked as it was filled.
    select added.item_id, added.partition, input.n,
           (row_number() over (partition by added.partition order by input.n) - 1) / 256 as slice
      from added
      join input using (item_key)
  ),
  packed as (
    insert into fetchyard.work_queue (workflow_id, priority, partition, run_at, item_ids)
    select p_workflow_id, p_priority, partition, p_run_at, array_agg(item_id order by n)
      from sliced
     group by partition, slice
  ),
  tallied as (
    insert into fetchyard.tally (workflow_id, event, items)
    select p_workflow_id, 'enqueue', count(*) from added having count(*) > 0
  )
  select item_id from added
$$;

-- The queue in words for people: one row an item.
create view fetchyard.work_items as
  select item.item_id,
         flow.name as workflow,
         item.item_key,
         item.round,
         case when pack.lease_id is not null then 'Processing'
              when pack.run_at > now() then 'Delayed'
              when pack.pack_id is not null then 'Queued'
              when last.status = 'success' then 'Complete'
              when last.status = 'cancelled' then 'Cancelled'
              when last.status = 'error' then 'Error'
         end as status,
         coalesce(pack.attempt, last.attempt, 0) as attempt,
         pack.run_at,
         node.name as lease_holder,
         pack.lease_id,
         least(node.alive_until, pack.deadline) as lease_expires_at,
         last.outcome_code,
         last.http_status,
         last.error as last_error,
         last.ended_at as last_ended_at,
         item.lane,
         item.payload,
         item.enqueued_at
    from fetchyard.item
    join fetchyard.workflow as flow using (workflow_id)
    left join (select queue.*, member.item_id
                 from fetchyard.work_queue as queue
                cross join lateral unnest(queue.item_ids) as member (item_id)) as pack
           on pack.item_id = item.item_id
    left join fetchyard.node on node.node_id = pack.node_id
    left join lateral (select receipt.*
                         from fetchyard.processing_log as receipt
                        where receipt.item_id = item.item_id
                        order by receipt.ended_at desc
                        limit 1) as last on true;

comment on view fetchyard.work_items is
  'Every item with its state: Queued, Processing, Delayed, Complete, Error or Cancelled.';

-- The receipts under the name that operators' own SQL uses, unless that name is taken or may not be
-- given. Everything else stays in our schema.
do $$
begin
  if to_regclass('public.processing_log') is null then
    create view public.processing_log as select * from fetchyard.processing_log;
    comment on view public.processing_log is 'Receipts of Fetchyard: fetchyard.processing_log.';
  end if;
exception
  when insufficient_privilege or invalid_schema_name then null;
end $$;
