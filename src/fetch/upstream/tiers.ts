// One upstream made of several, cheapest first, with what was learned about each host.

import { LIMITS } from '../../core/limits.js'
import type { AddressGuard } from '../address-guard.js'
import { FetchFailure } from '../failure.js'
import { isGatewayFailure } from './answer.js'
import { DIRECT } from './direct.js'
import { checkRemoteTarget } from './remote-target.js'
import {
  chooseTier,
  type HostTier,
  NEW_HOST,
  onTierEnd,
  type TierChoice,
  type TierEnd,
  tierEndOf,
} from './tier-plan.js'
import type { Route, Upstream } from './upstream.js'

/** What is known of hosts; the one not used for longest is forgotten first. */
class HostBook {
  readonly #hosts = new Map<string, HostTier>()
  readonly #tiers: number

  constructor(tiers: number) {
    this.#tiers = tiers
  }

  /** Decides and notes it, in one step: a probe is given to one call alone. */
  begin(host: string): TierChoice {
    const known = this.#hosts.get(host) ?? NEW_HOST
    const choice = chooseTier(known)
    this.#keep(host, choice.isProbe ? { ...known, isProbed: true } : known)
    return choice
  }

  end(host: string, choice: TierChoice, end: TierEnd): void {
    const known = this.#hosts.get(host)
    if (known === undefined) return
    this.#keep(host, onTierEnd(known, choice, { end, tiers: this.#tiers }))
  }

  #keep(host: string, tier: HostTier): void {
    this.#hosts.delete(host)
    this.#hosts.set(host, tier)
    const [oldest] = this.#hosts.keys()
    if (this.#hosts.size > LIMITS.hostsRememberedMax && oldest !== undefined) {
      this.#hosts.delete(oldest)
    }
  }
}

/** @param tiers at least one, cheapest first; all draw on the same pool of sockets. */
export function createTiers(tiers: readonly [Upstream, ...Upstream[]], guard: AddressGuard) {
  const book = new HostBook(tiers.length)
  const [first] = tiers
  const upstream: Upstream = {
    unboundedHosts: new Set(tiers.flatMap((tier) => [...tier.unboundedHosts])),
    refusalBytesMax: Math.max(...tiers.map((tier) => tier.refusalBytesMax)),
    routesTo: (target) => {
      // A page may go to the API later: what may not go there is refused on every tier.
      checkRemoteTarget(target, guard)
      const host = target.hostname
      const choice = book.begin(host)
      const way = tiers[choice.tier] ?? first
      const teller: Teller = {
        isDirect: way === DIRECT,
        note: (end) => book.end(host, choice, end),
      }
      try {
        const routes = way.routesTo(target)
        return {
          next: async (abortSignal) => {
            try {
              return noted(await routes.next(abortSignal), teller)
            } catch (error) {
              teller.note('neutral')
              throw error
            }
          },
        }
      } catch (error) {
        teller.note('neutral')
        throw error
      }
    },
  }
  return upstream
}

interface Teller {
  readonly isDirect: boolean
  readonly note: (end: TierEnd) => void
}

/** The same route, whose end is noted for its host: by the first who knows it, once. */
function noted(route: Route, { isDirect, note: tell }: Teller): Route {
  let isNoted = false
  const note = (end: TierEnd) => {
    if (!isNoted) tell(end)
    isNoted = true
  }
  const endOf = (error: unknown) =>
    error instanceof FetchFailure ? tierEndOf(error.code, isDirect) : 'neutral'
  return {
    ...route,
    ended: (end) => {
      const verdict = route.ended(end)
      // With a response the judge decides; what goes elsewhere has not ended.
      if (verdict === 'elsewhere' || end.error === null) return verdict
      note(endOf(end.error))
      return verdict
    },
    judge: (answer) => {
      try {
        const head = route.judge(answer)
        // Where a redirect leads is another host's matter, or the next call's.
        note(head instanceof URL ? 'neutral' : 'good')
        return head
      } catch (error) {
        const isSick = !isDirect && isGatewayFailure(answer.status)
        note(isSick ? 'neutral' : endOf(error))
        throw error
      }
    },
  }
}
