-- breaking: no. How fast a workflow may start items, and how long a slot rests after a success.

alter table fetchyard.workflow
  add column rate_per_minute integer check (rate_per_minute >= 1),
  add column success_pause_ms integer check (success_pause_ms >= 0);

comment on column fetchyard.workflow.rate_per_minute is
  'Items that may be started in a minute in the whole cluster; null: what each node is configured for.';
comment on column fetchyard.workflow.success_pause_ms is
  'Time that a slot rests after an item that was complete; null: what each node is configured for.';
