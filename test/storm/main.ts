// npm run chaos -- --minutes 10 --report docs/crash-report.md

import { writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { EXIT_CODES } from '../../src/core/errors.js'
import { stormWords } from '../../supervisor/cli/torture-display.js'
import { ledgerLines, ledgerMarkdown } from '../../supervisor/torture/ledger.js'
import { runChaos } from './chaos.js'

const { values } = parseArgs({
  options: {
    minutes: { type: 'string' },
    seconds: { type: 'string' },
    seed: { type: 'string' },
    report: { type: 'string' },
    json: { type: 'string' },
  },
})

const SEED_MAX = 2 ** 32
const LINE_EVERY_MS = 10_000

const seed = Number(values.seed ?? Math.floor(Math.random() * SEED_MAX))
const seconds = Number(values.seconds ?? Number(values.minutes ?? 10) * 60)
if (!Number.isInteger(seed) || !(seconds > 0)) {
  process.stderr.write(
    'Usage: npm run chaos -- [--minutes N | --seconds N] [--seed N] [--report FILE]\n',
  )
  process.exit(EXIT_CODES.usage)
}

const halting = new AbortController()
process.once('SIGINT', () => halting.abort())
process.once('SIGTERM', () => halting.abort())

let saidMs = 0
process.stdout.write(`A storm of ${seconds} s, seed ${seed}.\n`)
const ledger = await runChaos({
  seed,
  durationMs: seconds * 1_000,
  stop: halting.signal,
  onProgress: (progress) => {
    if (progress.passedMs - saidMs < LINE_EVERY_MS) return
    saidMs = progress.passedMs
    process.stdout.write(`${stormWords(progress, seconds * 1_000)}\n`)
  },
})
process.stdout.write(`${ledgerLines(ledger).join('\n')}\n`)
for (const words of ledger.missed) process.stdout.write(`  missed  ${words}\n`)
if (values.report !== undefined) await writeFile(values.report, ledgerMarkdown(ledger))
if (values.json !== undefined) await writeFile(values.json, JSON.stringify(ledger, null, 2))
process.exit(ledger.isClean ? EXIT_CODES.ok : EXIT_CODES.problems)
