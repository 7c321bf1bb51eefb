// A process with nothing but a fetcher, for what can only be seen from outside or set before the
// start. Argument: a JSON of `FetchChildOrder`. It prints a JSON of `FetchChildReport`.

import type { FetchOptions } from '../../src/core/worker-options.js'
import { FetchFailure } from '../../src/fetch/failure.js'
import { createFetcher } from '../../src/fetch/fetcher.js'

export interface FetchChildOrder {
  readonly options: FetchOptions
  /** All are fetched at once. */
  readonly urls: readonly string[]
}

export interface FetchChildReport {
  /** Outcome codes and messages, in the order of the URLs. */
  readonly ends: readonly { readonly code: string; readonly message: string }[]
  /** The most memory that the process had, over what it had before the first fetch, in bytes. */
  readonly grownBytes: number
}

const SAMPLE_MS = 5

/**
 * Watches the memory of this process. The system's own high-water mark sees every peak, but begins
 * with that of the parent; until it is passed, samples have to do.
 */
function watchMemory(): () => number {
  const startBytes = process.memoryUsage.rss()
  const markBytes = () => process.resourceUsage().maxRSS * 1_024
  const inheritedBytes = markBytes()
  let peakBytes = startBytes
  const sample = () => {
    peakBytes = Math.max(peakBytes, process.memoryUsage.rss())
  }
  const timer = setInterval(sample, SAMPLE_MS)
  return () => {
    clearInterval(timer)
    sample()
    if (markBytes() > inheritedBytes) peakBytes = Math.max(peakBytes, markBytes())
    return peakBytes - startBytes
  }
}

async function main(order: FetchChildOrder): Promise<FetchChildReport> {
  const fetcher = createFetcher(order.options)
  const stopWatch = watchMemory()
  const fetchOne = async (url: string) => {
    try {
      const { text } = await fetcher.fetchPage(url)
      return { code: 'ok', message: `${text.length} characters` }
    } catch (error) {
      if (error instanceof FetchFailure) return { code: error.code, message: error.message }
      throw error
    }
  }
  const ends = await Promise.all(order.urls.map(fetchOne))
  const grownBytes = stopWatch()
  await fetcher.close()
  return { ends, grownBytes }
}

const report = await main(JSON.parse(process.argv[2] ?? ''))
process.stdout.write(JSON.stringify(report))
