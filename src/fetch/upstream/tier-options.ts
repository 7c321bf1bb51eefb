// What each tier asks of the API, and what that costs.

import type { PremiumLevel, Tier } from '../../core/upstream-options.js'
import { TIERS } from '../../core/upstream-options.js'
import { estimateCost } from './credit-cost.js'

interface TierOptions {
  readonly isRendered: boolean
  readonly premium: PremiumLevel
}

/** What it does not name is as the options have it. */
export const TIER_OPTIONS: Readonly<Record<Exclude<Tier, 'direct'>, TierOptions>> = {
  flat: { isRendered: false, premium: 'off' },
  render: { isRendered: true, premium: 'off' },
  premium: { isRendered: true, premium: 'on' },
  ultra: { isRendered: true, premium: 'ultra' },
}

/** A site of no special price. */
export const ANY_SITE = new URL('https://site.invalid/')

/** Credits of a call; without a site, to one of no special price. */
export function tierPrice(tier: Tier, site = ANY_SITE): number {
  return tier === 'direct' ? 0 : estimateCost(site, TIER_OPTIONS[tier])
}

/** The tier whose calls cost so much; null for prices of special sites. */
export function tierOfPrice(credits: number): Tier | null {
  return TIERS.find((tier) => tierPrice(tier) === credits) ?? null
}
