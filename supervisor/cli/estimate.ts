// What a run would cost, before it is started.

import type { Sql } from '../../src/store/client.js'
import { readSpent } from '../../src/store/money.js'
import { findWorkflow } from '../../src/store/workflows.js'
import type { Input } from './input.js'
import { readInput } from './input.js'
import { showCount } from './progress.js'

export interface Estimate {
  /** URLs of the input that can be worked, each counted once. */
  readonly items: number
  readonly creditsPerCall: number
  /** Credits if every item is completed at its first call. */
  readonly creditsMin: number
  /** With the billed failures and crashes that the workflow has had so far; null without a past. */
  readonly creditsExpected: number | null
  /** Credits if every attempt is billed. */
  readonly creditsMax: number
}

export interface EstimateRequest {
  readonly sql: Sql
  readonly workflow: string
  readonly input: Input
  readonly creditsPerCall: number
  readonly attempts: number
}

/** URLs remembered to count each once; beyond it repeated ones are counted again. */
const REMEMBERED_MAX = 2_000_000

async function countItems(input: Input): Promise<number> {
  const seen = new Set<string>()
  let beyond = 0
  for await (const slice of readInput(input)) {
    for (const { url } of slice) {
      if (url === undefined) continue
      if (seen.size < REMEMBERED_MAX) seen.add(url)
      else if (!seen.has(url)) beyond += 1
    }
  }
  return seen.size + beyond
}

export async function estimate(request: EstimateRequest): Promise<Estimate> {
  const { sql, workflow, creditsPerCall, attempts } = request
  const items = await countItems(request.input)
  const row = await findWorkflow(sql, workflow)
  const past =
    row === null ? [] : await readSpent(sql, { workflowId: row.workflowId, since: 'ever' })
  const useful = past.find(({ kind }) => kind === 'useful')
  const all = past.reduce((sum, { credits }) => sum + credits, 0)
  return {
    items,
    creditsPerCall,
    creditsMin: items * creditsPerCall,
    creditsExpected: useful === undefined ? null : Math.round((items * all) / useful.calls),
    creditsMax: items * creditsPerCall * attempts,
  }
}

export function estimateLines(given: Estimate): readonly string[] {
  const { items, creditsPerCall, creditsMin, creditsExpected, creditsMax } = given
  return [
    `${showCount(items)} items, ${creditsPerCall} credits a call.`,
    `At least ${showCount(creditsMin)} credits, at most ${showCount(creditsMax)} when every ` +
      'attempt is billed.',
    creditsExpected === null
      ? 'This workflow has no past to tell what failures will cost.'
      : `By what its calls have cost so far: ${showCount(creditsExpected)}.`,
  ]
}
