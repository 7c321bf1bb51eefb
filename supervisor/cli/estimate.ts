// What a run would cost, before it is started.

import { parseUrl } from '../../src/core/parse-url.js'
import { ANY_SITE, tierOfPrice } from '../../src/fetch/upstream/tier-options.js'
import type { Sql } from '../../src/store/client.js'
import type { Measured } from '../../src/store/spend.js'
import { readMeasured } from '../../src/store/spend.js'
import { findWorkflow } from '../../src/store/workflows.js'
import { showCount } from './progress.js'

export interface Estimate {
  /** Items that can be worked, each counted once. */
  readonly items: number
  /** Of the dearest call that may be made, and of the cheapest. */
  readonly creditsPerCall: number
  readonly creditsPerCallMin: number
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
  /** What calls to a site are expected to cost, by each way that may be taken. */
  readonly pricesOf: (site: URL) => readonly number[]
  /** Calls that are dearer are refused, which is free; null: none. */
  readonly maxCost: number | null
  readonly attempts: number
}

/** Keys remembered to count each once; beyond it repeated ones are counted again. */
const REMEMBERED_MAX = 2_000_000

/** The items of an input, and what one call for each of them costs. */
class Bill {
  items = 0
  readonly all = { min: 0, max: 0 }
  readonly call = { min: Number.POSITIVE_INFINITY, max: 0 }
  readonly #request: EstimateRequest

  constructor(request: EstimateRequest) {
    this.#request = request
  }

  /** @param key the URL, or what stands for a page of no special price. */
  add(key: string): void {
    const { pricesOf, maxCost } = this.#request
    const prices = pricesOf(parseUrl(key) ?? ANY_SITE).map((price) =>
      maxCost !== null && price > maxCost ? 0 : price,
    )
    const [min, max] = [Math.min(...prices), Math.max(...prices)]
    this.items += 1
    this.all.min += min
    this.all.max += max
    this.call.min = Math.min(this.call.min, min)
    this.call.max = Math.max(this.call.max, max)
  }
}

async function billOf(request: EstimateRequest): Promise<Bill> {
  const seen = new Set<string>()
  const bill = new Bill(request)
  for await (const keys of request.keys) {
    for (const key of keys) {
      if (seen.has(key)) continue
      if (seen.size < REMEMBERED_MAX) seen.add(key)
      bill.add(key)
    }
  }
  return bill
}

export async function estimate(request: EstimateRequest): Promise<Estimate> {
  const { sql, workflow, attempts } = request
  const { items, all, call } = await billOf(request)
  const row = await findWorkflow(sql, workflow)
  const none: Measured = { items: 0, credits: 0, prices: [] }
  const measured = row === null ? none : await readMeasured(sql, row.workflowId)
  return {
    items,
    creditsPerCall: call.max,
    creditsPerCallMin: items === 0 ? 0 : call.min,
    creditsMin: all.min,
    creditsExpected:
      measured.items === 0 ? null : Math.round((items * measured.credits) / measured.items),
    creditsMax: all.max * attempts,
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
  const { items, creditsPerCall: most, creditsPerCallMin: least, measured } = given
  const { creditsMin, creditsExpected, creditsMax } = given
  const price = least === most ? `${most}` : `${least} to ${most}`
  return [
    `${showCount(items)} item${items === 1 ? '' : 's'}, ${price} credit${most === 1 ? '' : 's'} a call.`,
    `At least ${showCount(creditsMin)} credits, at most ${showCount(creditsMax)} when every ` +
      'attempt is billed.',
    creditsExpected === null
      ? 'This workflow has no past to tell what failures will cost.'
      : `Expected: ${showCount(creditsExpected)}, as the last ${showCount(measured.items)} items ` +
        `cost, failures and crashes included; ${priceWords(measured)}.`,
  ]
}
