// Commands by which nodes get work, lose it and give it back.

import type { LeasedPack } from '../../../src/store/leased-packs.js'
import { heldOf } from '../../support/values.js'
import type { StepOf } from '../steps.js'
import type { Answer, World } from '../world.js'

/** A pack as an answer, whatever made it. */
function told(pack: LeasedPack): unknown {
  const { packId, leaseId, attempt, snoozes, crashes, lonelyCrashes, items } = pack
  const members = items.map(({ itemId, itemKey }) => [itemId, itemKey])
  return [packId, leaseId, attempt, snoozes, crashes, lonelyCrashes, members]
}

export async function lease(world: World, step: StepOf<'lease'>): Promise<Answer> {
  const workflow = world.flow(step.flow)
  const { itemsMax, packsMax, deadlineMs } = step
  const request = { nodeId: world.node(step.node), itemsMax, packsMax, deadlineMs }
  const packs = await world.store.leasePacks(workflow, request)
  const leased = world.model.lease(workflow.workflowId, request)
  const expected = () =>
    leased
      .flatMap(({ items }) => world.model.packOf(items[0]?.itemId ?? '') ?? [])
      .map((pack) => world.model.leasedPack(pack))
  for (const pack of packs) {
    world.grants.push({ flow: step.flow, nodeId: request.nodeId, held: heldOf([pack]) })
  }
  return { real: packs.map(told), expected: () => expected().map(told) }
}

export async function boot(world: World, step: StepOf<'boot'>): Promise<Answer> {
  if (world.nodes.length < 6) await world.boot(step.leaseMs)
  return { real: null, expected: () => null }
}

export async function heartbeat(world: World, step: StepOf<'heartbeat'>): Promise<Answer> {
  const nodeId = world.node(step.node)
  const { leaseMs, gapMs } = step
  const real = await world.store.sendHeartbeat({ nodeId, leaseMs, gapMs, stats: {} })
  const expected = world.model.heartbeat(nodeId, { leaseMs, gapMs })
  return { real, expected: () => expected }
}

export async function fence(world: World, step: StepOf<'fence'>): Promise<Answer> {
  const nodeId = world.node(step.node)
  const real = await world.store.fenceNode({ nodeId, reason: 'test' })
  const expected = world.model.fenceNode(nodeId, 'test')
  return { real, expected: () => expected }
}

export async function fenceExpired(world: World, step: StepOf<'fenceExpired'>): Promise<Answer> {
  const nodeId = world.node(step.node)
  const fenced = await world.store.fenceExpired({ nodeId, ...step.rule })
  const expected = [...world.model.fenceExpired({ nodeId, ...step.rule })].sort()
  return { real: fenced.map((node) => node.nodeId).sort(), expected: () => expected }
}

export async function reclaim(world: World, step: StepOf<'reclaim'>): Promise<Answer> {
  const workflow = world.flow(step.flow)
  const real = await world.store.reclaimPacks(workflow, step.packsMax)
  const expected = world.model.reclaim(workflow.workflowId, step.packsMax)
  return { real: { ...real }, expected: () => expected }
}

export async function releaseNode(world: World, step: StepOf<'releaseNode'>): Promise<Answer> {
  const workflow = world.flow(step.flow)
  const nodeId = world.node(step.node)
  // A node that asks knows of all its leases but those whose answer it lost: here, every second.
  const known = world.grants
    .filter((grant, n) => grant.nodeId === nodeId && n % 2 === 0)
    .flatMap(({ held }) => held.map(({ leaseId }) => leaseId))
  const leases = step.isKnowing ? [...new Set(known)] : []
  const real = await world.store.releaseNode(workflow, nodeId, leases)
  const expected = world.model.releaseNode(workflow.workflowId, nodeId, leases)
  return { real: { ...real }, expected: () => expected }
}
