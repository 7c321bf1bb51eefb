// Runs seeds by hand: `node dist/test/simulator/explore.js <first> <count>`.

import { simulate } from './simulation.js'

const [first = '1', count = '100', lines = '0'] = process.argv.slice(2)
const startedMs = performance.now()
let failed = 0
let virtualMs = 0
let events = 0
let slowest = 0
let drained = 0
for (let seed = Number(first); seed < Number(first) + Number(count); seed += 1) {
  const report = await simulate(seed, Math.max(1, Number(lines)))
  virtualMs += report.virtualMs
  events += report.events
  drained = Math.max(drained, report.drainedMs)
  slowest = Math.max(slowest, report.drainedMs)
  if (report.violations.length === 0) continue
  failed += 1
  if (Number(lines) > 0) process.stdout.write(`${report.trace.join('\n')}\n`)
  process.stdout.write(
    `seed ${seed}: ${report.violations.slice(0, 4).join('\n    ').slice(0, 1500)}\n`,
  )
}
const tookMs = performance.now() - startedMs
process.stdout.write(
  `${count} seeds, ${failed} failed, ${(tookMs / Number(count)).toFixed(1)} ms a seed, ` +
    `${(virtualMs / 60_000 / Number(count)).toFixed(1)} virtual minutes and ` +
    `${(events / Number(count)).toFixed(0)} events a seed, longest drain ${drained.toFixed(0)} ms\n`,
)
