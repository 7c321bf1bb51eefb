// The parts of one workflow on this node, made and told of each other. What they have to ask or say
// beyond their own business goes through the hooks of the service that owns them.

import type { Settled } from '../src/actor/messages.js'
import type { SlotSituation } from '../src/core/lease-plan.js'
import type { LeasedPack } from '../src/store/leased-packs.js'
import { Breakers } from './breakers.js'
import { DispatchTable } from './dispatch-table.js'
import type { FailureStreak } from './failure-streak.js'
import type { Governor } from './governor.js'
import { createGovernor } from './governor.js'
import { createHostShelf } from './host-pace.js'
import type { HostShelf } from './host-shelf.js'
import { HostWatch } from './host-watch.js'
import { createItemLeaser, createItemPool, createItemSettler } from './item-way.js'
import type { Leaser } from './leaser.js'
import { Pauser } from './pauser.js'
import { RateMeter } from './rate-meter.js'
import type { CallsInHand, Reserver } from './reserver.js'
import { createReserver } from './reserver.js'
import { Returns } from './returns.js'
import { RolloutWatch } from './rollout-watch.js'
import type { Settler } from './settler.js'
import type { Waiting } from './waiting.js'
import type { WorkerDeath } from './worker-death.js'
import type { WorkerPool } from './worker-pool.js'
import { creditsOf, type WorkflowServiceDeps } from './workflow-service-options.js'

/** What holds the whole service back. */
export interface WorkflowState {
  /** Nothing new is leased or started. */
  isQuiet: boolean
  /** The node is fenced: nothing more is written. */
  isAbandoned: boolean
  /** Every further item would fail for a reason that the workflow is being paused for. */
  isHolding: boolean
}

export interface WorkflowParts {
  readonly deps: WorkflowServiceDeps
  readonly state: WorkflowState
  readonly hosts: HostShelf<Waiting> | null
  readonly table: DispatchTable
  readonly settledRate: RateMeter
  readonly pauser: Pauser
  readonly rollout: RolloutWatch
  readonly breakers: Breakers
  readonly reserver: Reserver
  readonly governor: Governor
  readonly settler: Settler
  readonly returns: Returns
  readonly hostWatch: HostWatch | null
  readonly leaser: Leaser
  readonly pool: WorkerPool
}

/** What the parts ask and say. None of it is called while they are made. */
export interface WorkflowHooks {
  /** Starts what may be started. */
  readonly dispatch: () => void
  /** Items that this node may have under way. */
  readonly allowed: () => number
  readonly mayStart: () => boolean
  readonly situation: () => SlotSituation
  readonly callsInHand: () => CallsInHand
  readonly onPacks: (packs: readonly LeasedPack[]) => void
  readonly onSettled: (workerId: string, settled: Settled) => void
  readonly onExit: (workerId: string, death: WorkerDeath) => { isExcused: boolean }
  /** Pauses the workflow for what its next items would meet as well. */
  readonly hold: (reason: string, message: string) => void
}

/** @param streak counts the failures in a row of what is written. */
export function createWorkflowParts(
  deps: WorkflowServiceDeps,
  streak: FailureStreak,
  hooks: WorkflowHooks,
): WorkflowParts {
  const { options, ...shared } = deps
  const state: WorkflowState = { isQuiet: false, isAbandoned: false, isHolding: false }
  // Read when they are called, which is after all of them are made.
  const asked = { governor: () => parts.governor, breakers: () => parts.breakers }
  const hosts = createHosts(deps, asked)
  const table = new DispatchTable(hosts)
  const pauser = new Pauser(deps)
  const rollout = new RolloutWatch({ ...shared, rule: options.rollback })
  const breakers = createBreakers(deps, hooks)
  const reserver = createCallReserver(deps, hooks)
  const made = { hosts, table, pauser, rollout, breakers, reserver, state }
  const governor = createOwnGovernor(deps, hooks, { ...made, returns: () => parts.returns })
  const settler = createItemSettler(deps, hooks, { pauser, streak })
  const returns = createReturns(deps, { breakers, settler, state })
  const hostWatch = createHostWatch(deps, hooks, { hosts, returns, state })
  const leaser = createItemLeaser(deps, hooks, { table, settler, governor, hosts })
  const pool = createItemPool(deps, hooks, { table, settler, governor, pauser })
  const settledRate = new RateMeter(deps.clock)
  const rest = { deps, settledRate, governor, settler, returns, hostWatch, leaser, pool }
  const parts: WorkflowParts = { ...made, ...rest }
  return parts
}

function createHosts(
  { nodeId, clock, options }: WorkflowServiceDeps,
  asked: { readonly governor: () => Governor; readonly breakers: () => Breakers },
): HostShelf<Waiting> | null {
  const { hosts: limits } = options
  if (limits === null) return null
  const workers = () => asked.governor().steering()?.workers ?? []
  const restMsOf = (host: string) => asked.breakers().restMsOf(host)
  return createHostShelf({ nodeId, clock, limits, workers, restMsOf })
}

function createBreakers(deps: WorkflowServiceDeps, { dispatch }: WorkflowHooks): Breakers {
  const { workflow, clock, events, options } = deps
  const isDirect = options.workerOptions.fetch.upstream.kind === 'direct'
  return new Breakers({
    workflow: workflow.name,
    scope: isDirect ? 'lane' : 'upstream',
    clock,
    events,
    onProbe: dispatch,
  })
}

function createCallReserver(deps: WorkflowServiceDeps, hooks: WorkflowHooks): Reserver {
  const { store, workflow, nodeId, clock, events, options } = deps
  return createReserver({
    ...{ store, workflow, nodeId, clock, events },
    creditsPerCall: options.creditsPerCall,
    inHand: hooks.callsInHand,
    onReserved: hooks.dispatch,
  })
}

function createOwnGovernor(
  deps: WorkflowServiceDeps,
  hooks: WorkflowHooks,
  parts: Pick<WorkflowParts, 'hosts' | 'table' | 'rollout' | 'reserver'> & {
    readonly returns: () => Returns
  },
): Governor {
  const { store, workflow, nodeId, clock, events, options, plan, isDatabaseCrowded } = deps
  const { hosts, table, rollout, reserver } = parts
  return createGovernor({
    ...{ store, workflow, nodeId, clock, events, plan, isDatabaseCrowded },
    options: options.governor,
    purse: reserver,
    onSteered: (steering) => {
      rollout.steer(steering)
      reserver.noteBudget(steering.creditsLeft !== null)
      table.reconsider()
      hosts?.reconsider()
      // What was leased ahead would wait here for a share that others have.
      if (hooks.allowed() === 0) parts.returns().release(table.drainBuffer(), 'no_share')
      hooks.dispatch()
    },
    onRoom: hooks.dispatch,
  })
}

function createReturns(
  { workflow, events, options }: WorkflowServiceDeps,
  { breakers, settler, state }: Pick<WorkflowParts, 'breakers' | 'settler' | 'state'>,
): Returns {
  return new Returns({
    ...{ workflow: workflow.name, events, breakers, settler },
    creditsOf: (held) => creditsOf(options, held),
    isAbandoned: () => state.isAbandoned,
  })
}

function createHostWatch(
  { workflow, clock, events }: WorkflowServiceDeps,
  { dispatch }: WorkflowHooks,
  { hosts, returns, state }: Pick<WorkflowParts, 'hosts' | 'returns' | 'state'>,
): HostWatch | null {
  if (hosts === null) return null
  const isAbandoned = () => state.isAbandoned
  return new HostWatch({
    workflow: workflow.name,
    hosts,
    returns,
    clock,
    events,
    isAbandoned,
    wake: dispatch,
  })
}
