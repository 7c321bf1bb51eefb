// Charts over time, drawn by uPlot. A canvas says nothing to who cannot see it: each chart has a
// label that tells its last values, and an output that tells those under the pointer.

import { element } from './dom.js'
import { timeOfDay } from './format.js'

const uPlot = globalThis.uPlot
const WINDOW_SECONDS = 900
/** A young run fills the width at least this far. */
const WINDOW_SECONDS_MIN = 120
const GAP_SECONDS = 5
const LEGEND = { show: false }

/** The colour of a custom property as the page shows it now. */
function colourOf(place, name) {
  const probe = element('i')
  probe.className = 'probe'
  probe.style.color = `var(${name})`
  place.append(probe)
  const { color } = getComputedStyle(probe)
  probe.remove()
  return color
}

/**
 * @param options.series `{name, colour, isFilled}`; colour is a custom property.
 * @param options.format words for a value.
 * @param options.output element that tells the values under the pointer, or the last ones.
 */
export function createChart(place, options) {
  const chart = { place, options, plot: null, data: [[], ...options.series.map(() => [])] }
  const redraw = () => {
    chart.plot?.destroy()
    chart.plot = null
    draw(chart)
  }
  new ResizeObserver(() => resize(chart)).observe(place)
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', redraw)
  addEventListener('fetchyard:theme', redraw)
  place.setAttribute('role', 'img')
  return {
    /** @param points `[seconds, ...values]` in order; null where a value is not known. */
    update: (points) => {
      chart.data = columnsOf(points, options.series.length)
      draw(chart)
    },
  }
}

/** A pause longer than a few points breaks the line. */
function columnsOf(points, series) {
  const columns = Array.from({ length: series + 1 }, () => [])
  let last
  for (const point of points) {
    if (last !== undefined && point[0] - last > Math.max(GAP_SECONDS, point.gap ?? 0)) {
      columns[0].push(last + 1)
      for (let index = 1; index <= series; index += 1) columns[index].push(null)
    }
    for (let index = 0; index <= series; index += 1) columns[index].push(point[index] ?? null)
    last = point[0]
  }
  return columns
}

function draw(chart) {
  const { place, options, data } = chart
  tell(chart, null)
  if (place.clientWidth === 0) return
  if (chart.plot === null) chart.plot = new uPlot(optionsOf(chart), data, place)
  else chart.plot.setData(data)
  place.setAttribute(
    'aria-label',
    `${options.title}. ${options.output.textContent || 'No figures yet'}`,
  )
}

function resize(chart) {
  const { plot, place } = chart
  if (place.clientWidth === 0) return
  if (plot === null) draw(chart)
  else plot.setSize({ width: place.clientWidth, height: place.clientHeight })
}

function optionsOf(chart) {
  const { place, options } = chart
  const soft = colourOf(place, '--soft')
  const line = colourOf(place, '--line')
  const axis = {
    stroke: soft,
    grid: { stroke: line, width: 1 },
    ticks: { show: false },
    font: '11px system-ui, sans-serif',
  }
  return {
    width: place.clientWidth,
    height: place.clientHeight,
    legend: LEGEND,
    cursor: { y: false, points: { size: 6 }, drag: { x: false, y: false } },
    padding: [8, 6, 0, 0],
    scales: {
      x: {
        time: true,
        range: (_, min, max) => [
          Math.min(max - WINDOW_SECONDS_MIN, Math.max(min, max - WINDOW_SECONDS)),
          max,
        ],
      },
      y: { range: (_, _min, max) => [0, niceMax(max ?? 0)] },
    },
    axes: [
      {
        ...axis,
        size: 24,
        space: 70,
        values: (_, splits) => splits.map((at) => tickWords(at, splits)),
      },
      { ...axis, size: 52, space: 36, values: (_, splits) => splits.map(options.format) },
    ],
    series: [{}, ...options.series.map((own) => seriesOf(place, own))],
    hooks: { setCursor: [(plot) => tell(chart, plot.cursor.idx ?? null)] },
  }
}

/** Minutes where the ticks are whole minutes apart, else seconds as well. */
function tickWords(at, splits) {
  const isFine = splits.length > 1 && (splits[1] - splits[0]) % 60 !== 0
  return timeOfDay(at * 1_000).slice(0, isFine ? 8 : 5)
}

function seriesOf(place, { name, colour, isFilled = false, isStepped = false }) {
  const stroke = colourOf(place, colour)
  return {
    label: name,
    stroke,
    width: 1.6,
    points: { show: false },
    ...(isFilled ? { fill: colourOf(place, `${colour}-soft`) } : {}),
    ...(isStepped ? { paths: uPlot.paths.stepped({ align: 1 }) } : {}),
  }
}

/** Rounds up to 1, 2 or 5 times a power of ten. */
function niceMax(value) {
  if (value <= 0) return 1
  const power = 10 ** Math.floor(Math.log10(value))
  const lead = [1, 2, 5, 10].find((step) => value <= step * power) ?? 10
  return lead * power
}

/** Says the values under the pointer, or the last ones. */
function tell({ options, data }, index) {
  const at = index ?? lastIndex(data)
  if (at < 0) return
  const values = options.series.map(({ name }, series) => {
    const value = data[series + 1][at]
    return value === null || value === undefined ? null : `${name} ${options.format(value)}`
  })
  const when = index === null ? '' : `${timeOfDay(data[0][at] * 1_000)}: `
  const words = when + values.filter((value) => value !== null).join(' · ')
  if (options.output.textContent !== words) options.output.textContent = words
}

function lastIndex(data) {
  for (let at = data[0].length - 1; at >= 0; at -= 1) {
    if (data.slice(1).some((values) => values[at] !== null)) return at
  }
  return -1
}

/** A line without axes, of the last minutes. */
export function drawSpark(place, values) {
  const max = Math.max(...values, 0.001)
  const step = values.length > 1 ? 100 / (values.length - 1) : 0
  const path = values.map(
    (value, index) => `${(index * step).toFixed(1)},${(29 - (value / max) * 28).toFixed(1)}`,
  )
  const svg = element('svg', { viewBox: '0 0 100 30', preserveAspectRatio: 'none' })
  if (path.length > 1) {
    const line = element('path', { class: 'line rate', d: `M${path.join('L')}` })
    line.setAttribute('vector-effect', 'non-scaling-stroke')
    svg.append(line)
  }
  place.replaceChildren(svg)
}
