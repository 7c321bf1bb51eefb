// Crawlee over a list of URLs, with the light extraction of bench:fetch. Copied beside an installed
// Crawlee and started there by bench/support/peer-process.ts; the last line of its standard output
// is one JSON object. Storage is where CRAWLEE_STORAGE_DIR says, and the other settings of Crawlee
// (purging, persistence, memory) come by its documented environment variables too.

import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { CheerioCrawler } from '@crawlee/cheerio'
import { HttpCrawler, LogLevel, log, RequestQueue } from '@crawlee/http'

const KINDS = { http: HttpCrawler, cheerio: CheerioCrawler }
const { email, phone } = JSON.parse(readFileSync(new URL('./patterns.json', import.meta.url)))
const patterns = { emails: new RegExp(email, 'g'), phones: new RegExp(phone, 'g') }

function findAll(pattern, html) {
  return [...new Set(html.match(pattern) ?? [])].join(' ')
}

function linesOf(path) {
  return path === undefined ? [] : readFileSync(path, 'utf8').split('\n').filter(Boolean)
}

/** As many at once from the start: the pool begins with one and takes minutes to grow otherwise. */
function optionsOf(concurrency, tally) {
  return {
    minConcurrency: concurrency,
    maxConcurrency: concurrency,
    autoscaledPoolOptions: { desiredConcurrency: concurrency },
    // Sessions are for sites that block; without them it is faster.
    useSessionPool: false,
    requestHandler: async ({ request, body, pushData }) => {
      const html = body.toString()
      const emails = findAll(patterns.emails, html)
      const phones = findAll(patterns.phones, html)
      await pushData({ url: request.url, emails, phones })
      tally.done += 1
    },
    failedRequestHandler: () => {
      tally.failed += 1
    },
  }
}

async function crawl(kind, urls, concurrency, queueName) {
  const tally = { done: 0, failed: 0 }
  const requestQueue = await RequestQueue.open(queueName)
  const crawler = new KINDS[kind]({ ...optionsOf(concurrency, tally), requestQueue })
  await crawler.run(urls)
  return tally
}

const { values } = parseArgs({
  options: {
    kind: { type: 'string', default: 'http' },
    urls: { type: 'string' },
    'warm-up': { type: 'string' },
    concurrency: { type: 'string', default: '50' },
  },
})
log.setLevel(LogLevel.ERROR)
const concurrency = Number(values.concurrency)
const warmUp = linesOf(values['warm-up'])
if (warmUp.length > 0) await crawl(values.kind, warmUp, concurrency, 'warm-up')
const cpuBefore = process.cpuUsage()
const startedMs = performance.now()
const tally = await crawl(values.kind, linesOf(values.urls), concurrency, null)
const seconds = (performance.now() - startedMs) / 1_000
const { user, system } = process.cpuUsage(cpuBefore)
const cpuSeconds = (user + system) / 1e6
const peakBytes = process.resourceUsage().maxRSS * 1_024
process.stdout.write(`${JSON.stringify({ ...tally, seconds, cpuSeconds, peakBytes })}\n`)
process.exit(0)
