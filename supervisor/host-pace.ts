// What of a host's limits falls to this node.

import type { Clock } from '../src/core/clock.js'
import type { HostRules } from '../src/core/host-plan.js'
import { shareOf } from '../src/core/share-plan.js'
import { HostShelf } from './host-shelf.js'
import type { Waiting } from './waiting.js'

/** Rules of hosts, and whether the requests at once are the cluster's or those of each node. */
export interface HostLimits extends HostRules {
  readonly isDivided: boolean
  /** Whether several nodes may have items of one host; by partitions all of them are one node's. */
  readonly isShared: boolean
}

export interface HostPaceDeps {
  readonly nodeId: string
  readonly clock: Clock
  readonly limits: HostLimits
  /** Living nodes that work the workflow. */
  readonly workers: () => readonly string[]
  /** Time for which a host is left alone after failures; null when it may be asked. */
  readonly restMsOf: (host: string) => number | null
}

export function createHostShelf(deps: HostPaceDeps): HostShelf<Waiting> {
  const { nodeId, clock, limits, workers, restMsOf } = deps
  return new HostShelf({
    clock,
    rulesOf: (host) => nodeRules(limits, { host, nodeId, workers: workers() }),
    restMsOf,
  })
}

/**
 * The part of one node: every node computes the same division. Where there are more nodes than
 * requests allowed at once, a host belongs to some of them, and which differs from host to host.
 */
export function nodeRules(
  rules: HostLimits,
  at: { readonly host: string; readonly nodeId: string; readonly workers: readonly string[] },
): HostRules {
  const nodes = at.workers.length
  if (!rules.isShared) return rules
  if (nodes === 0 || (nodes === 1 && at.workers[0] === at.nodeId)) return rules
  const members = at.workers.includes(at.nodeId) ? at.workers : [...at.workers, at.nodeId]
  if (!rules.isDivided) return { ...rules, delayTimes: members.length }
  const concurrency = shareOf(rules.concurrency, members, at.nodeId, turnOf(at.host))
  return { ...rules, concurrency, delayTimes: Math.min(members.length, rules.concurrency) }
}

/** A whole number that is the same for a host on every node. */
function turnOf(host: string): number {
  let turn = 0
  for (let at = 0; at < host.length; at += 1) turn = (turn * 31 + host.charCodeAt(at)) % 65_521
  return turn
}
