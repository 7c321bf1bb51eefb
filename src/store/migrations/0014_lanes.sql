-- breaking: no. Packs of one lane say so, and a lease can pass by those whose host has enough to do.

alter table fetchyard.work_queue add column lane text not null default '';

comment on column fetchyard.work_queue.lane is
  'The lane of all its items; empty where they differ, or are too few to have a pack of their own.';

-- As before, and: an ending counts like a receipt; and a round that follows a finished one holds on
-- to it, so that it is not retired meanwhile. When it was, the key begins anew with its first round,
-- like for everybody who comes later, and the unique key lets one of them in. The partition of an
-- item without a lane follows from its key. A lane with 64 new items or more has packs of its own;
-- the others share packs, lest each item have one.
create or replace function fetchyard.enqueue_items(
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
$$;
