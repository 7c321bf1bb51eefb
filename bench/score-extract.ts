// Scores contact extraction against a corpus of labelled pages and measures its time.
//
//   node dist/bench/score-extract.js [corpus] [--misses]
//
// The corpus holds `pages/*.html`, `gold.jsonl` and `score.mjs`; its README says how it is scored.

import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { EXIT_CODES } from '../src/core/errors.js'
import type { ContactKind, ExtractedContact } from '../src/extract/contact.js'
import { extractContacts } from '../src/extract/extract-contacts.js'

const DEFAULT_CORPUS = '../shared/corpus/contact-pages'
/** Rounds over all pages: the first warms the compiler up, the last is measured. */
const ROUNDS = 3

interface Timing {
  readonly pages: number
  readonly bytes: number
  readonly durationMs: number
  /** Time of the processor, which other programs on the machine do not lengthen. */
  readonly cpuMs: number
}

function pageNames(corpus: string): string[] {
  const lines = readFileSync(join(corpus, 'gold.jsonl'), 'utf8').split('\n').filter(Boolean)
  return lines.map((line) => {
    const row: unknown = JSON.parse(line)
    if (typeof row !== 'object' || row === null || !('page' in row)) return ''
    return String(row.page)
  })
}

/**
 * The labels cover what is seen: numbers are compared as they are shown, and addresses that only
 * a script or an attribute gives away are left out, as the score leaves out the targets of
 * links.
 */
function predictionOf(page: string, contacts: readonly ExtractedContact[]): string {
  const seen = contacts.filter(({ foundIn }) => foundIn !== 'script' && foundIn !== 'attribute')
  const only = (kind: ContactKind) => seen.filter((contact) => contact.kind === kind)
  return JSON.stringify({
    page,
    emails: only('email').map(({ value }) => value),
    phones: only('phone').map(({ shown }) => shown),
    faxes: only('fax').map(({ shown }) => shown),
    organizations: only('organization').map(({ value }) => value),
    people: only('person').map(({ value }) => value),
  })
}

function run(corpus: string): { predictions: string[]; timing: Timing } {
  const pages = pageNames(corpus).map((name) => ({
    name,
    html: readFileSync(join(corpus, 'pages', name), 'utf8'),
  }))
  let predictions: string[] = []
  let durationMs = 0
  let cpuMs = 0
  for (let round = 0; round < ROUNDS; round += 1) {
    const startedMs = performance.now()
    const startedCpu = process.cpuUsage()
    predictions = pages.map(({ name, html }) =>
      // The corpus keeps no addresses: a local host gives nothing away about the country.
      predictionOf(name, extractContacts(html, { url: `https://page.local/${name}` })),
    )
    durationMs = performance.now() - startedMs
    cpuMs = process.cpuUsage(startedCpu).user / 1_000
  }
  const bytes = pages.reduce((sum, { html }) => sum + Buffer.byteLength(html), 0)
  return { predictions, timing: { pages: pages.length, bytes, durationMs, cpuMs } }
}

function score(corpus: string, predictions: readonly string[], flags: readonly string[]): number {
  const directory = mkdtempSync(join(tmpdir(), 'fetchyard-score-'))
  const file = join(directory, 'predictions.jsonl')
  try {
    writeFileSync(file, `${predictions.join('\n')}\n`)
    const args = [join(corpus, 'score.mjs'), file, ...flags]
    return spawnSync(process.execPath, args, { stdio: 'inherit' }).status ?? EXIT_CODES.unexpected
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

function main(args: readonly string[]): number {
  const flags = args.filter((arg) => arg.startsWith('--'))
  const corpus = resolve(args.find((arg) => !arg.startsWith('--')) ?? DEFAULT_CORPUS)
  if (!existsSync(join(corpus, 'gold.jsonl')) || !existsSync(join(corpus, 'score.mjs'))) {
    console.error(`No labelled pages at ${corpus}: give the directory of the corpus.`)
    return EXIT_CODES.usage
  }
  const { predictions, timing } = run(corpus)
  const status = score(corpus, predictions, flags)
  const perPage = (totalMs: number): string => (totalMs / timing.pages).toFixed(2)
  const sizeKb = Math.round(timing.bytes / timing.pages / 1_000)
  console.log(
    `${timing.pages} pages of ${sizeKb} kB on average: ${perPage(timing.durationMs)} ms a page, ` +
      `${perPage(timing.cpuMs)} ms of processor time`,
  )
  return status
}

process.exitCode = main(process.argv.slice(2))
