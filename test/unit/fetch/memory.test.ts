// What a hostile server can make a worker hold. The bound follows from the options; it is asserted
// on the most memory that a process ever had.

import { expect } from 'chai'
import { LIMITS } from '../../../src/core/limits.js'
import type { OutcomeCode } from '../../../src/core/outcome.js'
import { type HostileServer, startHostileServer } from '../../support/hostile-server.js'
import { runFetchChild } from '../../support/run-fetch-child.js'
import { FETCH_OPTIONS } from './support.js'

const MEGABYTE = 1_048_576
/** Code, sockets, and what V8 has not collected yet. */
const SLACK_BYTES = 96 * MEGABYTE
/** A page while it is decoded: its bytes, what they unfold to, and the text. */
const COPIES = 3

function boundOf(count: number, bodyBytesMax: number): number {
  const received = Math.min(count * bodyBytesMax, LIMITS.bytesInFlightMax)
  return received + Math.min(count, LIMITS.decodesMax) * COPIES * bodyBytesMax + SLACK_BYTES
}

interface Siege {
  readonly path: string
  readonly count: number
  readonly bodyMb: number
  readonly code: OutcomeCode
  readonly totalTimeoutMs?: number
  /** What passes by at the speed of the line, and waits for V8 to collect it. */
  readonly passingMb?: number
}

const SIEGES: readonly Siege[] = [
  { path: '/gzip-bomb', count: 50, bodyMb: 10, code: 'too_large' },
  { path: '/nested-bomb', count: 50, bodyMb: 10, code: 'too_large' },
  { path: '/endless', count: 50, bodyMb: 10, code: 'too_large' },
  { path: '/full-size', count: 1, bodyMb: 10, code: 'ok' },
  { path: '/tiny-chunks', count: 1, bodyMb: 1, code: 'too_large' },
  // No end but that of the time in all: what is padding counts for nothing.
  {
    path: '/padded-chunks',
    count: 1,
    bodyMb: 1,
    code: 'timeout_total',
    totalTimeoutMs: 4_000,
    passingMb: 192,
  },
]

describe('fetch: memory under hostile servers', () => {
  let server: HostileServer
  before(async () => {
    server = await startHostileServer()
  })
  after(() => server.close())

  for (const { path, count, bodyMb, code, totalTimeoutMs = 60_000, passingMb = 0 } of SIEGES) {
    it(`stays within its bound: ${count} × ${path}, all ${code}`, async () => {
      const bodyBytesMax = bodyMb * MEGABYTE
      const timeouts = { headersTimeoutMs: 60_000, bodyTimeoutMs: 60_000, totalTimeoutMs }
      const sockets = { socketsMax: count, socketsPerHostMax: count }
      const { ends, grownBytes } = await runFetchChild({
        options: { ...FETCH_OPTIONS, ...timeouts, ...sockets, bodyBytesMax },
        urls: Array.from({ length: count }, () => `${server.origin}${path}`),
      })
      expect(new Set(ends.map((end) => end.code))).to.deep.equal(new Set([code]))
      const bound = boundOf(count, bodyBytesMax) + passingMb * MEGABYTE
      expect(grownBytes).to.be.below(bound)
    })
  }
})
