// Clusters of real supervisors and real fetch loops in a simulated world, by seeds. A seed that
// fails is printed with the way to see it again: `FETCHYARD_SEED=<seed> npm run test:simulator`.
// `FETCHYARD_SIMULATOR_SEEDS=100000` runs more of them.

import { execFile } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect } from 'chai'
import type { RunReport } from './simulation.js'
import { simulate } from './simulation.js'

const RUN_SEEDS = fileURLToPath(new URL('run-seeds.js', import.meta.url))
/** Seeds that every run has, and how many are new each time. */
const FIXED = { first: 1, count: 400 }
const FRESH_COUNT = Number(process.env.FETCHYARD_SIMULATOR_SEEDS ?? 1_600)
const TRACE_LINES = 4_000

/** What happens to a cluster now and then: were it not seen, the seeds would prove nothing. */
const MARKS = [
  'fenced',
  'item.settled complete',
  'item.settled retry',
  'item.settled snooze',
  'item.settled discard',
  'item.settled release',
  'item.settled rejected',
  'items.reclaimed node_lost',
  'items.reclaimed worker_lost',
  'items.released drain',
  'items.released lost_answer',
  'node.trust_lost',
  'node.trust_regained',
  'poison',
  'settle.failed',
  'settle.split',
  'supervisor.fenced',
  'supervisor.stopping halt',
  'worker.replaced memory',
  'worker.replaced silent',
  'workflow.paused module_refused',
  'workflow.paused restart_intensity',
  'workflow.paused results_refused',
] as const

interface Batch {
  readonly failed: readonly { readonly seed: number; readonly violations: readonly string[] }[]
  readonly seeds: number
  readonly virtualMs: number
  readonly marks: Readonly<Record<string, number>>
}

async function runSeeds(first: number, count: number): Promise<Batch> {
  const bounds = { maxBuffer: 64 * 1_048_576 }
  const args = [RUN_SEEDS, `${first}`, `${count}`]
  const { stdout } = await promisify(execFile)(process.execPath, args, bounds)
  const lines = stdout.trim().split('\n')
  const { sums, marks } = JSON.parse(lines.pop() ?? '{}')
  return {
    failed: lines.map((line) => JSON.parse(line)),
    seeds: sums.seeds,
    virtualMs: sums.virtualMs,
    marks,
  }
}

/** Shares the seeds out among the cores. */
function runOnAllCores(range: { readonly first: number; readonly count: number }) {
  const cores = Math.min(availableParallelism(), 4, range.count)
  const share = Math.ceil(range.count / cores)
  return Promise.all(
    Array.from({ length: cores }, (_, core) => {
      const first = range.first + core * share
      return runSeeds(first, Math.min(share, range.first + range.count - first))
    }),
  )
}

function tell(report: RunReport): void {
  for (const line of report.trace) process.stderr.write(`${line}\n`)
  for (const violation of report.violations) process.stderr.write(`${violation}\n`)
  process.stderr.write(`See it again: FETCHYARD_SEED=${report.seed} npm run test:simulator\n`)
}

async function expectSound(batches: readonly Batch[]): Promise<void> {
  const [first, ...others] = batches.flatMap(({ failed }) => failed)
  if (first === undefined) return
  tell(await simulate(first.seed, TRACE_LINES))
  const seeds = [first, ...others].map(({ seed }) => seed)
  expect.fail(`seeds ${seeds.slice(0, 20).join(', ')}: ${first.violations[0]}`)
}

describe('the simulated cluster', () => {
  const wanted = process.env.FETCHYARD_SEED

  if (wanted !== undefined) {
    it(`keeps its promises with seed ${wanted}`, async function () {
      this.timeout(0)
      const report = await simulate(Number(wanted), TRACE_LINES)
      tell(report)
      expect(report.violations).to.deep.equal([])
    })
    return
  }

  it('runs a seed the same way each time, line by line', async function () {
    this.timeout(0)
    const seeds = Array.from({ length: 25 }, (_, index) => 7_000 + index)
    const fingerprints: string[] = []
    for (const seed of seeds) fingerprints.push((await simulate(seed)).fingerprint)
    // In another order, so that nothing is carried over from one run to the next.
    for (const seed of seeds.toReversed()) {
      const { fingerprint } = await simulate(seed)
      expect(fingerprint, `seed ${seed}`).to.equal(fingerprints[seed - 7_000])
    }
    expect(new Set(fingerprints).size).to.equal(seeds.length)
  })

  it('keeps its promises with fixed seeds, in which everything happens', async function () {
    this.timeout(0)
    const batches = await runOnAllCores(FIXED)
    await expectSound(batches)
    const unseen = MARKS.filter((mark) => batches.every(({ marks }) => (marks[mark] ?? 0) === 0))
    expect(unseen, 'never seen').to.deep.equal([])
  })

  it('keeps its promises with fresh seeds', async function () {
    this.timeout(0)
    const first = 1_000 + Math.floor(Math.random() * 2_000_000_000)
    process.stdout.write(`      seeds ${first} to ${first + FRESH_COUNT - 1}\n`)
    await expectSound(await runOnAllCores({ first, count: FRESH_COUNT }))
  })
})
