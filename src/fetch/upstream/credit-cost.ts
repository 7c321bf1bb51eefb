// What a call costs. The API names the cost in a header; the table is for answers that do not.

import { getDomainWithoutSuffix } from 'tldts'
import type { ProxyApiOptions } from '../../core/upstream-options.js'

/** Sites that cost more than others, by the name before their public suffix. */
const SITE_COSTS: ReadonlyMap<string, number> = new Map([
  ['amazon', 5],
  ['google', 25],
  ['bing', 25],
  ['linkedin', 30],
])

const FEATURE_COSTS = {
  off: { plain: 1, rendered: 10 },
  on: { plain: 10, rendered: 25 },
  ultra: { plain: 30, rendered: 75 },
} as const

type Priced = Pick<ProxyApiOptions, 'isRendered' | 'premium'>

/**
 * Credits for one billed call, by the published table: the dearer of what the site and what the
 * parameters cost. Bypasses of bot walls, which the API adds as it meets them, are not in it.
 */
export function estimateCost(target: URL, { isRendered, premium }: Priced): number {
  const features = FEATURE_COSTS[premium]
  return Math.max(siteCost(target.hostname), isRendered ? features.rendered : features.plain)
}

function siteCost(hostname: string): number {
  return SITE_COSTS.get(getDomainWithoutSuffix(hostname) ?? '') ?? 1
}

/** Whether a call that was answered with this status is charged. */
export function isBilled(status: number): boolean {
  return (status >= 200 && status < 300) || status === 404
}

/** Credits of an answered call: by the API's own word, else by the table. */
export function creditsOfAnswer(
  answer: { readonly status: number; readonly costHeader: string | undefined },
  target: URL,
  options: Priced,
): number {
  const named = answer.costHeader?.trim() ?? ''
  if (/^\d{1,9}$/.test(named)) return Number(named)
  return isBilled(answer.status) ? estimateCost(target, options) : 0
}
