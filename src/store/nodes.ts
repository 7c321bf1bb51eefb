// Nodes: a row a supervisor boot. Whoever changes `fenced_at` decides that nothing this boot says
// counts any more; it is never taken back.

import type { Json } from '../core/outcome.js'
import type { Sql } from './client.js'

export interface NodeIdentity {
  readonly nodeId: string
  readonly name: string
  readonly host: string
  /** Kernel boot and pid namespace: nodes with the same word can look each other's pid up. */
  readonly machine: string
  readonly pid: number
  /** When the process with this pid started, as the kernel counts: a recycled pid has another. */
  readonly pidStarted: string
  /** Workflows it works, and the limit of the cluster that each shares. @default none */
  readonly plans?: { readonly [workflow: string]: string }
}

/** Enters a boot into the cluster, alive for one lease length. */
export async function registerNode(sql: Sql, node: NodeIdentity, leaseMs: number): Promise<void> {
  await sql`
    insert into fetchyard.node
           (node_id, name, host, machine, pid, pid_started, plans, alive_until)
    values (${node.nodeId}, ${node.name}, ${node.host}, ${node.machine}, ${node.pid},
            ${node.pidStarted}, ${JSON.stringify(node.plans ?? {})}::text::jsonb,
            clock_timestamp() + ${leaseMs}::int * interval '1 millisecond')`
}

export interface Neighbour {
  readonly nodeId: string
  readonly name: string
  readonly pid: number
  readonly pidStarted: string
}

/** Boots on this machine that are not fenced: the caller can see whether their processes live. */
export async function readNeighbours(
  sql: Sql,
  of: { readonly machine: string; readonly except: string },
): Promise<readonly Neighbour[]> {
  return sql<Neighbour[]>`
    select node_id as "nodeId", name, pid, pid_started as "pidStarted"
      from fetchyard.node
     where fenced_at is null and machine = ${of.machine} and node_id <> ${of.except}`
}

/**
 * Extends all leases of a node by extending the node.
 *
 * @returns false when the node is fenced: abort everything, write nothing.
 */
export async function sendHeartbeat(
  sql: Sql,
  beat: { readonly nodeId: string; readonly leaseMs: number; readonly stats: Json },
): Promise<boolean> {
  const rows = await sql`
    update fetchyard.node
       set alive_until = clock_timestamp() + ${beat.leaseMs}::int * interval '1 millisecond',
           stats = ${JSON.stringify(beat.stats)}::text::jsonb
     where node_id = ${beat.nodeId} and fenced_at is null
    returning node_id`
  return rows.length === 1
}

/** Fences one node by name of the reason. @returns whether it was not fenced before. */
export async function fenceNode(
  sql: Sql,
  fence: { readonly nodeId: string; readonly reason: string },
): Promise<boolean> {
  const rows = await sql`
    update fetchyard.node
       set fenced_at = clock_timestamp(), fenced_why = ${fence.reason}
     where node_id = ${fence.nodeId} and fenced_at is null
    returning node_id`
  return rows.length === 1
}

export interface FencedNode {
  readonly nodeId: string
  readonly name: string
}

/**
 * Fences every node whose lease ran out, but never the caller: after a long sleep its own heartbeat
 * comes first and decides.
 */
export async function fenceExpired(sql: Sql, except: string): Promise<readonly FencedNode[]> {
  return sql<FencedNode[]>`
    update fetchyard.node
       set fenced_at = clock_timestamp(), fenced_why = 'its lease ran out'
     where fenced_at is null and alive_until < clock_timestamp() and node_id <> ${except}
    returning node_id as "nodeId", name`
}
