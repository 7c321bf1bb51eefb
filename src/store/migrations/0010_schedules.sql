-- breaking: no. Workflows that work at times, in instances that the whole cluster counts.

create table fetchyard.schedule (
  workflow_id   smallint    primary key references fetchyard.workflow on delete cascade,
  definition    jsonb       not null,
  batch         bigint      check (batch >= 1),
  max_instances smallint    not null default 1 check (max_instances >= 1),
  anchored_at   timestamptz not null default clock_timestamp(),
  next_at       timestamptz not null default clock_timestamp(),
  ticked_at     timestamptz,
  waiting_since timestamptz
);

comment on table fetchyard.schedule is
  'When a workflow works. One without a row here always does.';
comment on column fetchyard.schedule.waiting_since is
  'Since when a tick waits for an instance to end, because there are as many as there may be. Further ticks are one with it.';

-- A time in which a scheduled workflow is leased from.
create table fetchyard.instance (
  instance_id bigint      generated always as identity primary key,
  workflow_id smallint    not null references fetchyard.workflow on delete cascade,
  opened_at   timestamptz not null default clock_timestamp(),
  opened_by   text        not null check (opened_by in ('schedule', 'operator')),
  items_left  bigint      not null check (items_left >= 0),
  items       bigint      not null default 0,
  closed_at   timestamptz
);

comment on column fetchyard.instance.items_left is
  'Items that may still be leased: at the beginning those that were ready, or as many as a batch has.';

create index instance_open_idx on fetchyard.instance (workflow_id) where closed_at is null;
create index instance_closed_idx on fetchyard.instance (closed_at) where closed_at is not null;

alter table fetchyard.work_queue add column instance_id bigint;

comment on column fetchyard.work_queue.instance_id is
  'The instance under which the pack was leased last; an instance lives as long as packs of it are leased.';

-- These three look at what is committed when they are called, not when their statement began: the
-- caller has locked the row that everybody locks who changes the answer.

create function fetchyard.open_instances(p_workflow_id smallint) returns bigint
language plpgsql volatile
as $$
begin
  return (select count(*) from fetchyard.instance
           where workflow_id = p_workflow_id and closed_at is null);
end $$;

create function fetchyard.ready_items(p_workflow_id smallint) returns bigint
language plpgsql volatile
as $$
begin
  return (select coalesce(sum(cardinality(item_ids)), 0) from fetchyard.work_queue
           where workflow_id = p_workflow_id and lease_id is null and run_at <= now());
end $$;

-- Whether an instance has nothing leased and may lease nothing more, or finds nothing to lease.
create function fetchyard.is_instance_over(p_instance_id bigint) returns boolean
language plpgsql volatile
as $$
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
end $$;
