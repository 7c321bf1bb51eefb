// The clauses that take items out of their packs.

/**
 * Takes the items of `own` out of the packs in `held`, which the statement has locked: packs keep
 * the order of what remains, and an emptied one goes.
 */
export const LEAVE_CTES = `remaining as materialized (
    select held.pack_id,
           array(select member.item_id
                   from unnest(held.item_ids) with ordinality as member (item_id, n)
                  where member.item_id not in (select item_id from own)
                  order by member.n) as item_ids
      from held
     where held.pack_id in (select pack_id from own)
  ),
  emptied as (
    delete from fetchyard.work_queue as pack
     using remaining
     where pack.pack_id = remaining.pack_id and remaining.item_ids = '{}'
  ),
  shrunk as (
    update fetchyard.work_queue as pack
       set item_ids = remaining.item_ids
      from remaining
     where pack.pack_id = remaining.pack_id and remaining.item_ids <> '{}'
  )`
