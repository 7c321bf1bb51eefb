// Metrics, live stats and the counters that reports read from tell one story: whatever happens, the
// same event is counted once for all of them, and nothing that was counted is forgotten when the
// worker that did it dies.

import { expect } from 'chai'
import fc from 'fast-check'
import { totalOf, workflowCounters } from '../../../src/telemetry/counters.js'
import { createEventBus, type ItemSettled } from '../../../src/telemetry/events.js'
import { startTelemetry } from '../../../src/telemetry/telemetry.js'
import { settled, WORKER } from '../../web/support/events.js'
import { createManualClock } from '../../web/support/manual-clock.js'

function setup() {
  const bus = createEventBus((error) => {
    throw error
  })
  const clock = createManualClock()
  const telemetry = startTelemetry({ bus, clock, version: '1', isProcessIncluded: false })
  return { bus, telemetry }
}

/** The sum of all samples of a metric whose labels match. */
function sumOf(text: string, metric: string, labels = /./): number {
  return text
    .split('\n')
    .filter((line) => line.startsWith(`${metric}{`) && labels.test(line))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0)
}

const endings: fc.Arbitrary<Partial<ItemSettled>> = fc.record({
  state: fc.constantFrom('complete', 'retry', 'snooze', 'discard', 'release', 'rejected'),
  code: fc.constantFrom('reset', 'http_4xx', 'rate_limited'),
  requests: fc.nat({ max: 4 }),
  bytes: fc.nat({ max: 10_000 }),
  credits: fc.nat({ max: 75 }),
  resultRows: fc.nat({ max: 3 }),
  durationMs: fc.nat({ max: 100_000 }),
})

describe('telemetry/one tally', () => {
  it('is what metrics, live stats and reports all read', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(endings, { minLength: 1, maxLength: 40 }), async (given) => {
        const { bus, telemetry } = setup()
        for (const own of given) bus.emit('item.settled', settled(own))
        const text = await telemetry.metrics.text()
        const { stats } = telemetry.live.states()
        const own = workflowCounters(telemetry.counters, 'contacts')
        telemetry.stop()

        const attempts = /state="(?:complete|retry|snooze|discard|rejected)"/
        const bySum = (figure: 'requests' | 'bytes' | 'credits') =>
          given.reduce((sum, one) => sum + (one[figure] ?? 0), 0)
        const count = (state: string) => given.filter((one) => one.state === state).length
        const ended = given.length - count('release')
        const expected = [ended, count('retry'), bySum('requests'), bySum('bytes')]
        expect([
          sumOf(text, 'fetchyard_attempts_total', attempts),
          sumOf(text, 'fetchyard_attempts_total', /state="retry"/),
          sumOf(text, 'fetchyard_requests_total'),
          sumOf(text, 'fetchyard_response_bytes_total'),
        ]).to.deep.equal(expected)
        const { node } = stats
        expect([node.attempts, node.retries, node.requests, node.bytes]).to.deep.equal(expected)
        expect(totalOf(own.settled.complete)).to.equal(count('complete'))
        expect(sumOf(text, 'fetchyard_credits_total')).to.equal(bySum('credits'))
        const rows = given
          .filter((one) => one.state === 'complete')
          .reduce((sum, one) => sum + (one.resultRows ?? 0), 0)
        expect(node.resultRows).to.equal(rows)
        expect(sumOf(text, 'fetchyard_result_rows_total')).to.equal(rows)
        expect(sumOf(text, 'fetchyard_attempt_duration_seconds_count')).to.equal(ended)
      }),
      { numRuns: 50 },
    )
  })

  it('keeps what a worker did after that worker died', async () => {
    const { bus, telemetry } = setup()
    bus.emit('worker.started', { ...WORKER, pid: 7 })
    bus.emit('worker.ready', { ...WORKER, pid: 7, slots: 4, startMs: 1 })
    for (let item = 0; item < 5; item += 1) bus.emit('item.settled', settled({ requests: 2 }))
    const death = { exitCode: null, signal: 'SIGKILL', expected: false, itemsHeld: 2, uptimeMs: 9 }
    bus.emit('worker.exited', { ...WORKER, pid: 7, ...death })
    const text = await telemetry.metrics.text()
    const { stats } = telemetry.live.states()
    telemetry.stop()
    expect(sumOf(text, 'fetchyard_requests_total')).to.equal(10)
    expect(sumOf(text, 'fetchyard_attempts_total', /state="complete"/)).to.equal(5)
    expect(stats.node.requests).to.equal(10)
    expect(sumOf(text, 'fetchyard_workers_exited_total', /reason="signal"/)).to.equal(1)
    expect(text).to.not.match(/^fetchyard_workers\{/m)
  })
})
