// The fastest honest rival: a loop around undici that fetches, extracts and forgets. No queue, no
// durability, no limits beyond its concurrency. What Fetchyard costs is the difference to this.
//
//   node .build/x/bench/bare-loop.js [--concurrency 50] [--pages 2000] [--latency 0]
//     [--directory PAGES] [--urls FILE] [--extract contacts|light|none]
//
// Without --urls a page server is forked, on the pages of --directory or on generated ones.
// Prints one JSON object on stdout.

import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { Agent, request } from 'undici'
import { extractContacts } from '../src/extract/extract-contacts.js'
import { forkPageServer } from './support/fork-page-server.js'
import { extractLight } from './support/light-extract.js'
import { describeMachine } from './support/measure.js'

/** Reads a page and returns how many things it found. */
export type PageReader = (html: string, url: string) => number

export const READERS: { readonly [name: string]: PageReader } = {
  contacts: (html, url) => extractContacts(html, { url }).length,
  light: (html) => {
    const { emails, phones } = extractLight(html)
    return emails.length + phones.length
  },
  none: () => 0,
}

export interface BareLoopResult {
  readonly pages: number
  readonly failed: number
  readonly found: number
  readonly seconds: number
  readonly pagesPerSecond: number
  /** User and system time of this process for 1,000 pages, in seconds. */
  readonly cpuSecondsPer1000: number
  /** Most memory that this process ever had resident. */
  readonly peakBytes: number
}

/** Fetches all URLs, `concurrency` at once. A page that fails is counted, not retried. */
export async function runBareLoop(options: {
  readonly urls: readonly string[]
  readonly concurrency: number
  readonly read: PageReader
}): Promise<BareLoopResult> {
  const { urls, concurrency, read } = options
  const dispatcher = new Agent({ connections: concurrency, pipelining: 1 })
  const tally = { failed: 0, found: 0 }
  const queue = urls.values()
  const runSlot = async (): Promise<void> => {
    for (const url of queue) {
      try {
        const { statusCode, body } = await request(url, { dispatcher })
        const html = await body.text()
        if (statusCode === 200) tally.found += read(html, url)
        else tally.failed += 1
      } catch {
        tally.failed += 1
      }
    }
  }
  const cpuBefore = process.cpuUsage()
  const startedAtMs = performance.now()
  await Promise.all(Array.from({ length: concurrency }, runSlot))
  const seconds = (performance.now() - startedAtMs) / 1_000
  const { user, system } = process.cpuUsage(cpuBefore)
  await dispatcher.close()
  return {
    pages: urls.length,
    ...tally,
    seconds,
    pagesPerSecond: urls.length / seconds,
    cpuSecondsPer1000: (user + system) / 1_000 / urls.length,
    peakBytes: process.resourceUsage().maxRSS * 1_024,
  }
}

function wholeNumber(name: string, text: string, min: number): number {
  const value = Number(text)
  if (Number.isInteger(value) && value >= min) return value
  throw new Error(`Expected --${name} to be a whole number of at least ${min}, got ${text}.`)
}

function readOptions() {
  const { values } = parseArgs({
    options: {
      concurrency: { type: 'string', default: '50' },
      pages: { type: 'string', default: '2000' },
      latency: { type: 'string', default: '0' },
      directory: { type: 'string' },
      urls: { type: 'string' },
      extract: { type: 'string', default: 'contacts' },
    },
  })
  const read = READERS[values.extract]
  if (read === undefined) throw new Error(`Expected --extract contacts, light or none.`)
  return {
    concurrency: wholeNumber('concurrency', values.concurrency, 1),
    pages: wholeNumber('pages', values.pages, 1),
    latencyMs: wholeNumber('latency', values.latency, 0),
    directory: values.directory ?? null,
    urlFile: values.urls ?? null,
    extract: values.extract,
    read,
  }
}

async function main(): Promise<void> {
  const { concurrency, read, extract, pages, urlFile, directory, latencyMs } = readOptions()
  const server = urlFile === null ? await forkPageServer({ directory, latencyMs }) : null
  try {
    const urls =
      server?.urls(pages) ??
      readFileSync(urlFile ?? '', 'utf8')
        .split('\n')
        .filter(Boolean)
    // The first tenth warms up the compiler and the connections; it is not counted.
    await runBareLoop({ urls: urls.slice(0, Math.ceil(urls.length / 10)), concurrency, read })
    const result = await runBareLoop({ urls, concurrency, read })
    const setting = { concurrency, extract, latencyMs, meanBytes: server?.meanBytes ?? null }
    process.stdout.write(
      `${JSON.stringify({ ...result, ...setting, machine: describeMachine() })}\n`,
    )
  } finally {
    await server?.close()
  }
}

if (process.argv[1] === import.meta.filename) await main()
