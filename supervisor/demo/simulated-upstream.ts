// The proxy API of a demo: the simulator, with a plan, on a day of its own. It costs nothing, and
// keeps its own count, which the report is held against.

import type { Settings } from '../../config/settings.js'
import type { Sql } from '../../src/store/client.js'
import { readSpent, type SpendKind } from '../../src/store/money.js'
import type { EventBus } from '../../src/telemetry/events.js'
import { type ProxyApi, startProxyApi } from './proxy-api/proxy-api.js'

/** What the report says of money: our books beside the API's. */
export interface BillingFigures {
  /** Credits booked by this command, by what became of the calls. */
  readonly booked: {
    readonly [kind in SpendKind]: number
  } & {
    /** Of what is booked for calls that ended: bounds, where nobody knows what was charged. */
    readonly unsure: number
  }
  /** What the API counts by itself. */
  readonly billed: number
  /** Of that, for calls whose caller had hung up: killed, or out of patience. */
  readonly billedUnheard: number
  readonly calls: number
  readonly refused: number
  readonly inFlightMax: number
  readonly plan: number
  /**
   * Whether both agree: what was booked was billed, and what was billed was booked, but for calls
   * whose answer nobody heard. One whose worker was killed is booked at the most it may cost.
   */
  readonly isAgreed: boolean
}

/** Demo's key: it opens nothing but the simulator. */
export const SIMULATED_KEY = 'demo-key'
const PLAN = 40
/** In the middle third of the pages somebody else uses half of the plan. */
const PLAN_SHARED = 20
/** 70 s become 3.5 s: within the demo's time for one fetch. */
const TIME_SCALE = 0.05
const FAIL_PER_MILLE = 20

export interface SimulatedUpstream {
  /** What a node needs to go through it. */
  readonly settings: Pick<Settings, 'upstream' | 'upstreamKey' | 'upstreamEndpoints'>
  /** Remembers what was booked before. */
  readonly open: (sql: Sql, workflowId: number) => Promise<void>
  /** Lets the plan shrink and grow as the pages end. @returns the function that ends it. */
  readonly follow: (events: EventBus, pages: number) => () => void
  /** Our books beside the API's, once no call is under way. */
  readonly billing: (sql: Sql, workflowId: number) => Promise<BillingFigures>
  readonly close: () => Promise<void>
}

type Booked = BillingFigures['booked']

async function readBooked(sql: Sql, workflowId: number): Promise<Booked> {
  const spent = await readSpent(sql, { workflowId, since: 'ever' })
  const of = (kind: SpendKind) => spent.find((own) => own.kind === kind)?.credits ?? 0
  const ended = spent.filter((own) => own.kind !== 'crashed')
  const unsure = ended.reduce((sum, own) => sum + own.unsure, 0)
  return { useful: of('useful'), failed: of('failed'), crashed: of('crashed'), unsure }
}

/** Exported for its test. */
export function billingOf(
  before: Booked,
  after: Booked,
  counts: ReturnType<ProxyApi['counts']>,
): BillingFigures {
  const booked = {
    useful: after.useful - before.useful,
    failed: after.failed - before.failed,
    crashed: after.crashed - before.crashed,
    unsure: after.unsure - before.unsure,
  }
  const known = booked.useful + booked.failed
  const { credits: billed, hungUpCredits: billedUnheard, calls, inFlightMax } = counts
  const isAgreed =
    known - booked.unsure <= billed && billed - billedUnheard <= known + booked.crashed
  const { limit: refused } = counts.refused
  return { booked, billed, billedUnheard, calls, refused, inFlightMax, plan: PLAN, isAgreed }
}

export async function startSimulatedUpstream(): Promise<SimulatedUpstream> {
  const api = await startProxyApi({
    key: SIMULATED_KEY,
    limit: PLAN,
    timeScale: TIME_SCALE,
    faults: { failPerMille: FAIL_PER_MILLE },
  })
  let before: Booked = { useful: 0, failed: 0, crashed: 0, unsure: 0 }
  return {
    settings: {
      upstream: 'proxy-api',
      upstreamKey: api.key,
      upstreamEndpoints: api.endpoints,
    },
    open: async (sql, workflowId) => {
      before = await readBooked(sql, workflowId)
    },
    follow: (events, pages) => {
      let ended = 0
      return events.subscribe((event) => {
        if (event.name !== 'item.settled') return
        if (event.state !== 'complete' && event.state !== 'discard') return
        ended += 1
        const isShared = ended >= pages / 3 && ended < (2 * pages) / 3
        api.setLimit(isShared ? PLAN_SHARED : PLAN)
      })
    },
    billing: async (sql, workflowId) => {
      await api.settled()
      return billingOf(before, await readBooked(sql, workflowId), api.counts())
    },
    close: api.close,
  }
}
