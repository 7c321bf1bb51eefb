// Nodes: a row a supervisor boot. Whoever changes `fenced_at` decides that nothing this boot says
// counts any more; it is never taken back.

import type { RefusedWorkflow } from '../core/figures.js'
import type { FencingRule } from '../core/heartbeat-plan.js'
import type { Json } from '../core/outcome.js'
import type { Sql } from './client.js'
import { ISO_FORMAT } from './instants.js'

/** Nodes are shown, and spoken of by alerts, for so long after they were fenced: in seconds. */
export const FENCED_SHOWN_S = 600

/** Why a node is fenced that has stopped by itself: nobody lost it. */
export const STOPPED_IN_ORDER = 'it stopped in order'

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
  /** Workflows it was asked to work and could not start. @default none */
  readonly refused?: readonly RefusedWorkflow[]
}

/** Enters a boot into the cluster, alive for one lease length. */
export async function registerNode(sql: Sql, node: NodeIdentity, leaseMs: number): Promise<void> {
  await sql`
    insert into fetchyard.node
           (node_id, name, host, machine, pid, pid_started, plans, refused, alive_until)
    values (${node.nodeId}, ${node.name}, ${node.host}, ${node.machine}, ${node.pid},
            ${node.pidStarted}, ${JSON.stringify(node.plans ?? {})}::text::jsonb,
            ${JSON.stringify(node.refused ?? [])}::text::jsonb,
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
  beat: {
    readonly nodeId: string
    readonly leaseMs: number
    /** Silence after which the node must be heard for a while before it may fence others. */
    readonly gapMs: number
    readonly stats: Json
  },
): Promise<boolean> {
  const rows = await sql`
    update fetchyard.node
       set alive_until = clock_timestamp() + ${beat.leaseMs}::int * interval '1 millisecond',
           steady_since = case when alive_until < clock_timestamp()
                                 + ${beat.leaseMs - beat.gapMs}::int * interval '1 millisecond'
                               then clock_timestamp() else steady_since end,
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
 * Fences every node whose lease ran out, if the database has heard the caller steadily. It judges
 * that itself, when the statement is executed: one that was sent in good faith may wait for a
 * connection until the database is back. After a long sleep the caller's own heartbeat comes first
 * and decides. The reason names the caller, so that nobody has to guess who it was.
 */
export async function fenceExpired(
  sql: Sql,
  by: FencingRule & { readonly nodeId: string },
): Promise<readonly FencedNode[]> {
  return sql<FencedNode[]>`
    update fetchyard.node as expired
       set fenced_at = clock_timestamp(),
           fenced_why = 'its lease ran out at '
             || to_char(expired.alive_until at time zone 'UTC', ${ISO_FORMAT})
             || '; fenced by ' || caller.name || ' (pid ' || caller.pid || ' on ' || caller.host
             || ')'
      from fetchyard.node as caller
     where expired.fenced_at is null and expired.alive_until < clock_timestamp()
       and expired.node_id <> caller.node_id
       and caller.node_id = ${by.nodeId}
       and caller.fenced_at is null
       and caller.alive_until
             >= clock_timestamp() + ${by.leaseMs - by.gapMs}::int * interval '1 millisecond'
       and caller.steady_since
             <= clock_timestamp() - ${by.steadyMs}::int * interval '1 millisecond'
    returning expired.node_id as "nodeId", expired.name`
}

/** Why and when a node was fenced. */
export interface Fence {
  readonly why: string
  /** The database's time, as an ISO instant. */
  readonly at: string
}

/** What is written about the end of a node; null when it is not fenced, or its row is gone. */
export async function readFence(sql: Sql, nodeId: string): Promise<Fence | null> {
  const rows = await sql<Fence[]>`
    select coalesce(fenced_why, 'nobody wrote down why') as why,
           to_char(fenced_at at time zone 'UTC', ${ISO_FORMAT}) as at
      from fetchyard.node
     where node_id = ${nodeId} and fenced_at is not null`
  return rows[0] ?? null
}
