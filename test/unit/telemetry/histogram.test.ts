import { expect } from 'chai'
import fc from 'fast-check'
import {
  createHistogram,
  DURATION_BOUNDS_MS,
  histogramSince,
  mergeHistograms,
  observe,
  quantileMs,
} from '../../../src/telemetry/histogram.js'
import { createRateWindow, perSecond } from '../../../src/telemetry/rate-window.js'

function histogramOf(durations: readonly number[]) {
  const histogram = createHistogram()
  for (const durationMs of durations) observe(histogram, durationMs)
  return histogram
}

describe('telemetry/histogram', () => {
  it('knows no quantile of nothing', () => {
    expect(quantileMs(createHistogram(), 0.5)).to.equal(undefined)
  })

  it('answers a quantile from within the bucket of the true one', () => {
    const durations = fc.array(fc.integer({ min: 0, max: 69_999 }), { minLength: 1 })
    const quantiles = fc.constantFrom(0.01, 0.5, 0.95, 1)
    fc.assert(
      fc.property(durations, quantiles, (given, quantile) => {
        const sorted = [...given].sort((a, b) => a - b)
        const rank = Math.max(1, Math.ceil(quantile * sorted.length))
        const exact = sorted[rank - 1] ?? 0
        const upper = DURATION_BOUNDS_MS.find((bound) => exact <= bound) ?? 0
        const lower =
          DURATION_BOUNDS_MS[DURATION_BOUNDS_MS.findIndex((bound) => exact <= bound) - 1] ?? 0
        const estimate = quantileMs(histogramOf(given), quantile) ?? -1
        expect(estimate).to.be.within(lower, upper)
      }),
    )
  })

  it('answers what lies above the last bound with the last bound', () => {
    expect(quantileMs(histogramOf([500_000]), 0.5)).to.equal(70_000)
  })

  it('counts what is no duration as nothing, and never loses the count', () => {
    const histogram = histogramOf([Number.NaN, -5, Number.POSITIVE_INFINITY])
    expect(histogram).to.include({ count: 3, sumMs: 0 })
  })

  it('takes differences and sums', () => {
    const earlier = histogramOf([10, 20])
    const later = histogramOf([10, 20, 300])
    expect(histogramSince(earlier, later)).to.deep.equal(histogramOf([300]))
    expect(mergeHistograms([earlier, histogramOf([300])])).to.deep.equal(later)
  })
})

describe('telemetry/rate-window', () => {
  const value = (reading: number) => reading

  it('has no rate before the second reading', () => {
    const window = createRateWindow<number>(8)
    window.push(0, 5)
    expect(window.span(10_000)).to.equal(undefined)
  })

  it('takes the youngest reading that is old enough', () => {
    const window = createRateWindow<number>(8)
    for (const [second, reading] of [0, 100, 110, 130].entries())
      window.push(second * 1_000, reading)
    expect(perSecond(window.span(2_000), value)).to.equal(15)
    expect(perSecond(window.span(60_000), value)).to.be.closeTo(43.33, 0.01)
  })

  it('calls the rate of a figure that fell 0', () => {
    const window = createRateWindow<number>(8)
    window.push(0, 100)
    window.push(1_000, 3)
    expect(perSecond(window.span(1_000), value)).to.equal(0)
  })

  it('keeps no more readings than its capacity', () => {
    const window = createRateWindow<number>(3)
    for (let second = 0; second < 10; second += 1) window.push(second * 1_000, second)
    expect(window.span(60_000)?.elapsedMs).to.equal(2_000)
  })
})
