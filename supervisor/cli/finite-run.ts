// A finite run, as `run` and `demo` have it: start the node, watch the run, stop the node, say how
// it ended. The database is the caller's.

import { hostname } from 'node:os'
import type { Settings } from '../../config/settings.js'
import { EXIT_CODES, FetchyardError } from '../../src/core/errors.js'
import { addStretch } from '../../src/store/run-details.js'
import type { WorkflowHandle } from '../../src/store/store.js'
import { totalOf, workflowCounters } from '../../src/telemetry/counters.js'
import type { OpenDatabase } from '../database.js'
import { FENCED_MEANS } from '../fence-reason.js'
import { type LoadedWorkflow, type RunningNode, startNode } from '../node.js'
import type { StopListener } from '../signals.js'
import { announceWeb } from './announce.js'
import { type Invocation, isUnderPm2 } from './command.js'
import { freePort } from './free-port.js'
import { showCount } from './progress.js'
import type { RunFeed } from './run-feed.js'
import { say } from './streams.js'
import { type Watched, watchRun } from './watch-run.js'

export interface FiniteRun {
  readonly invocation: Invocation
  readonly settings: Settings
  readonly database: OpenDatabase
  readonly workflow: LoadedWorkflow
  readonly handle: WorkflowHandle
  readonly runId: number
  readonly stop: StopListener
  readonly log: 'auto' | 'silent'
  /** Adds items while the run is worked, which is not over before it. @default all are there */
  readonly feed?: RunFeed
  /** Called once the node works; what it returns is called before the node is stopped. */
  readonly onStarted?: (node: RunningNode) => () => void
  /** Called when the run is done, while the node still runs. */
  readonly onDone?: (finished: FinishedRun, node: RunningNode) => Promise<void>
}

export interface FinishedRun extends Watched {
  /** Items that this node completed or discarded. */
  readonly finishedNow: number
  /** Share of its fetches that went over a connection that was open; null without fetches. */
  readonly reusedShare: number | null
}

function finished(watched: Watched, node: RunningNode, workflow: string): FinishedRun {
  const { settled, fetches, reusedFetches } = workflowCounters(node.telemetry.counters, workflow)
  const finishedNow = totalOf(settled.complete) + totalOf(settled.discard)
  return { ...watched, finishedNow, reusedShare: fetches === 0 ? null : reusedFetches / fetches }
}

/**
 * Works a run to its end.
 *
 * @throws {FetchyardError} INTERRUPTED, FENCED, WORKFLOW_PAUSED or BUDGET_SPENT when it ended
 * early; the same command continues it.
 */
export async function workRun(run: FiniteRun): Promise<FinishedRun> {
  const { invocation, database, workflow, runId, stop } = run
  const { streams, clock } = invocation
  const settings = await withFreePort(run)
  const node = await startNode({
    ...{ settings, database, workflows: [workflow], log: run.log, isUnscheduled: true },
  })
  const noteGone = await announceWeb(node, invocation)
  obeyStop(node, stop, invocation)
  const name = workflow.definition.name
  let pauseWords = ''
  node.events.subscribe((event) => {
    if (event.name === 'workflow.paused' && event.workflow === name) pauseWords = event.reason
  })
  const leave = run.onStarted?.(node)
  run.feed?.onFailed(() => node.stop('nothing more can be added'))
  try {
    const { sql } = database
    const isFed = () => run.feed?.isOpen() ?? false
    const watched = await watchRun({ node, sql, runId, workflow: name, streams, clock, isFed })
    leave?.()
    await keepStretch(run, watched, node)
    if (watched.end.cause === 'done') await run.onDone?.(finished(watched, node, name), node)
    const pause = watched.end.cause === 'paused' ? watched.end.reason : null
    if (watched.end.cause !== 'stopped') await stopNode(node, pause ?? 'the run is done')
    // Why it failed says more than that the node was stopped for it.
    await run.feed?.stop()
    refuseEarlyEnd(watched, { workflow: name, pauseWords, fencedWords: fencedWords(node) })
    return finished(watched, node, name)
  } catch (error) {
    leave?.()
    await stopNode(node, 'the command failed')
    throw error
  } finally {
    await noteGone()
  }
}

/** What is known now alone, for reports of the run; one that cannot be written is missing there. */
async function keepStretch(run: FiniteRun, watched: Watched, node: RunningNode): Promise<void> {
  const { database, runId, settings, workflow } = run
  const { counters } = node.telemetry
  const { fetches, reusedFetches } = workflowCounters(counters, workflow.definition.name)
  const { durationMs, slotUtilisation } = watched
  const slotShare = Math.min(1, slotUtilisation)
  const name = settings.nodeName ?? hostname()
  const stretch = { runId, node: name, durationMs, slotShare, fetches, reusedFetches }
  await addStretch(database.sql, stretch).catch(() => {})
}

async function stopNode(node: RunningNode, reason: string): Promise<void> {
  if (node.supervisor.state === 'running') node.stop(reason)
  await node.stopped
}

/** Says at once what a stop does, and what a second one would. */
export function obeyStop(node: RunningNode, stop: StopListener, invocation: Invocation): void {
  const { streams, settings } = invocation
  stop.onRequest(({ stage, trigger }) => {
    const loads = node.supervisor.loads()
    const inFlight = loads.reduce((sum, load) => sum + load.inFlight, 0)
    const upTo = `up to ${Math.ceil(settings.drainMs / 1_000)} s`
    const again = trigger === 'SIGINT' ? 'Ctrl-C again stops at once' : 'a second one stops at once'
    say(
      streams,
      stage === 'drain'
        ? `\n${trigger}: draining ${inFlight} in flight, ${upTo}; ${again}.`
        : `\n${trigger}: stopping at once; ${inFlight} in flight are given back.`,
    )
    node.stop(trigger)
  })
}

/** A finite run does not fail because another node has the usual port; it takes a free one. */
async function withFreePort({ invocation, settings }: FiniteRun): Promise<Settings> {
  const { origins } = invocation.configuration
  if (settings.port === null || origins.port !== 'default') return settings
  return { ...settings, port: await freePort({ host: settings.host, wished: settings.port }) }
}

/** Why a fenced node stopped, and what that means for whoever started it. */
export function fencedWords({ supervisor }: RunningNode): string {
  return `This node was fenced: ${supervisor.fencedWhy}. ${FENCED_MEANS}.`
}

const PAUSE_FIXES: ReadonlyMap<string, string> = new Map([
  [
    'restart_intensity',
    'Its workers die one after another: look at the log, at --memory and --heap',
  ],
  ['module_refused', 'Its workers cannot load the workflow: mend the module'],
  [
    'key_refused',
    'The upstream refuses the key: put the right one into FETCHYARD_UPSTREAM_KEY or ' +
      'SCRAPER_API_KEY, or for the places API into FETCHYARD_PLACES_KEY',
  ],
  ['request_refused', 'The upstream refuses what is asked of it: mend the options it names'],
  ['budget', 'The credits are used up: renew or raise the plan of the upstream'],
  [
    'login_refused',
    'The site refuses the login: mend FETCHYARD_SITE_USER, FETCHYARD_SITE_PASSWORD',
  ],
  ['site_refused', 'The site module cannot be used: mend it, or name another with --site'],
  ['disk_full', 'The disk of the documents is full: make room'],
  ['directory_refused', 'The directory of documents cannot be written to: see its permissions'],
  ['results_refused', 'The database refuses its results: compare its sinks with their tables'],
  ['failing', 'Attempt after attempt fails: `fetchyard status` repeats the words of the last one'],
])

function refuseEarlyEnd(
  { end, progress }: Watched,
  of: {
    readonly workflow: string
    readonly pauseWords: string
    readonly fencedWords: string
  },
): void {
  const { total, open } = progress
  const done = `${showCount(total - open)} of ${showCount(total)} items are done`
  const how = 'run the same command again to continue'
  if (end.cause === 'stopped') {
    throw new FetchyardError('INTERRUPTED', `Stopped: ${done}, none is lost; ${how}.`)
  }
  if (end.cause === 'fenced') {
    throw new FetchyardError('FENCED', `${of.fencedWords} ${done}.`)
  }
  if (end.cause === 'budget') {
    throw new FetchyardError(
      'BUDGET_SPENT',
      `The budget is spent: ${done}. See fetchyard spend; run the same command with a larger ` +
        '--budget, or without one, to continue.',
    )
  }
  if (end.cause === 'paused') {
    const fix = PAUSE_FIXES.get(end.reason) ?? `Resume it with fetchyard resume ${of.workflow}`
    throw new FetchyardError(
      'WORKFLOW_PAUSED',
      `${of.workflow} was paused (${of.pauseWords || end.reason}). ${fix}; then ${how}. ${done}.`,
    )
  }
}

/** The exit code of a run that ended well. PM2 would start a process again that ends with 0. */
export function finishedExit({ environment }: Invocation): number {
  return isUnderPm2(environment) ? EXIT_CODES.drained : EXIT_CODES.ok
}
