// Which of several ways, cheapest first, a host's pages are fetched by. Pure.
//
// A host starts at the cheapest. One that refuses us goes up a tier at once, one whose pages fail
// goes up after a few in a row; where pages come, it stays. Now and then one call tries the tier
// below, and less often each time that is in vain.

import type { OutcomeCode } from '../../core/outcome.js'

export interface HostTier {
  /** Index of the tier by which its pages are fetched now. */
  readonly tier: number
  /** Failures in a row there. */
  readonly failures: number
  /** Pages had there since the tier below was tried. */
  readonly pages: number
  /** Pages to have before the tier below is tried again. */
  readonly probeAfter: number
  /** A call to the tier below is under way. */
  readonly isProbed: boolean
}

const FAILURES_MAX = 2
const PROBE_AFTER = { min: 50, max: 1_600 } as const

export const NEW_HOST: HostTier = {
  tier: 0,
  failures: 0,
  pages: 0,
  probeAfter: PROBE_AFTER.min,
  isProbed: false,
}

export interface TierChoice {
  readonly tier: number
  readonly isProbe: boolean
}

/** The tier of the host's next call. */
export function chooseTier(host: HostTier): TierChoice {
  const isProbe = host.tier > 0 && host.pages >= host.probeAfter && !host.isProbed
  return { tier: isProbe ? host.tier - 1 : host.tier, isProbe }
}

/** What a call says about its tier: it works, the host refuses it, it failed, or nothing. */
export type TierEnd = 'good' | 'refused' | 'failed' | 'neutral'

/** Failures of a site that somebody else may be spared. */
const FAILED: ReadonlySet<OutcomeCode> = new Set([
  'connect',
  'tls',
  'timeout_connect',
  'timeout_headers',
  'timeout_body',
  'timeout_total',
  'reset',
  'truncated',
  'http_5xx',
])

/**
 * What an outcome says about a tier. A page that is not there was looked for all the same. Of the
 * API only its word that the page could not be had counts: when the API itself is sick, a dearer
 * call is no cure.
 */
export function tierEndOf(code: OutcomeCode, isDirect: boolean): TierEnd {
  if (code === 'ok' || code === 'http_4xx') return 'good'
  if (code === 'blocked') return 'refused'
  const isFailure = isDirect ? FAILED.has(code) : code === 'http_5xx'
  return isFailure ? 'failed' : 'neutral'
}

/** The host after a call of it ended. `tiers` is how many there are. */
export function onTierEnd(
  host: HostTier,
  call: TierChoice,
  end: { readonly end: TierEnd; readonly tiers: number },
): HostTier {
  if (call.isProbe) return onProbeEnd(host, call, end.end)
  // A call that began before the host changed its tier says nothing about the new one.
  if (end.end === 'neutral' || call.tier !== host.tier) return host
  if (end.end === 'good') return { ...host, failures: 0, pages: host.pages + 1 }
  const failures = host.failures + 1
  const isEnough = end.end === 'refused' || failures >= FAILURES_MAX
  if (!isEnough || host.tier + 1 >= end.tiers) return { ...host, failures }
  return { ...host, tier: host.tier + 1, failures: 0, pages: 0 }
}

function onProbeEnd(host: HostTier, call: TierChoice, end: TierEnd): HostTier {
  const isMeant = call.tier === host.tier - 1
  if (!isMeant || end === 'neutral') return { ...host, isProbed: false }
  if (end === 'good') return { ...NEW_HOST, tier: call.tier }
  const probeAfter = Math.min(PROBE_AFTER.max, host.probeAfter * 2)
  return { ...host, pages: 0, probeAfter, isProbed: false }
}
