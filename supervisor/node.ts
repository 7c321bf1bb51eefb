// A running node: database, supervisor, telemetry and web, put together. The commands `demo`, `run`
// and `up` differ in what they do with one.

import type { Settings } from '../config/settings.js'
import { systemClock } from '../src/core/clock.js'
import type { RefusedWorkflow } from '../src/core/figures.js'
import { systemRandom } from '../src/core/random.js'
import { createAlertStore } from '../src/store/alerts.js'
import { audit } from '../src/store/audit.js'
import type { Sql } from '../src/store/client.js'
import { createOperatorStore } from '../src/store/operator-store.js'
import { createStore } from '../src/store/store.js'
import type { EventBus } from '../src/telemetry/events.js'
import { createEventBus } from '../src/telemetry/events.js'
import { createLogger, createLogSubscriber } from '../src/telemetry/log.js'
import type { Telemetry } from '../src/telemetry/telemetry.js'
import { startTelemetry } from '../src/telemetry/telemetry.js'
import type { DeclaredWorkflow } from '../src/workflow/define.js'
import { createAlerting } from './alerting.js'
import type { OpenDatabase } from './database.js'
import { failureShelvesOf } from './documents/failure-shelves.js'
import { AUDIT_PACE, createFiguresReader, FIGURES_PACE, REPORTS_PACE } from './figures-reader.js'
import { createEventReader } from './heard-events.js'
import { createNodeIdentity, isProcessDead } from './node-identity.js'
import { readHeard, reportJson } from './node-reports.js'
import { createOperatorDesk, type OperatorDesk } from './operator-desk.js'
import { createProcessTransport } from './process-transport.js'
import { createSteeringDesk, type SteeringDesk } from './steering-desk.js'
import type { StopReason } from './supervisor.js'
import { Supervisor } from './supervisor.js'
import { createThreadTransport } from './thread-transport.js'
import { type Accounts, createAccounts } from './upstream/accounts.js'
import { version } from './version.js'
import type { FailureShelves } from './web/failure-page.js'
import type { Web } from './web/web.js'
import { liveSourceOf, startWeb } from './web/web.js'
import { keepOf, planOf, serviceOptionsOf } from './workflow-options.js'

/** A workflow whose module was loaded and validated. */
export interface LoadedWorkflow {
  readonly definition: DeclaredWorkflow
  /** URL from which workers import the definition. */
  readonly moduleUrl: string
  /** Settings of this workflow that differ from the node's. */
  readonly overrides?: Partial<Settings>
  /** The file that declares it, when that is not its module. */
  readonly origin?: { readonly path: string }
  /** Looks, before anything is worked, whether the database is as the workflow needs it. */
  readonly prepare?: (sql: Sql) => Promise<void>
}

export interface NodeRequest {
  readonly settings: Settings
  readonly database: OpenDatabase
  readonly workflows: readonly LoadedWorkflow[]
  /** Works scheduled workflows at any time, as a run does. @default false */
  readonly isUnscheduled?: boolean
  /** Workflows that were asked for and refused, for whoever reads the status. @default none */
  readonly refused?: readonly RefusedWorkflow[]
  /** 'silent' while a command draws progress on the terminal. */
  readonly log: 'auto' | 'silent'
  /** Shorter for tests. @default 30 s, and 10 s for heartbeats */
  readonly silence?: Silence
}

/** Silence after which a connection is given up, and its statement sent again on another. */
export interface Silence {
  readonly statementMs: number
  readonly heartbeatMs: number
}

export interface RunningNode {
  readonly supervisor: Supervisor
  readonly events: EventBus
  readonly telemetry: Telemetry
  /** What is known of the accounts of proxy APIs. */
  readonly accounts: Accounts
  /** Address of the dashboard with its token; null when it is off. */
  readonly dashboardUrl: string | null
  /** Drains at the first call, halts at the second. */
  readonly stop: (reason: string) => void
  /** Resolves when the supervisor, the web and all timers have ended; the database stays open. */
  readonly stopped: Promise<StopReason>
}

/** Share of the lease by which trust ends before the database's expiry. */
const SAFETY_SHARE = 6
/** Connections that are not the supervisor's work: heartbeats, and figures for whoever watches. */
const POOL_RESERVED = 2
/** A lease and a settle should not have to wait for each other. */
const WORK_POOL_MIN = 2
const SILENCE: Silence = { statementMs: 30_000, heartbeatMs: 10_000 }

/** Starts a node. When it rejects, everything it had started has ended. */
export async function startNode(request: NodeRequest): Promise<RunningNode> {
  const { settings, database, silence = SILENCE } = request
  const pool = database.openPool({
    max: Math.max(WORK_POOL_MIN, settings.poolMax - POOL_RESERVED),
    silenceMs: silence.statementMs,
  })
  const store = createStore(pool, database.openPool({ max: 1, silenceMs: silence.heartbeatMs }))
  const plans = Object.fromEntries(
    request.workflows.map(({ definition: { name }, overrides }) => [
      name,
      planOf(name, { ...settings, ...overrides }),
    ]),
  )
  const { refused = [] } = request
  const identity = { ...(await createNodeIdentity(settings.nodeName)), plans, refused }
  const events = createEventBus()
  const telemetry = startTelemetry({ bus: events, clock: systemClock, version })
  if (request.log !== 'silent') attachLog(events, settings, identity.name)
  const desk = createSteeringDesk(store, events.emit, identity.nodeId)
  const epoch = identity.nodeId
  showOrders(events, () => desk.rollouts().then(telemetry.live.setRollouts))
  // On the pool of whoever asks: what people look for must not keep the work waiting.
  const operator = createOperatorDesk({
    store: createOperatorStore(database.sql),
    nowMs: systemClock.nowMs,
  })
  const failures = failureShelvesOf(settings, request.workflows)
  const parts = { events, telemetry, epoch, desk, operator, failures }
  const web = await openWeb(settings, parts).catch((error: unknown) => {
    telemetry.stop()
    throw error
  })
  const accounts = createAccounts(
    request.workflows.map(({ definition, overrides }) => ({
      workflow: definition.name,
      settings: { ...settings, ...overrides },
    })),
    { clock: systemClock, events },
  )
  const supervisor = new Supervisor({
    planLimit: accounts.planLimit,
    identity,
    store,
    clock: systemClock,
    random: systemRandom,
    events,
    transports: { process: createProcessTransport(), thread: createThreadTransport() },
    isProcessDead,
    timing: {
      intervalMs: settings.heartbeatMs,
      leaseMs: settings.leaseMs,
      safetyMarginMs: Math.floor(settings.leaseMs / SAFETY_SHARE),
    },
    sweepMs: settings.sweepMs,
    drainMs: settings.drainMs,
    report: () => reportJson(telemetry.live.report(), settings.leaseMs),
    keep: keepOf(settings),
    workflows: request.workflows.map(({ definition, moduleUrl, overrides }) => {
      const own = { ...settings, ...overrides }
      const schedule = request.isUnscheduled === true ? undefined : (definition.schedule ?? null)
      const options = serviceOptionsOf(own, { name: definition.name, moduleUrl })
      return { definition: { ...definition, schedule }, options, rollout: own.rollout }
    }),
  })
  telemetry.live.setLaneHolds(() => supervisor.lanes())
  const alerting = createAlerting(settings, {
    store: createAlertStore(pool),
    nodeId: identity.nodeId,
    ...{ version, events, clock: systemClock, random: systemRandom },
  })
  const readers = [
    createFiguresReader({
      clock: systemClock,
      pace: REPORTS_PACE,
      read: () => readHeard(pool, identity.nodeId),
      onFigures: telemetry.live.setHeard,
    }),
    createFiguresReader({
      clock: systemClock,
      pace: REPORTS_PACE,
      read: createEventReader(pool, identity.nodeId),
      onFigures: telemetry.live.setHeardEvents,
    }),
    createFiguresReader({
      clock: systemClock,
      pace: FIGURES_PACE,
      read: store.readFigures,
      onFigures: telemetry.live.setFigures,
    }),
    createFiguresReader({
      clock: systemClock,
      pace: FIGURES_PACE,
      read: desk.rollouts,
      onFigures: telemetry.live.setRollouts,
    }),
    createFiguresReader({
      clock: systemClock,
      pace: AUDIT_PACE,
      read: () => audit(database.sql),
      onFigures: telemetry.live.setAudit,
    }),
  ]
  const end = async () => {
    // Not waited for: an audit of a large queue would hold up the end, and nobody needs its answer.
    for (const reader of readers) void reader.stop()
    await Promise.all([accounts.stop(), alerting.stop()])
    telemetry.stop()
    await web?.close('restart')
  }
  // Before the first call: what the plan allows should be known when calls begin.
  accounts.start()
  try {
    await supervisor.start()
  } catch (error) {
    supervisor.stop('it could not start')
    await supervisor.stopped
    await end()
    throw error
  }
  for (const reader of readers) reader.start()
  alerting.start()
  return {
    supervisor,
    events,
    telemetry,
    accounts,
    dashboardUrl: web?.url ?? null,
    stop: (reason) => supervisor.stop(reason),
    stopped: supervisor.stopped.then(async (reason) => {
      await end()
      return reason
    }),
  }
}

/** Who has given an order sees what holds at once, not at the next reading, which a load delays. */
function showOrders(events: EventBus, show: () => Promise<void>): void {
  events.subscribe(({ name }) => {
    const isOrder =
      name === 'workflow.steered' || name === 'workflow.paused' || name === 'workflow.resumed'
    // A reading that fails is followed by others.
    if (isOrder) void show().catch(() => {})
  })
}

function attachLog(events: EventBus, settings: Settings, node: string): void {
  const logger = createLogger({
    level: settings.logLevel,
    format: settings.logFormat,
    base: { node, pid: process.pid },
  })
  events.subscribe(createLogSubscriber(logger))
}

async function openWeb(
  settings: Settings,
  parts: {
    readonly events: EventBus
    readonly telemetry: Telemetry
    readonly epoch: string
    readonly desk: SteeringDesk
    readonly operator: OperatorDesk
    readonly failures: FailureShelves
  },
): Promise<Web | null> {
  if (settings.port === null) return null
  return startWeb({
    host: settings.host,
    port: settings.port,
    allowedHosts: settings.allowHosts,
    liveClientsMax: settings.liveClients,
    token: settings.token ?? '',
    operatorToken: settings.operatorToken ?? '',
    desk: parts.desk,
    operator: parts.operator,
    failures: parts.failures,
    source: liveSourceOf(parts.telemetry, parts.epoch),
    version,
    clock: systemClock,
    onEvent: parts.events.emit,
  })
}
