-- breaking: no. A function that statements of newer programs call.

-- Whether no later round of the item was asked for. Volatile on purpose: it sees what was committed
-- after the snapshot of the statement that asks, which is when a row's owner may have asked again.
create function fetchyard.is_newest_round(
  p_workflow_id smallint,
  p_item_key    text,
  p_round       integer
) returns boolean
language plpgsql volatile
as $$
begin
  return not exists (select from fetchyard.item as newer
                      where newer.workflow_id = p_workflow_id
                        and newer.item_key = p_item_key
                        and newer.round > p_round);
end $$;
