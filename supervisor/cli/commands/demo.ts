import { join } from 'node:path'
import type { Settings } from '../../../config/settings.js'
import { FetchyardError } from '../../../src/core/errors.js'
import { systemRandom } from '../../../src/core/random.js'
import { findRun } from '../../../src/store/results.js'
import type { Run } from '../../../src/store/runs.js'
import { openRun, readRunProgress } from '../../../src/store/runs.js'
import type { WorkflowHandle } from '../../../src/store/store.js'
import type { OpenDatabase } from '../../database.js'
import { startChaos } from '../../demo/chaos.js'
import { type DemoMemory, readDemoMemory, writeDemoMemory } from '../../demo/memory.js'
import {
  SIMULATED_KEY,
  type SimulatedUpstream,
  startSimulatedUpstream,
} from '../../demo/simulated-upstream.js'
import { type DemoSite, startDemoSite } from '../../demo/site/demo-site.js'
import type { LoadedWorkflow, RunningNode } from '../../node.js'
import { listenForStop, type StopListener } from '../../signals.js'
import { loadWorkflow } from '../../workflows.js'
import { type Command, type Invocation, isGiven, textGiven } from '../command.js'
import { demoTruth } from '../demo-truth.js'
import { feed } from '../feed.js'
import { type FinishedRun, finishedExit, workRun } from '../finite-run.js'
import { makeReport } from '../make-report.js'
import { showCount } from '../progress.js'
import type { RunReport } from '../report.js'
import { databaseRequest, installWorkflow, withDatabase } from '../session.js'
import { say } from '../streams.js'
import { printReport } from './run.js'

const SITES_DEFAULT = 500
const SITES_MAX = 5_000
const WORKFLOW = 'contacts'

export const demoCommand: Command = {
  syntax: 'demo',
  summary: 'See it work: a local site on a bad day, an embedded database, nothing else',
  examples: [
    ['fetchyard demo', 'about 1 000 pages'],
    ['fetchyard demo --chaos', 'the same, with a worker killed every second'],
    ['fetchyard demo --sites 50 --keep-open', 'a short one; the dashboard stays until Ctrl-C'],
    [
      'fetchyard demo --upstream proxy-api',
      'through a simulated proxy API with a plan, 429s and credits',
    ],
  ],
  groups: ['database', 'node', 'work', 'fetch', 'politeness', 'upstream', 'web'],
  flags: {
    sites: { type: 'text', sentence: `Sites of two pages each, 1 to ${SITES_MAX}` },
    chaos: { type: 'switch', sentence: 'Kill a random worker with SIGKILL every second' },
    'keep-open': {
      type: 'switch',
      sentence: 'Keep the dashboard open after the end, until Ctrl-C',
    },
    json: { type: 'switch', sentence: 'Print the report as JSON' },
  },
  preferences: {
    concurrency: 50,
    // Most of its pages are on one host, which is ours.
    socketsPerHost: 50,
    executor: 'both',
    processes: 2,
    threads: 2,
    backoffMs: 200,
    backoffMaxMs: 2_000,
    totalTimeoutMs: 5_000,
    itemTimeoutMs: 20_000,
    allowRanges: ['127.0.0.0/8', '::1/128'],
    // Its sites are ours.
    robots: 'ignore',
    upstreamKey: SIMULATED_KEY,
    logLevel: 'warn',
  },
  // A demo touches neither a database that somebody uses nor an account that somebody pays for.
  ignoredEnvironment: [
    'DATABASE_URL',
    'FETCHYARD_DATABASE_URL',
    'SCRAPER_API_KEY',
    'FETCHYARD_UPSTREAM_KEY',
  ],
  run: runDemo,
}

interface Demo {
  readonly invocation: Invocation
  readonly dataDir: string
  readonly database: OpenDatabase
  readonly workflow: LoadedWorkflow
  readonly handle: WorkflowHandle
  readonly stop: StopListener
  /** null: the demo's site is asked directly. */
  readonly upstream: SimulatedUpstream | null
}

async function runDemo(given: Invocation): Promise<number> {
  const dataDir = join(given.settings.dataDir, 'demo')
  const sites = sitesGiven(given)
  const upstream = isSimulated(given) ? await startSimulatedUpstream() : null
  const own = { databaseUrl: null, alertWebhook: null, dataDir, ...(upstream?.settings ?? DIRECT) }
  const isPatient = upstream !== null && given.configuration.origins.totalTimeoutMs === 'default'
  const patience = isPatient ? { totalTimeoutMs: SIMULATED_PATIENCE_MS } : {}
  const settings: Settings = { ...given.settings, ...own, ...patience }
  const invocation = { ...given, settings }
  const stop = listenForStop({ source: invocation.signals, clock: invocation.clock })
  try {
    const request = databaseRequest(invocation, { purpose: 'demo', exclusive: true })
    say(invocation.streams, `Starting the demo; its database is in ${request.dataDir}.`)
    const report = await withDatabase(request, async (database) => {
      const workflow = await loadWorkflow(WORKFLOW, invocation.cwd)
      const handle = await installWorkflow(database.sql, workflow)
      const parts = {
        invocation,
        dataDir: request.dataDir,
        database,
        workflow,
        handle,
        stop,
        upstream,
      }
      await upstream?.open(database.sql, handle.workflowId)
      return workDemo(parts, sites)
    })
    if (!isGiven(invocation, 'keep-open')) await printReport(invocation, report)
    sayNext(invocation, dataDir)
    return finishedExit(invocation)
  } finally {
    stop.close()
    await upstream?.close()
  }
}

/** Longer than the API's own: a call that is given up is paid all the same. */
const SIMULATED_PATIENCE_MS = 10_000
const DIRECT = { upstream: 'direct' } as const

/** Only when this command line asks for it: a file that names an API means the real one. */
function isSimulated({ settings, configuration }: Invocation): boolean {
  return settings.upstream === 'proxy-api' && configuration.origins.upstream === '--upstream'
}

function sitesGiven(invocation: Invocation): number | null {
  const text = textGiven(invocation, 'sites')
  if (text === null) return null
  const sites = Number(text)
  if (Number.isInteger(sites) && sites >= 1 && sites <= SITES_MAX) return sites
  throw new FetchyardError(
    'USAGE',
    `Expected --sites to be a whole number from 1 to ${SITES_MAX}, got ${text}.`,
  )
}

async function workDemo(demo: Demo, sites: number | null): Promise<RunReport> {
  const { invocation, dataDir, handle } = demo
  const { sql } = demo.database
  const past = await readDemoMemory(dataDir)
  const isOpen = past !== null && (await hasOpenItems(demo, past.run))
  const plan = planDemo(past, { isOpen, sites, wallMs: invocation.clock.wallMs() })
  const site = await startSite(plan, isOpen)
  try {
    const { port } = site
    await writeDemoMemory(dataDir, { port, sites: plan.sites, run: plan.run })
    const run = await openRun(sql, { workflowId: handle.workflowId, name: plan.run })
    sayDemo(invocation, site, run)
    await feedDemo(demo, site, run)
    return await workSite(demo, site, { ...run, name: plan.run })
  } finally {
    await site.close()
  }
}

/** Continues a demo that did not come to its end; otherwise asks for everything again. */
export function planDemo(
  past: DemoMemory | null,
  now: { readonly isOpen: boolean; readonly sites: number | null; readonly wallMs: number },
): DemoMemory {
  const run = `demo-${new Date(now.wallMs).toISOString()}`
  if (past === null) return { port: 0, sites: now.sites ?? SITES_DEFAULT, run }
  if (now.isOpen) return past
  return { port: past.port, sites: now.sites ?? SITES_DEFAULT, run }
}

async function hasOpenItems({ database, handle }: Demo, name: string): Promise<boolean> {
  const { sql } = database
  const runId = await findRun(sql, { workflowId: handle.workflowId, name })
  return runId !== null && (await readRunProgress(sql, runId)).open > 0
}

/** On the port it had, so that its URLs are the same. A new demo takes another one if it must. */
async function startSite(plan: DemoMemory, isContinued: boolean): Promise<DemoSite> {
  const { port, sites } = plan
  try {
    return await startDemoSite({ port, sites })
  } catch (error) {
    if (isContinued || port === 0) throw error
    return startDemoSite({ port: 0, sites })
  }
}

async function feedDemo(
  { invocation, database, workflow, handle, stop }: Demo,
  site: DemoSite,
  run: Run,
) {
  const urls = site.urls()
  async function* entries() {
    yield urls.map((url, index) => ({ line: index + 1, url }))
  }
  await feed(entries(), {
    sql: database.sql,
    workflow,
    handle,
    runId: run.runId,
    // What a killed demo had finished stays finished.
    again: run.resumed ? 'never' : 'when-finished',
    isStopped: () => stop.request() !== null,
    onBadLine: (line, problem) => say(invocation.streams, `URL ${line}: ${problem}`),
    onSlice: () => {},
  })
}

async function workSite(
  demo: Demo,
  site: DemoSite,
  run: Run & { readonly name: string },
): Promise<RunReport> {
  const { invocation, database, workflow, handle, stop, upstream } = demo
  const { settings } = invocation
  const { runId } = run
  const makeDemoReport = async (watched: FinishedRun) =>
    makeReport({
      sql: database.sql,
      definition: workflow.definition,
      handle,
      run: { ...run, continued: run.resumed },
      watched,
      badLines: 0,
      truth: await demoTruth({ sql: database.sql, workflow, handle, runId, site }),
      output: null,
      billing: (await upstream?.billing(database.sql, handle.workflowId)) ?? null,
    })
  const watched = await workRun({
    ...{ invocation, settings, database, workflow, handle, runId, stop },
    log: invocation.configuration.origins.logLevel === 'default' ? 'silent' : 'auto',
    onStarted: (node) => {
      const unfollow = upstream?.follow(node.events, site.urls().length)
      const calm = disturb(invocation, node)
      return () => {
        unfollow?.()
        calm()
      }
    },
    onDone: async (ended, node) => {
      if (!isGiven(invocation, 'keep-open')) return
      await printReport(invocation, await makeDemoReport(ended))
      await keepOpen(invocation, node, stop)
    },
  })
  return makeDemoReport(watched)
}

/** Kills workers, if that was asked for. @returns what ends it. */
function disturb(invocation: Invocation, { events }: RunningNode): () => void {
  if (!isGiven(invocation, 'chaos')) return () => {}
  const { clock, streams } = invocation
  const kill = (pid: number) => process.kill(pid, 'SIGKILL')
  const started = startChaos({ events, clock, random: systemRandom, kill })
  return () => {
    started.stop()
    say(streams, `Killed ${started.kills()} workers.`)
  }
}

async function keepOpen(
  { streams }: Invocation,
  node: RunningNode,
  stop: StopListener,
): Promise<void> {
  if (node.dashboardUrl !== null) say(streams, `The dashboard stays open: ${node.dashboardUrl}`)
  say(streams, 'Ctrl-C ends the demo.')
  const asked = new Promise<void>((resolve) => stop.onRequest(() => resolve()))
  await Promise.race([asked, node.stopped])
}

function sayDemo({ streams }: Invocation, site: DemoSite, run: Run): void {
  const words = run.resumed ? 'Continuing with' : 'Working'
  say(streams, `${words} ${showCount(site.urls().length)} pages of ${site.origin}/ into contacts.`)
}

function sayNext({ streams }: Invocation, dataDir: string): void {
  say(streams, '\nLook at what is left behind:')
  say(streams, `  fetchyard status --data-dir ${dataDir}`)
  say(streams, `  fetchyard audit --data-dir ${dataDir}`)
  say(streams, `  fetchyard export ${WORKFLOW} --data-dir ${dataDir} --output contacts.csv`)
}
