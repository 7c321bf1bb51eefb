import { element } from './dom.js'

const WINDOW_SECONDS = 900
/** Seconds without a point after which a line is broken instead of drawn across. */
const GAP_SECONDS = 5
/** Width in pixels below which labels get fewer. */
const NARROW = 380
const LEFT = 44
const BOTTOM = 18
const TOP = 6

/** Rounds up to 1, 2 or 5 times a power of ten. */
function niceMax(value) {
  if (value <= 0) return 1
  const power = 10 ** Math.floor(Math.log10(value))
  const lead = [1, 2, 5, 10].find((step) => value <= step * power) ?? 10
  return lead * power
}

/**
 * A line chart of the last 15 minutes.
 *
 * @param options.series lines: `pick` takes the value out of a point, undefined leaves a gap.
 * @param options.format words for a value.
 * @param options.output element that tells the values under the pointer.
 */
export function createChart(place, { title, series, format, output }) {
  const svg = element('svg', { role: 'img' })
  place.append(svg)
  const chart = { place, svg, title, series, format, output, points: [], pointerX: null }
  svg.addEventListener('pointermove', (event) => {
    chart.pointerX = event.offsetX
    draw(chart)
  })
  svg.addEventListener('pointerleave', () => {
    chart.pointerX = null
    draw(chart)
  })
  new ResizeObserver(() => draw(chart)).observe(place)
  return {
    update: (points) => {
      chart.points = points
      draw(chart)
    },
  }
}

function draw(chart) {
  const { clientWidth: width, clientHeight: height } = chart.place
  if (width === 0) return
  const end = chart.points.at(-1)?.second ?? 0
  const scale = createScale({ width, height, end, max: maxOf(chart) })
  chart.svg.setAttribute('viewBox', `0 0 ${width} ${height}`)
  chart.svg.setAttribute('aria-label', describe(chart))
  chart.svg.replaceChildren(
    ...gridOf(scale, chart.format),
    ...chart.series.flatMap((line, index) => linesOf(chart.points, line, scale, index === 0)),
    ...crossOf(chart, scale),
  )
}

function maxOf({ points, series }) {
  let max = 0
  for (const point of points) {
    for (const { pick } of series) max = Math.max(max, pick(point.values) ?? 0)
  }
  return niceMax(max)
}

function createScale({ width, height, end, max }) {
  const innerWidth = width - LEFT
  const innerHeight = height - BOTTOM - TOP
  return {
    width,
    height,
    end,
    max,
    x: (second) => LEFT + ((second - end + WINDOW_SECONDS) / WINDOW_SECONDS) * innerWidth,
    y: (value) => TOP + (1 - value / max) * innerHeight,
    secondAt: (x) => end - WINDOW_SECONDS + ((x - LEFT) / innerWidth) * WINDOW_SECONDS,
  }
}

function gridOf(scale, format) {
  const parts = []
  for (const share of [0, 0.5, 1]) {
    const y = scale.y(share * scale.max)
    parts.push(element('line', { class: 'grid', x1: LEFT, x2: scale.width, y1: y, y2: y }))
    const label = element('text', { x: LEFT - 6, y: y + 4, 'text-anchor': 'end' })
    label.textContent = format(share * scale.max)
    parts.push(label)
  }
  const all = { 15: 'start', 10: 'middle', 5: 'middle', 0: 'end' }
  const anchors = scale.width < NARROW ? { 15: 'start', 5: 'middle', 0: 'end' } : all
  for (const [minutes, anchor] of Object.entries(anchors)) {
    const x = scale.x(scale.end - minutes * 60)
    const label = element('text', { x, y: scale.height - 3, 'text-anchor': anchor })
    label.textContent = minutes === '0' ? 'now' : `−${minutes} min`
    parts.push(label)
  }
  return parts
}

function linesOf(points, { name, pick }, scale, isFilled) {
  const parts = []
  for (const run of runsOf(points, pick)) {
    const path = run.map(
      ([second, value]) => `${scale.x(second).toFixed(1)},${scale.y(value).toFixed(1)}`,
    )
    const line = `M${path.join('L')}`
    if (isFilled) {
      const [first, last] = [scale.x(run[0][0]), scale.x(run.at(-1)[0])]
      const floor = scale.y(0)
      parts.push(
        element('path', { class: 'area', d: `${line}L${last},${floor}L${first},${floor}Z` }),
      )
    }
    parts.push(element('path', { class: `line ${name}`, d: line }))
  }
  return parts
}

/** Stretches of points without a gap. */
function runsOf(points, pick) {
  const runs = []
  let last = Number.NEGATIVE_INFINITY
  for (const { second, values } of points) {
    const value = pick(values)
    if (value === undefined) continue
    if (second - last > GAP_SECONDS) runs.push([])
    runs.at(-1).push([second, value])
    last = second
  }
  return runs
}

function crossOf(chart, scale) {
  const { pointerX, points, output, series, format } = chart
  const point = pointerX === null ? points.at(-1) : nearest(points, scale.secondAt(pointerX))
  if (point === undefined) return []
  const values = series.map(({ pick }) => pick(point.values)).filter((value) => value !== undefined)
  const ago = Math.round(scale.end - point.second)
  const when = pointerX === null ? '' : ago === 0 ? 'now: ' : `${ago} s ago: `
  const words = when + values.map(format).join(' · ')
  if (output.textContent !== words) output.textContent = words
  if (pointerX === null) return []
  const x = scale.x(point.second)
  return [element('line', { class: 'cross', x1: x, x2: x, y1: TOP, y2: scale.height - BOTTOM })]
}

function nearest(points, second) {
  let best
  for (const point of points) {
    if (best === undefined || Math.abs(point.second - second) < Math.abs(best.second - second))
      best = point
  }
  return best
}

function describe({ title, points, series, format }) {
  const last = points.at(-1)
  if (last === undefined) return `${title}: no figures yet`
  const values = series.map(({ name, pick }) => {
    const value = pick(last.values)
    return `${name} ${value === undefined ? 'unknown' : format(value)}`
  })
  return `${title}, now: ${values.join(', ')}`
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
