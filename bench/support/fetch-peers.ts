// Peers as contenders of `bench:fetch`.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { figureOf, type Plan, type Run, warmUpOf } from './fetch-runs.js'
import type { Peer } from './peer-process.js'
import {
  crawleePeer,
  findScrapy,
  installCrawlee,
  type PeerEnd,
  scrapyPeer,
  startPeer,
} from './peer-process.js'
import { say } from './report.js'

/** What can be run here; who is missing is named. */
export async function findPeers(): Promise<readonly Peer[]> {
  const crawlee = await installCrawlee()
  const scrapy = await findScrapy()
  if (scrapy === null) say('left out: Scrapy is not installed (apt-get install python3-scrapy)')
  return [
    crawleePeer('http', 'memory', crawlee),
    crawleePeer('http', 'disk', crawlee),
    crawleePeer('cheerio', 'disk', crawlee),
    ...(scrapy === null ? [] : [scrapyPeer(scrapy, 'memory'), scrapyPeer(scrapy, 'disk')]),
  ]
}

/** A directory that is gone afterwards. */
export async function inDirectory<T>(use: (directory: string) => Promise<T>): Promise<T> {
  const directory = mkdtempSync(join(tmpdir(), 'fetchyard-bench-'))
  try {
    return await use(directory)
  } finally {
    rmSync(directory, { recursive: true })
  }
}

export function writeUrls(directory: string, name: string, urls: readonly string[]): string {
  const file = join(directory, name)
  writeFileSync(file, urls.join('\n'))
  return file
}

/** @returns where a peer may keep what it keeps. */
export function storeIn(directory: string): string {
  const store = join(directory, 'store')
  mkdirSync(store)
  return store
}

export function endWords({ exitCode, signal, complaint }: PeerEnd): string {
  return `ended with ${signal ?? `code ${exitCode}`}: ${complaint}`
}

/** One run with a warm-up before it, in the same process, which alone is charged. */
export function runPeer(peer: Peer, plan: Plan): Promise<Run> {
  const { pages, concurrency, server } = plan
  const warmUp = warmUpOf(pages)
  return inDirectory(async (directory) => {
    const before = await server.counts()
    const { ended } = startPeer(peer, {
      directory: storeIn(directory),
      urlFile: writeUrls(directory, 'urls', server.urls(pages, warmUp)),
      warmUpFile: writeUrls(directory, 'warm-up', server.urls(warmUp)),
      concurrency,
    })
    const end = await ended
    const { connections } = await server.counts()
    if (figureOf(end.answer, 'done') !== pages) throw new Error(`${peer.name} ${endWords(end)}`)
    return {
      pagesPerSecond: pages / figureOf(end.answer, 'seconds'),
      cpuSecondsPer1000: (figureOf(end.answer, 'cpuSeconds') * 1_000) / pages,
      failed: figureOf(end.answer, 'failed'),
      connections: connections - before.connections,
      peakBytes: figureOf(end.answer, 'peakBytes'),
      supervisorPeakBytes: null,
      shares: null,
    }
  })
}
