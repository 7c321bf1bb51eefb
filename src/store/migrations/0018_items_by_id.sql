-- breaking: no. How lease and settle find their items.

-- Always along the index. A plan outlives the size that the table had when it was made: one of a
-- small table would read all of a large one, for every statement, until somebody analyzes it.
create function fetchyard.items_by_id(p_item_ids bigint[]) returns setof fetchyard.item
language plpgsql stable rows 256
set enable_seqscan = off
as $$
begin
  return query select * from fetchyard.item where item.item_id = any (p_item_ids);
end
$$;

comment on function fetchyard.items_by_id is
  'Items of these ids, in no particular order. Private: lease and settle find theirs by it.';
