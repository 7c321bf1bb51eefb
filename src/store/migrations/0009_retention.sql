-- breaking: no. Old receipts and items go, and the books still balance.

-- What is left of a receipt that ended an item, once the receipts of its day are dropped. An item
-- that is finished has either its receipt or this, never both: rows are moved, not copied.
create table fetchyard.ending (
  item_id      bigint      primary key,
  lease_id     bigint      not null,
  ended_at     timestamptz not null,
  workflow_id  smallint    not null,
  attempt      smallint    not null,
  http_status  smallint,
  status       text        not null check (status in ('success', 'error', 'cancelled')),
  outcome_code text        not null,
  error        text
) with (autovacuum_vacuum_insert_scale_factor = 0.02, autovacuum_vacuum_insert_threshold = 10000,
        autovacuum_vacuum_scale_factor = 0.05);

comment on table fetchyard.ending is
  'What is left of a receipt that ended an item, once the receipts of its day are dropped.';

-- In the order in which items are retired.
create index ending_time_idx on fetchyard.ending (ended_at, item_id);

-- Whether an item belongs to a run is asked before it is retired.
create index run_item_item_idx on fetchyard.run_item (item_id);

-- From now on items are deleted as well.
alter table fetchyard.item set (autovacuum_vacuum_scale_factor = 0.05);

alter table fetchyard.tally drop constraint tally_event_check;
alter table fetchyard.tally add constraint tally_event_check check (event in
  ('enqueue', 'complete', 'retry', 'snooze', 'discard', 'release', 'reclaim', 'cancel', 'retire'));

-- A row a chore: whose turn it is, what was done last, and how it went.
create table fetchyard.housekeeping (
  task         text        primary key
                 check (task in ('receipts', 'items', 'runs', 'events', 'nodes')),
  paused_why   text,
  turn_of      uuid,
  turn_until   timestamptz,
  passed_at    timestamptz,
  passed_by    text,
  passed_rows  bigint      not null default 0,
  removed      bigint      not null default 0,
  failed_at    timestamptz,
  failure      text,
  newest_lease bigint      not null default 0
) with (fillfactor = 50);

comment on table fetchyard.housekeeping is
  'A row a chore of housekeeping: whose turn it is, what was done last, and how it went.';
comment on column fetchyard.housekeeping.newest_lease is
  'The newest lease of an item that was retired: result rows of leases up to it may have lost their proof.';

insert into fetchyard.housekeeping (task)
values ('receipts'), ('items'), ('runs'), ('events'), ('nodes');

-- The same columns; an item whose receipt went is shown by what is left of it.
create or replace view fetchyard.work_items as
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
    left join lateral (
           (select receipt.status, receipt.attempt, receipt.outcome_code, receipt.http_status,
                   receipt.error, receipt.ended_at
              from fetchyard.processing_log as receipt
             where receipt.item_id = item.item_id
             order by receipt.ended_at desc
             limit 1)
           union all
           (select ending.status, ending.attempt, ending.outcome_code, ending.http_status,
                   ending.error, ending.ended_at
              from fetchyard.ending
             where ending.item_id = item.item_id)
           order by ended_at desc
           limit 1) as last on true;

-- Drops a day of receipts that no item depends on any more, if it is this node's turn: one statement,
-- because a pool that works has no room for a transaction of several. Dropping waits for whoever
-- reads the receipts, and everybody else would wait behind it, so it waits a tenth of a second.
create function fetchyard.drop_receipts(p_node_id uuid, p_partition text)
returns text
language plpgsql
set lock_timeout = '100ms'
as $$
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
end $$;
