// Commands by which items end: in time, twice, late, by the wrong node, with their worker.

import { LIMITS } from '../../../src/core/limits.js'
import type { OutcomeCode } from '../../../src/core/outcome.js'
import type { HeldItem, Settlement } from '../../../src/core/settlement.js'
import { decideCrash, decideSettlement, releaseSettlement } from '../../../src/core/settlement.js'
import { constantRandom, facts, failed, retryPolicy } from '../../support/values.js'
import type { Ending, StepOf } from '../steps.js'
import type { Answer, Grant, Sent, World } from '../world.js'
import { pickOf } from '../world.js'

const CODES: Readonly<Record<Exclude<Ending, 'complete' | 'release'>, OutcomeCode>> = {
  retry: 'dns',
  'retry-after': 'http_5xx',
  snooze: 'rate_limited',
  discard: 'http_4xx',
  cancel: 'cancelled',
}

/** What the supervisor makes of an item's end. */
function settlementFor(world: World, held: HeldItem, end: Ending): Settlement {
  const decide = (outcome: Parameters<typeof decideSettlement>[1]) =>
    decideSettlement(held, outcome, retryPolicy(), constantRandom(0.25))
  if (end === 'release') return releaseSettlement(held)
  if (end === 'complete') {
    const rows = { results: [{ token: world.token() }] }
    return decide({ result: 'complete', rows, facts: facts() })
  }
  const retryAfterMs = end === 'retry-after' ? 0 : 1_500
  return decide(failed(CODES[end], end === 'retry' ? {} : { retryAfterMs }))
}

const numeric = (a: string, b: string) => Number(a) - Number(b)

async function send(world: World, sent: Sent): Promise<Answer | null> {
  const { flow, nodeId } = sent
  const settlements = sent.settlements.slice(0, LIMITS.settleItemsMax)
  if (settlements.length === 0) return null
  const real = await world.store.settleItems(world.flow(flow), { nodeId, settlements })
  const expected = [...world.model.settle(nodeId, settlements)].sort(numeric)
  world.sent.push({ ...sent, settlements })
  return { real: [...real].sort(numeric), expected: () => expected }
}

/** The items of a grant that its node still holds. */
function living(world: World, { nodeId, held }: Grant): readonly HeldItem[] {
  return held.filter((item) => world.model.holds(nodeId, item))
}

function grantsThat(world: World, isLiving: boolean): readonly Grant[] {
  return world.grants.filter((grant) => living(world, grant).length > 0 === isLiving)
}

/** A settle by a node that holds the items, or by one that did: only the lease's age differs. */
export async function settle(
  world: World,
  step: StepOf<'settle' | 'zombie'>,
): Promise<Answer | null> {
  const grant = pickOf(grantsThat(world, step.do === 'settle'), step.pick)
  if (grant === undefined) return null
  const chosen = grant.held.filter((_, n) => (step.part >> (n % 8)) % 2 === 1)
  const settlements = chosen.map((held, n) =>
    settlementFor(world, held, pickOf(step.ends, n) ?? 'complete'),
  )
  const stranger = pickOf(world.nodes, world.nodes.indexOf(grant.nodeId) + 1) ?? ''
  return send(world, {
    flow: grant.flow,
    nodeId: step.isStranger ? stranger : grant.nodeId,
    settlements: step.isDoubled ? [...settlements, ...settlements] : settlements,
  })
}

export async function settleAll(world: World, step: StepOf<'settleAll'>): Promise<Answer | null> {
  const nodeId = world.node(step.node)
  const settlements = world.grants
    .filter((grant) => grant.nodeId === nodeId && grant.flow === step.flow)
    .flatMap(({ held }) => held.map((item) => settlementFor(world, item, step.end)))
  return send(world, { flow: step.flow, nodeId, settlements })
}

export async function crash(world: World, step: StepOf<'crash'>): Promise<Answer | null> {
  const grant = pickOf(grantsThat(world, true), step.pick)
  if (grant === undefined) return null
  const { isAlone, mayQuarantine } = step
  const held = living(world, grant)
  const settlements = decideCrash(held, { reason: 'it died', isAlone, mayQuarantine })
  return send(world, { flow: grant.flow, nodeId: grant.nodeId, settlements })
}

export async function resend(world: World, step: StepOf<'resend'>): Promise<Answer | null> {
  const sent = pickOf(world.sent, step.pick)
  if (sent === undefined) return null
  // All that was ever held is asked for: what was settled, and what was lost or given back.
  const keys = world.grants.flatMap(({ held }) => held)
  const receipts = [...(await world.store.findReceipts(keys))].sort(numeric)
  const known = [...world.model.findReceipts(keys)].sort(numeric)
  const answer = await send(world, sent)
  if (answer === null) return null
  return {
    real: { receipts, answer: answer.real },
    expected: () => ({ receipts: known, answer: answer.expected() }),
  }
}
