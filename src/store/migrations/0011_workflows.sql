-- breaking: no. Bindings made by an operator and how far they are, thresholds of alerts, modules that
-- were refused, and how items ended, by minute.

alter table fetchyard.workflow
  add column bound_by text check (bound_by in ('module', 'operator')),
  add column backfill jsonb,
  add column alerts   jsonb;

update fetchyard.workflow set bound_by = 'module' where binding is not null;

comment on column fetchyard.workflow.bound_by is
  'Who named the source table: the workflow''s module, or an operator, whose word counts.';
comment on column fetchyard.workflow.backfill is
  'How far the rows are enqueued that were there before the triggers: the last key seen, and counts; null when all are.';
comment on column fetchyard.workflow.alerts is
  'Thresholds, as a node last opened it: errorPercent, latencyMs, oldestMs; null is none.';

alter table fetchyard.node add column refused jsonb not null default '[]';

comment on column fetchyard.node.refused is
  'Workflows that this boot was asked to work and refused, with the reason.';

-- How items ended: a row a statement, code and latency, folded in the background by minute, later by
-- code alone. Rates, latencies and errors by code are read from here instead of from the receipts.
create table fetchyard.end_tally (
  ended_at       timestamptz not null default clock_timestamp(),
  workflow_id    smallint    not null,
  outcome_code   text        not null,
  latency_bucket smallint,
  items          bigint      not null check (items > 0)
);

comment on column fetchyard.end_tally.latency_bucket is
  'Time from selection to result of completed items: up to 2^(n/2) milliseconds; null for errors, and once folded by code.';

create index end_tally_workflow_idx
  on fetchyard.end_tally (workflow_id, ended_at) include (outcome_code, latency_bucket, items);

-- What ended before this table was there, without its latency.
insert into fetchyard.end_tally (ended_at, workflow_id, outcome_code, items)
select '-infinity', workflow_id, outcome_code, count(*)
  from (select workflow_id, status, outcome_code from fetchyard.processing_log
         union all
        select workflow_id, status, outcome_code from fetchyard.ending) as ended
 where status in ('success', 'error')
 group by workflow_id, outcome_code;

-- Upper bound in milliseconds of the latency within which this share of the items ended.
create function fetchyard.latency_ms(p_workflow_id smallint, p_share float8, p_since timestamptz)
returns float8
language sql stable
as $$
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
$$;

-- How each workflow stands, in one row, cheap enough for a dashboard: nothing in here counts items.
create view fetchyard.workflow_status as
  select flow.name as workflow,
         coalesce(pack.queued, 0)::bigint as queued,
         coalesce(pack.processing, 0)::bigint as processing,
         coalesce(pack.delayed, 0)::bigint as delayed,
         coalesce(total.complete, 0)::bigint as complete,
         coalesce(total.error, 0)::bigint as error,
         coalesce(total.cancelled, 0)::bigint as cancelled,
         coalesce(recent.items, 0)::float8 / 60 as per_second,
         fetchyard.latency_ms(flow.workflow_id, 0.5, now() - interval '10 minutes') as latency_p50_ms,
         fetchyard.latency_ms(flow.workflow_id, 0.95, now() - interval '10 minutes') as latency_p95_ms,
         pack.oldest as oldest_queued_at,
         flow.paused_by,
         flow.binding ->> 'table' as bound_table
    from fetchyard.workflow as flow
    left join (select workflow_id,
                      sum(cardinality(item_ids)) filter (where lease_id is not null) as processing,
                      sum(cardinality(item_ids))
                        filter (where lease_id is null and run_at <= now()) as queued,
                      sum(cardinality(item_ids))
                        filter (where lease_id is null and run_at > now()) as delayed,
                      min(run_at) filter (where lease_id is null and run_at <= now()) as oldest
                 from fetchyard.work_queue
                group by workflow_id) as pack using (workflow_id)
    left join (select workflow_id,
                      sum(items) filter (where event = 'complete') as complete,
                      sum(items) filter (where event = 'discard') as error,
                      sum(items) filter (where event = 'cancel') as cancelled
                 from fetchyard.tally
                group by workflow_id) as total using (workflow_id)
    left join lateral (select sum(items) as items
                         from fetchyard.end_tally
                        where end_tally.workflow_id = flow.workflow_id
                          and ended_at >= now() - interval '1 minute') as recent on true;

comment on view fetchyard.workflow_status is
  'How each workflow stands: items by state, rate of the last minute, latency of the last ten.';
