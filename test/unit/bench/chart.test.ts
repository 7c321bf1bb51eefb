import { expect } from 'chai'
import { barChart, lineChart } from '../../../bench/support/chart.js'
import { formatFigure, niceTicks } from '../../../bench/support/ticks.js'

describe('niceTicks', () => {
  it('should begin at zero and end at a round value above all', () => {
    const { min, max, at } = niceTicks([3, 87_400], false)
    expect([min, max]).to.deep.equal([0, 100_000])
    expect(at).to.deep.equal([0, 20_000, 40_000, 60_000, 80_000, 100_000])
  })

  it('should mark powers of ten on a logarithmic axis', () => {
    expect(niceTicks([10_000, 2_000_000], true).at).to.deep.equal([1e4, 1e5, 1e6, 1e7])
    expect(() => niceTicks([0, 1], true)).to.throw('above 0')
  })

  it('should have a range where all values are zero', () => {
    expect(niceTicks([0, 0], false).max).to.be.above(0)
  })
})

describe('formatFigure', () => {
  it('should keep three digits', () => {
    expect([0.1234, 12.34, 999, 48_000, 1_250_000].map(formatFigure)).to.deep.equal([
      '0.123',
      '12.3',
      '999',
      '48 k',
      '1.25 M',
    ])
  })
})

describe('charts', () => {
  it('should place points by their values', () => {
    const chart = lineChart({
      title: 'a < b',
      x: { label: 'items', isLog: true },
      y: { label: 'ms' },
      series: [
        {
          name: 'lease',
          points: [
            [10, 0],
            [100, 10],
          ],
        },
      ],
    })
    expect(chart).to.include('<title>a &lt; b</title>')
    expect(chart).to.include('<polyline points="72,320 696,44"')
    expect(chart).to.include('<title>lease: 100, 10</title>')
  })

  it('should draw a bar as long as its value and a whisker over its spread', () => {
    const chart = barChart({
      title: 'rates',
      x: { label: 'jobs/s' },
      bars: [
        { name: 'whole', value: 100, isOurs: true },
        { name: 'half', value: 50, spread: [25, 75] },
      ],
    })
    const widths = [...chart.matchAll(/<rect x="220"[^>]* width="([\d.]+)"/g)].map(([, w]) => w)
    expect(widths).to.deep.equal(['404', '202'])
    expect(chart).to.match(/<line x1="321" y1="89" x2="523" y2="89"/)
  })
})
