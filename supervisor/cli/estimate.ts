// What a run would cost, before it is started.

import { tierOfPrice } from '../../src/fetch/upstream/tier-options.js'
import type { Sql } from '../../src/store/client.js'
import type { Measured } from '../../src/store/spend.js'
import { readMeasured } from '../../src/store/spend.js'
import { findWorkflow } from '../../src/store/workflows.js'
import { showCount } from './progress.js'

export interface Estimate {
  /** Items that can be worked, each counted once. */
  readonly items: number
  /** Of the dearest way that may be taken. */
  readonly creditsPerCall: number
  /** Credits if every item is completed at its first call, by the cheapest way. */
  readonly creditsMin: number
  /** As the workflow's latest items cost, with their failures and crashes; null without a past. */
  readonly creditsExpected: number | null
  /** What that is taken from. */
  readonly measured: Measured
  /** Credits if every attempt is billed. */
  readonly creditsMax: number
}

export interface EstimateRequest {
  readonly sql: Sql
  readonly workflow: string
  /** Of the items, in slices; each is counted once. */
  readonly keys: AsyncIterable<readonly string[]>
  readonly creditsPerCall: number
  readonly creditsPerCallMin: number
  readonly attempts: number
}

/** Keys remembered to count each once; beyond it repeated ones are counted again. */
const REMEMBERED_MAX = 2_000_000

async function countItems(slices: AsyncIterable<readonly string[]>): Promise<number> {
  const seen = new Set<string>()
  let beyond = 0
  for await (const keys of slices) {
    for (const key of keys) {
      if (seen.size < REMEMBERED_MAX) seen.add(key)
      else if (!seen.has(key)) beyond += 1
    }
  }
  return seen.size + beyond
}

export async function estimate(request: EstimateRequest): Promise<Estimate> {
  const { sql, workflow, creditsPerCall, creditsPerCallMin, attempts } = request
  const items = await countItems(request.keys)
  const row = await findWorkflow(sql, workflow)
  const none: Measured = { items: 0, credits: 0, prices: [] }
  const measured = row === null ? none : await readMeasured(sql, row.workflowId)
  return {
    items,
    creditsPerCall,
    creditsMin: items * creditsPerCallMin,
    creditsExpected:
      measured.items === 0 ? null : Math.round((items * measured.credits) / measured.items),
    creditsMax: items * creditsPerCall * attempts,
    measured,
  }
}

/** The prices that were charged, each with its share of the calls. */
function priceWords({ prices }: Measured): string {
  const all = prices.reduce((sum, { calls }) => sum + calls, 0)
  const words = prices.map(({ credits, calls }) => {
    const tier = tierOfPrice(credits)
    const name = tier === null ? '' : ` (${tier})`
    return `${((100 * calls) / all).toFixed(0)} % cost ${showCount(credits)}${name}`
  })
  return words.length === 0 ? 'no call was charged' : `of the charged calls ${words.join(', ')}`
}

export function estimateLines(given: Estimate): readonly string[] {
  const { items, creditsPerCall, creditsMin, creditsExpected, creditsMax, measured } = given
  return [
    `${showCount(items)} items, ${creditsPerCall} credits a call.`,
    `At least ${showCount(creditsMin)} credits, at most ${showCount(creditsMax)} when every ` +
      'attempt is billed.',
    creditsExpected === null
      ? 'This workflow has no past to tell what failures will cost.'
      : `Expected: ${showCount(creditsExpected)}, as the last ${showCount(measured.items)} items ` +
        `cost, failures and crashes included; ${priceWords(measured)}.`,
  ]
}
