// Reclaiming: packs of dead holders become ready again. Any node may do it, there is no leader:
// packs that another reclaimer or a settle in progress holds are skipped, and a settle wins.

import type { Binding } from './binding.js'
import { mirrorCtes } from './binding.js'
import type { Sql } from './client.js'
import { isOwedOrFree, owedCte, reserveCtes } from './reserve.js'

export interface ReclaimRequest {
  readonly workflowId: number
  readonly binding: Binding | null
  readonly packsMax: number
}

export interface Reclaimed {
  readonly packs: number
  readonly items: number
}

/** The clause that sets the rows of these items back to 'Queued'; nothing without a bound table. */
function queuedMirror(workflowId: number, binding: Binding | null, items: string): string {
  if (binding === null) return ''
  const from = `(select item_id, item_key, round, 'Queued' as word from ${items})`
  return `,${mirrorCtes({ workflowId, binding, from, over: ['Processing'] })}`
}

/**
 * A pack that crashed before comes back in two halves. Attempts are not charged. Every item's
 * history says who lost it.
 *
 * The loss of a node counts as one crash and never more. Counting on would isolate an item that
 * takes its whole supervisor with it, from a thread, but a node is mostly lost for reasons of its
 * own: an operator's kill -9, a deploy, a host, a network. Hundreds of items are in hand then, and
 * nothing tells which of them, if any, did it. At the second loss all of them would run one pack
 * at a time, and after three more that found them alone the innocent would be quarantined. A
 * supervisor cannot write down what it was about to do before it dies of it, so the database sees
 * the same picture in both cases. The halves at least make the suspects fewer from loss to loss,
 * and an item that ends child processes is found by the rules for those.
 */
function freeCtes(workflowId: number): string {
  return `
  with suspect as materialized (
    select pack.pack_id, pack.lease_id, pack.node_id,
           case when node.node_id is null then 'its supervisor is unknown'
                when node.fenced_at is not null
                  then 'supervisor ' || node.name || ' (pid ' || node.pid || ' on ' || node.host
                       || ') was lost: ' || coalesce(node.fenced_why, 'fenced')
                else 'the lease passed its hard deadline' end as why
      from fetchyard.work_queue as pack
      left join fetchyard.node on node.node_id = pack.node_id
     where pack.workflow_id = ${workflowId}
       and pack.lease_id is not null
       and (node.node_id is null or node.fenced_at is not null or pack.deadline < now())
  ),${owedCte(workflowId)},
  dead as materialized (
    -- By lease: a pack that was freed and leased anew since the snapshot has a holder that lives.
    select pack.*, suspect.why
      from suspect
      join fetchyard.work_queue as pack using (pack_id, lease_id)
     where ${isOwedOrFree(workflowId)}
     order by pack.pack_id
     limit $1::int
       for update of pack skip locked
  ),
  halved as (
    select dead.*,
           case when crashes >= 1 and cardinality(item_ids) > 1
                then (cardinality(item_ids) + 1) / 2
                else cardinality(item_ids) end as kept
      from dead
  ),
  freed as (
    update fetchyard.work_queue as pack
       set lease_id = null, node_id = null, leased_at = null, deadline = null,
           crashes = greatest(pack.crashes, 1),
           -- What was begun goes before what was enqueued with it.
           run_at = pack.run_at - interval '1 microsecond',
           item_ids = halved.item_ids[:halved.kept]
      from halved
     where pack.pack_id = halved.pack_id
  ),
  other_half as (
    insert into fetchyard.work_queue
           (workflow_id, priority, partition, lane, attempt, snoozes, crashes, lonely_crashes,
            run_at, item_ids)
    select workflow_id, priority, partition, lane, attempt, snoozes, greatest(crashes, 1),
           lonely_crashes, run_at - interval '1 microsecond', item_ids[kept + 1:]
      from halved
     where kept < cardinality(item_ids)
  )`
}

/** Every item's history says who lost it, and the ledger what that may have cost. */
function reclaimStatement(workflowId: number, binding: Binding | null): string {
  const mirror = queuedMirror(workflowId, binding, 'lost')
  return `${freeCtes(workflowId)},
  lost as materialized (
    select item.item_id, item.item_key, item.round, dead.lease_id, dead.node_id, dead.attempt,
           dead.why,
           row_number() over (partition by dead.node_id
                                  order by dead.leased_at, dead.pack_id, member.n) as rank
      from dead
     cross join lateral unnest(dead.item_ids) with ordinality as member (item_id, n)
      join fetchyard.item on item.item_id = member.item_id
  ),${reserveCtes(workflowId)},
  receipt as (
    insert into fetchyard.processing_log
           (item_id, lease_id, workflow_id, attempt, credits_at_most, status, outcome_code,
            item_key, node_id, error)
    select item_id, lease_id, ${workflowId}, attempt + 1, nullif(charged.credits_each, 0),
           'reclaimed', 'node_lost', item_key, lost.node_id, why
      from lost
      left join charged using (item_id, lease_id)
  ),
  tallied as (
    insert into fetchyard.tally (workflow_id, event, items)
    select ${workflowId}, 'reclaim', count(*) from lost having count(*) > 0
  )${mirror}
  select (select count(*) from dead)::int as packs, (select count(*) from lost)::int as items`
}

/** Frees packs of fenced or unknown nodes, and packs past their hard deadline. */
export async function reclaimPacks(sql: Sql, request: ReclaimRequest): Promise<Reclaimed> {
  const rows = await sql.unsafe<Reclaimed[]>(
    reclaimStatement(request.workflowId, request.binding),
    [request.packsMax],
    { prepare: true },
  )
  return rows[0] ?? { packs: 0, items: 0 }
}

/**
 * Gives packs of a node back untouched: no crash is counted, no attempt charged. All of them when
 * the node stops in order (fencing it comes first, so that no late lease of its own slips in
 * behind); all but the leases it knows of when the answer to a lease was lost. Such a release may
 * itself come late, when the node knows of more: so it names the newest lease that it is about.
 */
export async function releaseNode(
  sql: Sql,
  request: {
    readonly nodeId: string
    readonly workflowId: number
    readonly binding: Binding | null
    /** Leases that stay. @default none */
    readonly knownLeases?: readonly string[]
    /** Newer leases stay, too; null when there is no such bound. @default null */
    readonly newestLease?: string | null
  },
): Promise<Reclaimed> {
  const { nodeId, workflowId, binding, knownLeases = [], newestLease = null } = request
  const mirror = queuedMirror(workflowId, binding, 'given_back')
  const rows = await sql.unsafe<Reclaimed[]>(
    `
  with held as materialized (
    select pack_id from fetchyard.work_queue
     where workflow_id = ${workflowId} and node_id = $1::uuid and lease_id is not null
       and lease_id <> all ($2::bigint[])
       and ($3::bigint is null or lease_id <= $3::bigint)
     order by pack_id
       for update
  ),
  freed as (
    update fetchyard.work_queue as pack
       set lease_id = null, node_id = null, leased_at = null, deadline = null,
           run_at = pack.run_at - interval '1 microsecond'
      from held
     where pack.pack_id = held.pack_id
    returning pack.pack_id, pack.item_ids
  ),
  given_back as materialized (
    select item.item_id, item.item_key, item.round
      from freed
     cross join lateral unnest(freed.item_ids) as member (item_id)
      join fetchyard.item on item.item_id = member.item_id
  ),
  tallied as (
    insert into fetchyard.tally (workflow_id, event, items)
    select ${workflowId}, 'release', count(*) from given_back having count(*) > 0
  )${mirror}
  select (select count(*) from freed)::int as packs, (select count(*) from given_back)::int as items`,
    [nodeId, knownLeases as string[], newestLease],
    { prepare: true },
  )
  return rows[0] ?? { packs: 0, items: 0 }
}

/** The newest lease of a node on a workflow; null when it holds none. Lease ids only grow. */
export async function findNewestLease(
  sql: Sql,
  of: { readonly workflowId: number; readonly nodeId: string },
): Promise<string | null> {
  const rows = await sql<{ lease_id: string | null }[]>`
    select max(lease_id) as lease_id
      from fetchyard.work_queue
     where workflow_id = ${of.workflowId} and node_id = ${of.nodeId} and lease_id is not null`
  return rows[0]?.lease_id ?? null
}
