// The one HTTP server of a supervisor: dashboard, live channel, metrics, probes, figures as JSON.
//
// It listens on loopback unless told otherwise, and elsewhere only with a token that was given: who
// opens it to a network has to have chosen what keeps the network out. Health and readiness and the
// files of the page need no token; everything that holds data does.

import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { Clock } from '../../src/core/clock.js'
import { messageOf } from '../../src/core/errors.js'
import { LIMITS } from '../../src/core/limits.js'
import type { EventBus } from '../../src/telemetry/events.js'
import type { OperatorDesk } from '../operator-desk.js'
import type { SteeringDesk } from '../steering-desk.js'
import { Actions } from './actions.js'
import { chosenTokens, listenError, urlHost } from './address.js'
import type { Answer } from './answer.js'
import { loadAssets } from './assets.js'
import { FailurePageDoor, type FailureShelves } from './failure-page.js'
import type { CloseReason } from './frames.js'
import type { GateOptions } from './gate.js'
import { LiveChannel } from './live-channel.js'
import type { LiveSource } from './live-source.js'
import { Lookups } from './lookups.js'
import { PostDoor } from './post-door.js'
import { answerRequest, pathOf, type Reads, type RequestOptions, writeAnswer } from './requests.js'
import { Tickets } from './tickets.js'
import { upgrade } from './upgrade.js'
import { WEB_LIMITS } from './web-limits.js'

export type { LiveSource } from './live-source.js'
export { liveSourceOf } from './live-source.js'

export interface WebOptions {
  /** Address or name to listen on. Anything but loopback needs a token that is given. */
  readonly host: string
  /** Port to listen on; 0 takes any free one. */
  readonly port: number
  /** What clients must present; '' makes one up for this start. At least 16 characters. */
  readonly token: string
  /**
   * What orders need; `token` then only reads. '' or none: `token` gives orders as well.
   *
   * @default ''
   */
  readonly operatorToken?: string
  /** Carries out orders. @default null, takes none */
  readonly desk?: SteeringDesk | null
  /** Answers about items and events, and carries out orders to them. @default null */
  readonly operator?: OperatorDesk | null
  /** Pages of failures that are kept on this machine, by workflow. @default none */
  readonly failures?: FailureShelves
  /**
   * Names by which clients may address the server, beside `localhost`, `host` and addresses.
   * Others are refused: a web page could point a name of its own at this machine.
   *
   * @default []
   */
  readonly allowedHosts?: readonly string[]
  /** Clients of the live channel at once. @default LIMITS.liveClientsMax */
  readonly liveClientsMax?: number
  /** Time a client has to send its headers. Shorter for tests. @default 10_000 */
  readonly headersTimeoutMs?: number
  readonly source: LiveSource
  /** The product's version. */
  readonly version: string
  readonly clock: Clock
  readonly onEvent: EventBus['emit']
}

export interface Web {
  /** Address of the dashboard with the token in its fragment, which browsers send to nobody. */
  readonly url: string
  readonly port: number
  readonly token: string
  /** Says goodbye to live clients, ends all connections and frees the port. May be called twice. */
  readonly close: (reason: CloseReason) => Promise<void>
}

/**
 * Starts the server.
 *
 * @throws {FetchyardError} PORT_IN_USE when something listens there; CONFIG_INVALID when the host
 * or the token cannot be used.
 */
export async function startWeb(options: WebOptions): Promise<Web> {
  const tokens = chosenTokens(options)
  const { token } = tokens
  const allowedHosts = [options.host, ...(options.allowedHosts ?? [])]
  const gate: GateOptions = { ...tokens, allowedHosts }
  const channel = new LiveChannel(options)
  const { desk = null, operator = null, failures = new Map(), clock } = options
  const { liveClientsMax: clientsMax = LIMITS.liveClientsMax } = options
  const door = new PostDoor({ ...gate, clock })
  const tickets = new Tickets({ ...gate, clock })
  const server = createWebServer(
    {
      ...gate,
      source: options.source,
      wallMs: clock.wallMs,
      assets: await loadAssets(),
      reads: readsOf(desk, operator),
    },
    [
      new Actions({ ...gate, desk, clock, door }),
      new Lookups({ ...gate, operator, failures, clock, door }),
      new FailurePageDoor(failures, door),
      tickets,
    ],
    options.headersTimeoutMs ?? WEB_LIMITS.headersTimeoutMs,
  )
  server.maxConnections = clientsMax + WEB_LIMITS.plainConnectionsMax
  server.on('upgrade', (request, socket, head) => {
    upgrade({ request, socket, head, channel, tickets, gate, clientsMax })
  })
  const port = await listen(server, options)
  channel.start()
  let closing: Promise<void> | null = null
  return {
    port,
    token,
    url: `http://${urlHost(options.host)}:${port}/#token=${encodeURIComponent(token)}`,
    close: (reason) => {
      closing ??= closeAll(server, channel, reason)
      return closing
    },
  }
}

/** What is asked of the database by a GET, by its path. */
function readsOf(desk: SteeringDesk | null, operator: OperatorDesk | null): Reads {
  return new Map<string, () => Promise<object>>([
    ...(desk === null
      ? []
      : ([
          ['/api/rollout', shared(async () => ({ rollouts: await desk.rollouts() }))],
          ['/api/why', shared(async () => ({ verdicts: await desk.why() }))],
        ] as const)),
    ...(operator === null
      ? []
      : ([
          ['/api/status', shared(() => operator.status())],
          ['/api/loads', shared(async () => ({ loads: await operator.loads() }))],
          ['/api/pace', shared(async () => ({ minutes: await operator.pace() }))],
          ['/api/schedules', shared(async () => ({ schedules: await operator.schedules() }))],
          ['/api/housekeeping', shared(async () => ({ chores: await operator.chores() }))],
        ] as const)),
  ])
}

/** Who asks while an answer is under way gets that one: many readers cost no more than one. */
function shared<Answer>(ask: () => Promise<Answer>): () => Promise<Answer> {
  let underWay: Promise<Answer> | null = null
  return () => {
    underWay ??= ask().finally(() => {
      underWay = null
    })
    return underWay
  }
}

/** What takes POST. @returns null for a path that is another's. */
interface PostTaker {
  readonly answer: (
    request: IncomingMessage,
    path: string,
  ) => Promise<Answer | null> | Answer | null
}

async function answerPost(
  takers: readonly PostTaker[],
  request: IncomingMessage,
): Promise<Answer | null> {
  const path = pathOf(request.url)
  for (const taker of takers) {
    const answer = await taker.answer(request, path)
    if (answer !== null) return answer
  }
  return null
}

function createWebServer(
  options: RequestOptions,
  takers: readonly PostTaker[],
  headersTimeoutMs: number,
): Server {
  const server = createServer(
    {
      maxHeaderSize: WEB_LIMITS.headerBytesMax,
      headersTimeout: headersTimeoutMs,
      requestTimeout: WEB_LIMITS.requestTimeoutMs,
      keepAliveTimeout: WEB_LIMITS.keepAliveMs,
      connectionsCheckingInterval: headersTimeoutMs / 2,
    },
    (request, response) => {
      // What cannot be answered is a bug; it costs the caller its answer and nobody else anything.
      answerPost(takers, request)
        .then((answer) => answer ?? answerRequest(request, options))
        .catch((error: unknown) => failure(error))
        .then((answer) => writeAnswer(request, response, answer))
        .catch(() => response.destroy())
    },
  )
  server.maxRequestsPerSocket = WEB_LIMITS.requestsPerConnectionMax
  return server
}

function failure(error: unknown) {
  const body = `The answer could not be made: ${messageOf(error)}\n`
  return { status: 500, contentType: 'text/plain; charset=utf-8', body }
}

function listen(server: Server, { host, port }: WebOptions): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) => reject(listenError(error, host, port)))
    server.listen({ host: host.replace(/^\[|\]$/g, ''), port }, () => {
      server.removeAllListeners('error')
      // A connection that cannot be accepted (no file descriptor left) must not end the supervisor.
      server.on('error', () => {})
      const address = server.address()
      resolve(typeof address === 'object' && address !== null ? address.port : port)
    })
  })
}

async function closeAll(server: Server, channel: LiveChannel, reason: CloseReason): Promise<void> {
  const closed = new Promise<void>((resolve) => {
    server.close(() => resolve())
  })
  await channel.close(reason)
  server.closeAllConnections()
  await closed
}
