-- breaking: no. Refused answers are booked once, and nothing is retired under the hands of a run.

alter table fetchyard.reserve add column booking integer not null default 0;

comment on column fetchyard.reserve.booking is
  'Number of the node''s last booking of refused answers: one that is sent again changes nothing.';

-- For a statement that has locked the item: volatile, so that it sees what has committed since the
-- statement's snapshot, and whoever joins a run holds on to the item before.
create function fetchyard.is_in_run(p_item_id bigint) returns boolean
language sql volatile
as $$
  select exists (select from fetchyard.run_item where item_id = p_item_id)
$$;
