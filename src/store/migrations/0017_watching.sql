-- breaking: no. Alerts that the cluster raises by itself and the notices of them, and how busy runs were.

-- One row an alert that is not quiet.
create table fetchyard.alert (
  alert       text        not null,
  subject     text        not null,
  workflow_id smallint    references fetchyard.workflow on delete cascade,
  state       text        not null check (state in ('pending', 'raised', 'clearing')),
  level       text        not null check (level in ('warn', 'error')),
  since       timestamptz not null default clock_timestamp(),
  raised_at   timestamptz,
  message     text        not null,
  primary key (alert, subject),
  constraint raised_has_time check ((state = 'pending') = (raised_at is null))
);

comment on table fetchyard.alert is
  'What is beyond its bound: pending for a while, raised, and clearing for a while. One node of the cluster judges.';
comment on column fetchyard.alert.subject is
  'The workflow or the node that it is about; empty: the database.';

-- Who judges. The turn of a node that went silent is free again.
create table fetchyard.alert_watch (
  is_one      boolean     primary key default true check (is_one),
  watcher     uuid,
  watch_until timestamptz not null default '-infinity'
);

insert into fetchyard.alert_watch default values;

-- Cumulative counts now and then, to be subtracted from later ones: the tally knows no times.
create table fetchyard.alert_sample (
  taken_at    timestamptz not null default clock_timestamp(),
  workflow_id smallint    not null,
  completed   bigint      not null,
  failed      bigint      not null,
  reclaimed   bigint      not null
);

create index alert_sample_idx on fetchyard.alert_sample (workflow_id, taken_at);

-- What is to be said outside, a row a change that people are told of.
create table fetchyard.alert_notice (
  notice_id   bigint      generated always as identity primary key,
  alert       text        not null,
  subject     text        not null,
  event       text        not null check (event in ('raised', 'cleared')),
  level       text        not null,
  message     text        not null,
  happened_at timestamptz not null default clock_timestamp(),
  tries       smallint    not null default 0,
  next_try_at timestamptz not null default clock_timestamp(),
  ended_at    timestamptz,
  failure     text
);

comment on table fetchyard.alert_notice is
  'Notices for the webhook: sent in the order in which they happened, tried again until they are taken.';
comment on column fetchyard.alert_notice.ended_at is
  'When it was taken, or given up, which leaves a failure.';

create index alert_notice_open_idx on fetchyard.alert_notice (notice_id) where ended_at is null;

-- Of the work on runs: what is known while it is done alone.
create table fetchyard.run_stretch (
  run_id         integer     not null references fetchyard.run on delete cascade,
  node           text        not null,
  started_at     timestamptz not null,
  ended_at       timestamptz not null default clock_timestamp(),
  slot_share     real        not null check (slot_share between 0 and 1),
  fetches        bigint      not null,
  reused_fetches bigint      not null
);

comment on table fetchyard.run_stretch is
  'A row a command that worked a run, written at its end: how busy its slots were. A command that was killed leaves none.';

create index run_stretch_idx on fetchyard.run_stretch (run_id);
