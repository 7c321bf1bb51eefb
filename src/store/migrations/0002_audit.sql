-- breaking: no. What the audit needs: receipts whose finality an index answers, and the sinks.

alter table fetchyard.workflow add column sinks jsonb;

comment on column fetchyard.workflow.sinks is
  'The tables that result rows go to, with their lease columns, as last opened; null before. The audit reads it.';

-- The status beside the item: whether an item is finished is answered by the index alone. Inside of
-- a transaction an index cannot be built concurrently. An operator with many receipts builds it
-- beforehand, see CHANGELOG.md; then this line finds it made.
create index if not exists processing_log_item_status_idx
  on fetchyard.processing_log (item_id) include (status);
drop index if exists fetchyard.processing_log_item_idx;

-- What was not vacuumed yet cannot be answered by an index alone. These tables only grow, so that a
-- vacuum after 2 in 100 new rows has to read no more than those.
do $$
declare
  grown regclass;
begin
  for grown in
    select 'fetchyard.item'::regclass
     union all
    select inhrelid::regclass from pg_inherits where inhparent = 'fetchyard.processing_log'::regclass
  loop
    execute format(
      'alter table %s set (autovacuum_vacuum_insert_scale_factor = 0.02, autovacuum_vacuum_insert_threshold = 10000)',
      grown);
  end loop;
end $$;
