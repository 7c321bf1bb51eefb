-- breaking: no. What people look for among many items is found by an index.
-- A large database can have the first one beforehand: `create index concurrently`, same name.

-- Items of one host, the newest first. Items without a lane are in no index of lanes.
create index if not exists item_lane_idx on fetchyard.item (workflow_id, lane, item_id) where lane <> '';

-- Items that failed or were cancelled, the newest first. Successes, which are most receipts, cost
-- nothing here.
create index if not exists processing_log_failed_idx
  on fetchyard.processing_log (workflow_id, item_id) include (status, outcome_code)
  where status in ('error', 'cancelled');

create index if not exists ending_failed_idx
  on fetchyard.ending (workflow_id, item_id) include (status, outcome_code)
  where status in ('error', 'cancelled');
