// Runs seeds one after the other and prints one line of JSON a run that failed, and a last one with
// the sums: `node dist/test/simulator/run-seeds.js <first> <count> [until-failure]`. The test runs
// one on each core; by hand it is how a broken build is shown to be seen.

import { simulate } from './simulation.js'

const [first = '1', count = '100', mode = ''] = process.argv.slice(2)
const begin = Number(first)
const startedMs = performance.now()
const sums = { seeds: 0, failed: 0, virtualMs: 0, events: 0, longestDrainMs: 0, tookMs: 0 }
const marks: Record<string, number> = {}

for (let seed = begin; seed < begin + Number(count); seed += 1) {
  const report = await simulate(seed, 1)
  sums.seeds += 1
  sums.virtualMs += report.virtualMs
  sums.events += report.events
  sums.longestDrainMs = Math.max(sums.longestDrainMs, report.drainedMs)
  for (const [mark, times] of report.marks) marks[mark] = (marks[mark] ?? 0) + times
  if (report.violations.length === 0) continue
  sums.failed += 1
  process.stdout.write(`${JSON.stringify({ seed, violations: report.violations })}\n`)
  if (mode === 'until-failure') break
}
sums.tookMs = Math.round(performance.now() - startedMs)
process.stdout.write(`${JSON.stringify({ sums, marks })}\n`)
