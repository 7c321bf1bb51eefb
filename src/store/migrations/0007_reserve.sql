-- breaking: no. Calls that a node may be paying for while the ledger does not know it yet, and
-- failures that were paid for and need not be paid for again.

-- One row a node and workflow whose calls cost something. Only the figures change, and no index
-- covers them.
create table fetchyard.reserve (
  node_id      uuid     not null,
  workflow_id  smallint not null,
  calls        integer  not null check (calls >= 0),
  credits_each integer  not null check (credits_each >= 0),
  serial       integer  not null,
  taken        integer  not null default 0 check (taken >= 0),
  primary key (workflow_id, node_id)
) with (fillfactor = 25, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 200);

comment on table fetchyard.reserve is
  'What a node may have under way, or ended and not written, at most: written before the calls are begun. When the node is lost this much is booked.';
comment on column fetchyard.reserve.serial is
  'Number of the node''s request that wrote it: one that comes late changes nothing.';
comment on column fetchyard.reserve.taken is
  'Items that were taken out of its packs while it may have been working them: a cancel, a deadline.';

alter table fetchyard.spend
  add column unsure bigint not null default 0 check (unsure >= 0);

comment on column fetchyard.spend.unsure is
  'Of the credits: those of calls whose end nobody knows, at the most that they may have cost.';

alter table fetchyard.processing_log add column credits_at_most integer;

comment on column fetchyard.processing_log.credits_at_most is
  'Beyond credits: what calls of this attempt whose end nobody knows may have cost, at most.';

-- Until now every credit of this kind was such a bound.
update fetchyard.spend set unsure = credits where kind = 'crashed';

-- What the tighter of a workflow's two budgets leaves; null without a budget. Days are UTC. It may
-- be below zero when calls cost more than was expected of them.
create function fetchyard.credits_left(p_workflow_id smallint) returns numeric
language sql stable
as $$
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
$$;

-- Reserves calls for a node, as far as the budgets pay for them.
--
-- Reservations of one workflow are made one after the other: each statement in here has a snapshot
-- of its own, taken when the lock on the workflow's row is held, and sees all that were made before.
-- The lock on the node's row keeps a fence out until this is committed, so whoever sees the fence
-- sees the reservation as well.
--
-- p_serial grows from request to request. p_open: calls that are under way or not written yet. p_kept: of an earlier reservation, not begun
-- and still counted on; they are paid for and not taken back. Returns the calls that may be begun
-- beyond those that are open, p_wanted at most; null when the node is fenced or
-- a newer request was here before.
create function fetchyard.reserve_calls(
  p_node_id      uuid,
  p_workflow_id  smallint,
  p_serial       integer,
  p_open         integer,
  p_kept         integer,
  p_wanted       integer,
  p_credits_each integer
) returns integer
language plpgsql volatile
as $$
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
end $$;

-- Failures for good that were charged: the same URL would be charged again and end the same way.
create table fetchyard.known_failure (
  workflow_id  smallint    not null,
  url_digest   bytea       not null,
  failed_at    timestamptz not null default now(),
  outcome_code text        not null,
  http_status  smallint,
  primary key (workflow_id, url_digest)
);

comment on table fetchyard.known_failure is
  'URLs whose failure for good was charged, by their SHA-256. Forgotten by age, by number, and when somebody asks for the URL again by name.';

create index known_failure_time_idx on fetchyard.known_failure (failed_at);
