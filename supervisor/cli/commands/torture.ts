import { writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { EXIT_CODES, FetchyardError } from '../../../src/core/errors.js'
import { systemRandom } from '../../../src/core/random.js'
import type { WorkflowHandle } from '../../../src/store/store.js'
import { createTortureTable, removeTorture } from '../../../src/store/torture.js'
import { pauseWorkflow, resumeWorkflow } from '../../../src/store/workflows.js'
import { TORTURE_TABLE } from '../../../src/workflows/torture.js'
import type { OpenDatabase } from '../../database.js'
import type { LoadedWorkflow } from '../../node.js'
import { listenForStop, type StopListener } from '../../signals.js'
import { itemDeeds, proxyDeeds, signalDeeds } from '../../torture/deeds.js'
import { TORTURE_FAULTS } from '../../torture/faults.js'
import { type Ledger, ledgerLines, ledgerMarkdown } from '../../torture/ledger.js'
import { ManagedNodes, type StormNodes } from '../../torture/nodes.js'
import { REFUSAL_RULE, type TortureTarget } from '../../torture/refusal.js'
import type { Deeds } from '../../torture/storm.js'
import { ledgerOf, type Scene, type TortureRequest, torture } from '../../torture/torture.js'
import { version } from '../../version.js'
import { loadWorkflow } from '../../workflows.js'
import { type Command, type Invocation, isGiven, textGiven } from '../command.js'
import { feedWorkflow } from '../feed-workflow.js'
import { openInput } from '../input.js'
import { checkOutput } from '../output.js'
import { databaseRequest, givenWorkflow, installWorkflow, withDatabase } from '../session.js'
import { runShell } from '../shell.js'
import { print, printJson, say } from '../streams.js'
import { createStormDisplay } from '../torture-display.js'
import { flagsOf, readWish, replayWords, type TortureWish } from '../torture-request.js'
import { lookAtTarget, readTarget, refuseTarget } from '../torture-target.js'

export const tortureCommand: Command = {
  syntax: 'torture [workflow]',
  summary: `Kill, freeze and cut supervisors of its own over a database, and hold the promises against it.

${REFUSAL_RULE}; such a one is refused unless --database names it.`,
  examples: [
    ['fetchyard torture', 'a minute over a workflow of its own, made and dropped'],
    ['fetchyard torture --minutes 10 --report torture.md', 'longer, with a report to keep'],
    ['fetchyard torture ./titles.workflow.js --input urls.txt', 'your workflow, on a staging copy'],
    ['fetchyard torture --seed 42 --faults kill-worker,cut', 'these faults, as they were before'],
  ],
  groups: ['database', 'node', 'work', 'fetch'],
  flags: {
    minutes: {
      type: 'text',
      sentence: 'How long the faults last; one minute when nothing is said',
    },
    seconds: { type: 'text', sentence: 'The same in seconds' },
    seed: { type: 'text', sentence: 'Makes the choices of an earlier storm again' },
    nodes: { type: 'text', sentence: 'Supervisors, 1 to 16; 2 when nothing is said' },
    items: { type: 'text', sentence: 'Items of its own that are kept waiting; 400' },
    faults: { type: 'text', sentence: `Which faults, of ${TORTURE_FAULTS.join(', ')}` },
    'restart-command': {
      type: 'text',
      sentence: 'Command that restarts the server; the fault is played by a proxy without it',
    },
    database: {
      type: 'text',
      sentence: 'Name of the database, to torture one that looks like production',
    },
    'among-others': {
      type: 'switch',
      sentence: 'Also where other supervisors work now; they take part unprotected',
    },
    input: { type: 'text', sentence: 'Lines of URLs to enqueue for the named workflow first' },
    report: { type: 'text', sentence: 'File for the ledger, in Markdown' },
    json: { type: 'switch', sentence: 'Print the ledger as JSON' },
  },
  // Short, so that a minute sees many lives and leases end.
  preferences: {
    leaseMs: 4_000,
    heartbeatMs: 500,
    sweepMs: 500,
    drainMs: 10_000,
    executor: 'both',
    processes: 2,
    concurrency: 12,
    backoffMs: 50,
    backoffMaxMs: 1_000,
  },
  run: runTorture,
}

const OWN_MODULE = fileURLToPath(new URL('../../../src/workflows/torture.js', import.meta.url))
const OWN_NAME = 'torture'
const CALM_MS = { min: 100, max: 1_200 }
const NODE_PREFIX = 'torture-'
/** The queue holds some minutes' work at the most, and retries wait a second. */
const DRAIN_BOUND_MS = 90_000
const PAUSE_REASON = 'torture'
/** A heap that an item can fill in a moment. */
const OWN_HEAP_MB = 128

interface Torture {
  readonly invocation: Invocation
  readonly wish: TortureWish
  readonly isOwn: boolean
  readonly stop: StopListener
  readonly database: OpenDatabase
  readonly target: TortureTarget
  readonly workflow: LoadedWorkflow
  readonly handle: WorkflowHandle
}

async function runTorture(invocation: Invocation): Promise<number> {
  const { settings, signals, clock, cwd } = invocation
  const isOwn = textGiven(invocation, 'workflow') === null
  const wish = readWish(invocation, { random: systemRandom, hasOwnItems: isOwn })
  const report = textGiven(invocation, 'report')
  const path = report === null ? null : await checkOutput(report, cwd)
  const workflow = isOwn ? await loadWorkflow(OWN_MODULE, cwd) : await givenWorkflow(invocation)
  const url = settings.databaseUrl
  if (url !== null) refuse(invocation, await lookAtTarget(url, OWN_NAME))
  const stop = listenForStop({ source: signals, clock })
  try {
    const request = databaseRequest(invocation, { purpose: 'torture', exclusive: true })
    const ledger = await withDatabase(request, async (database) => {
      const target = await readTarget(database.sql, database.url, OWN_NAME)
      refuse(invocation, target)
      const handle = await install(database, workflow, isOwn)
      const parts = { invocation, wish, isOwn, stop, database, target, workflow, handle }
      return await tortureDatabase(parts)
    })
    if (isGiven(invocation, 'json')) await printJson(invocation.streams, { schema: 1, ...ledger })
    else for (const line of ledgerLines(ledger)) await print(invocation.streams, line)
    if (path !== null) await writeFile(path, ledgerMarkdown(ledger))
    return ledger.isClean ? EXIT_CODES.ok : EXIT_CODES.problems
  } finally {
    stop.close()
  }
}

function refuse(invocation: Invocation, target: TortureTarget): void {
  refuseTarget(target, {
    named: textGiven(invocation, 'database'),
    isAmongOthers: isGiven(invocation, 'among-others'),
  })
}

const OWN_TRACES = { workflow: OWN_NAME, table: TORTURE_TABLE, nodePrefix: NODE_PREFIX }

async function install(
  { sql }: OpenDatabase,
  workflow: LoadedWorkflow,
  isOwn: boolean,
): Promise<WorkflowHandle> {
  if (isOwn) {
    // What a storm before this one left for somebody to look at.
    await removeTorture(sql, OWN_TRACES)
    await createTortureTable(sql, TORTURE_TABLE)
  }
  return installWorkflow(sql, workflow)
}

async function tortureDatabase(parts: Torture): Promise<Ledger> {
  const { invocation, wish, isOwn, database, target, workflow } = parts
  const { streams } = invocation
  await feedInput(parts)
  sayPlan(parts)
  const display = createStormDisplay(streams.stderr, wish.durationMs)
  const halting = new AbortController()
  parts.stop.onRequest(({ trigger }) => {
    display.clear()
    say(streams, `${trigger}: the storm ends; its supervisors drain. Once more ends them at once.`)
    halting.abort()
  })
  const request = requestOf(parts, halting.signal, display.show)
  const end = await torture(request).finally(display.clear)
  if (end === null) {
    if (isOwn) await removeTorture(database.sql, OWN_TRACES)
    throw new FetchyardError('INTERRUPTED', 'Stopped before the end; nothing of it is left.')
  }
  const ledger = ledgerOf(request, end, {
    version,
    replay: replayWords(invocation, wish),
    database: `${target.database} on ${target.host || 'a local socket'}`,
    workflow: isOwn ? 'torture (built in)' : workflow.definition.name,
    nodes: wish.nodes,
    conditions: [],
    leftOut: wish.leftOut,
  })
  if (isOwn && ledger.isClean) await removeTorture(database.sql, OWN_TRACES)
  if (isOwn && !ledger.isClean) {
    say(streams, `What it left stays to be looked at, in ${TORTURE_TABLE} and under its workflow.`)
  }
  return ledger
}

async function feedInput({ invocation, database, workflow, handle, isOwn, stop }: Torture) {
  const path = textGiven(invocation, 'input')
  if (path === null) return
  if (isOwn) throw new FetchyardError('USAGE', '--input needs a workflow; name one.')
  const { cwd, streams } = invocation
  const input = await openInput(path, { cwd, stdin: streams.stdin })
  const isStopped = () => stop.request() !== null
  await feedWorkflow({ invocation, database, workflow, handle, input, runId: null, isStopped })
}

function sayPlan({ invocation, wish, target, isOwn, workflow, handle }: Torture): void {
  const { streams, settings } = invocation
  const where = `database ${target.database} on ${target.host || 'a local socket'} as ${target.user}`
  const tables = isOwn
    ? `schema fetchyard alone; ${TORTURE_TABLE} is made and dropped`
    : `schema fetchyard and the tables of ${workflow.definition.name}` +
      (handle.binding === null ? '' : `, ${handle.binding.table} among them`)
  say(streams, `Torturing ${where} for ${wish.durationMs / 1_000} s, seed ${wish.seed}.`)
  say(streams, `It touches ${tables}, and no connection but those of its own supervisors.`)
  say(
    streams,
    `${wish.nodes} supervisors of ${settings.concurrency} slots. Faults: ${wish.kinds.join(', ')}.`,
  )
  for (const words of wish.leftOut) say(streams, `Left out: ${words}.`)
}

function requestOf(
  parts: Torture,
  stop: AbortSignal,
  onProgress: TortureRequest['onProgress'],
): TortureRequest {
  const { invocation, wish, isOwn, database, workflow, handle } = parts
  const { settings, clock } = invocation
  return {
    ...{ sql: database.sql, url: database.url, clock, stop, onProgress },
    workflow: {
      workflowId: handle.workflowId,
      sinks: Object.values(workflow.definition.sinks),
      ownTable: isOwn ? TORTURE_TABLE : null,
    },
    ...{ seed: wish.seed, kinds: wish.kinds, durationMs: wish.durationMs },
    ...{ calmMs: CALM_MS, waitingMin: wish.waitingMin, drainBoundMs: DRAIN_BOUND_MS },
    slots: settings.concurrency,
    leaseMs: settings.leaseMs,
    nodePrefix: NODE_PREFIX,
    startNodes: async (place) => startNodes(parts, place),
    deeds: (scene) => deedsOf(parts, scene),
  }
}

function startNodes(
  { invocation, wish, isOwn, stop }: Torture,
  place: { readonly databaseUrl: string; readonly temporary: string },
): StormNodes {
  const { settings, configuration, environment, cwd } = invocation
  const word = isOwn ? OWN_MODULE : (textGiven(invocation, 'workflow') ?? '')
  const config = configuration.file === null ? [] : ['--config', configuration.file]
  const { databaseUrl, temporary } = place
  const { heapMb, allowRanges } = settings
  const worn = isOwn
    ? { ...settings, heapMb: heapMb ?? OWN_HEAP_MB, allowRanges: [...allowRanges, 'loopback'] }
    : settings
  const nodes = new ManagedNodes({
    count: wish.nodes,
    cwd,
    drainBoundMs: settings.drainMs + DRAIN_BOUND_MS,
    environment: {
      ...environment,
      FETCHYARD_DATABASE_URL: databaseUrl,
      TMPDIR: temporary,
      pm_id: undefined,
    },
    words: (seat) => [
      ...['up', word, ...config, ...flagsOf({ ...worn, nodeName: `${NODE_PREFIX}${seat}` })],
      ...['--port', 'off', '--pooling', settings.pooling, '--pool-max', String(settings.poolMax)],
      ...['--log-format', 'json', '--log-level', 'error'],
    ],
  })
  stop.onRequest(({ stage }) => {
    if (stage === 'halt') nodes.kill()
  })
  return nodes
}

function deedsOf({ invocation, database, handle }: Torture, scene: Scene): Deeds {
  const { leaseMs } = invocation.settings
  const { sql } = database
  const { workflowId } = handle
  const { proxy, nodes, feeder, stop } = scene
  const command = textGiven(invocation, 'restart-command')
  const restart = command === null ? null : () => runShell(command, invocation)
  return {
    ...signalDeeds({ nodes, leaseMs, stop }),
    ...proxyDeeds({ proxy, leaseMs, stop, restart }),
    ...itemDeeds({
      stop,
      enqueueMisdeed: feeder.enqueueMisdeed,
      pause: async () => void (await pauseWorkflow(sql, { workflowId, reason: PAUSE_REASON })),
      resume: async () => void (await resumeWorkflow(sql, { workflowId, reason: PAUSE_REASON })),
    }),
  }
}
