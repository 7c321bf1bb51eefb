// The first screen: whether the run is healthy, what holds it back, and the last 15 minutes.

import { createChart, drawSpark } from './charts.js'
import { byId, element, setText, syncRows } from './dom.js'
import { bytes, count, duration, percent, rate, UNKNOWN } from './format.js'

const STATE_TONES = {
  running: 'good',
  waiting: 'good',
  idle: 'quiet',
  starting: 'quiet',
  paused: 'warn',
  quiesce: 'warn',
  drain: 'warn',
  halt: 'warn',
  held: 'bad',
  fenced: 'bad',
  stopped: 'bad',
}
const STATE_WORDS = {
  quiesce: 'draining',
  drain: 'draining',
  halt: 'halting',
  held: 'work is held',
  waiting: 'waiting for delayed items',
}
/** What holds a workflow back and is as it should be. */
const CALM = new Set(['configured', 'queue_empty', 'schedule', 'share', 'start', 'rate', 'pause'])
const ITEM_STATES = ['complete', 'error', 'cancelled', 'processing', 'delayed', 'queued']
const SPARK_SECONDS = 120
const MINUTES_SHOWN = 15
const ERRORS_SHOWN = 12

export function createOverview() {
  const charts = createCharts()
  let minutes = []
  return {
    /** The state of the cluster is told on every screen. */
    drawState: ({ state, ratePerSecond }) => {
      byId('state').dataset.tone = STATE_TONES[state] ?? 'quiet'
      const words = STATE_WORDS[state] ?? state
      document.title = `${rate(ratePerSecond)}/s · ${words} · Fetchyard`
      setText('state', words)
    },
    draw: ({ stats, workflows, history }) => {
      if (stats !== undefined) drawStats(stats)
      if (workflows !== undefined) drawErrors(workflows)
      if (history !== undefined && stats !== undefined) {
        drawHistory(history, stats, { charts, minutes })
      }
    },
    drawWhys,
    setMinutes: (read) => {
      minutes = read
      drawLatency(minutes, charts.latency)
    },
  }
}

function createCharts() {
  const chart = (name, options) =>
    createChart(byId(`chart-${name}`), { ...options, output: byId(`chart-${name}-value`) })
  return {
    rate: chart('rate', {
      title: 'Items finished and failed a second',
      format: rate,
      series: [
        { name: 'finished', colour: '--accent', isFilled: true },
        { name: 'failed', colour: '--bad' },
      ],
    }),
    active: chart('active', {
      title: 'Items in flight on this node',
      format: rate,
      series: [{ name: 'in flight', colour: '--accent', isFilled: true }],
    }),
    latency: chart('latency', {
      title: 'Time from selection to result, by minute, all nodes',
      format: duration,
      series: [
        { name: 'p50', colour: '--accent' },
        { name: 'p95', colour: '--violet' },
      ],
    }),
    p95: chart('p95', {
      title: 'Attempt duration on this node, 95th percentile',
      format: duration,
      series: [{ name: 'p95', colour: '--accent', isFilled: true }],
    }),
  }
}

function drawStats(stats) {
  const { items, durations } = stats
  // Figures of all nodes where the supervisor tells them, else of its own.
  const work = stats.cluster ?? { ...stats.node, slots: stats.slots, durations }
  setText('rate', rate(stats.ratePerSecond))
  const attempts = stats.cluster?.attemptsPerSecond ?? stats.attemptsPerSecond
  setText('rate-note', `${rate(stats.errorsPerSecond)}/s failed · ${rate(attempts)}/s attempts`)
  setText('ok', percent(stats.completedRatio))
  setText('ok-note', `of ${count(stats.finished)} finished since the start`)
  setText('slots', `${count(work.slots.active)} / ${count(work.slots.total)}`)
  byId('slots-meter').value = work.slots.total === 0 ? 0 : work.slots.active / work.slots.total
  setText('left', count(items.queued))
  const oldest = stats.oldestQueuedMs
  setText('left-note', oldest === undefined ? 'none waits' : `the oldest for ${duration(oldest)}`)
  setText('eta', duration(stats.etaMs))
  setText('eta-note', `${count(items.queued + items.processing + items.delayed)} items left`)
  setText('duration', duration(work.durations.p50Ms))
  setText('duration-note', `p95 ${duration(work.durations.p95Ms)}, last minute`)
  setText('retried', count(stats.retried))
  setText('retried-note', 'attempts tried again')
  setText('reclaimed', count(stats.reclaimed))
  setText('reclaimed-note', 'items of dead workers')
  drawItems(items)
  drawLedger(stats, work)
  drawFailures(stats.cluster?.failures ?? stats.failures)
  drawProblems(stats.problems)
  drawAudit(stats.audit)
  const where = stats.cluster === undefined ? 'this node' : 'cluster'
  setText('failures-where', where)
  setText('ledger-where', where)
}

function drawItems(items) {
  for (const part of byId('progress').children) part.style.flexGrow = items[part.dataset.state]
  for (const state of ITEM_STATES) setText(state, count(items[state]))
  const words = ITEM_STATES.map((state) => `${count(items[state])} ${state}`).join(', ')
  byId('progress').setAttribute('aria-label', `Items by state: ${words}`)
}

function drawAudit(audit) {
  for (const [id, field] of [
    ['lost', 'lost'],
    ['applied-twice', 'appliedTwice'],
  ]) {
    const found = audit?.[field]
    setText(id, found === undefined ? UNKNOWN : count(found))
    byId(id).dataset.tone = found === undefined ? 'quiet' : found > 0 ? 'bad' : 'good'
  }
  setText('fetched-again', audit === undefined ? UNKNOWN : count(audit.fetchedAgain))
  setText('audit-note', audit === undefined ? 'not audited yet' : 'counted from the tables')
}

function drawLedger(stats, work) {
  setText('rejected', count(work.rejected))
  setText('attempts', count(work.attempts))
  setText('requests', count(work.requests))
  setText('reused', percent(work.reusedRatio))
  setText('bytes', bytes(work.bytes))
  setText('result-rows', count(work.resultRows))
  const beat = stats.heartbeatAgeMs
  setText('heartbeat', beat === undefined ? UNKNOWN : `${duration(beat)} ago`)
  setText('figures-age', duration(stats.figuresAgeMs))
  setText('live-clients', count(stats.liveClients))
}

function drawFailures(failures) {
  const entries = Object.entries(failures).sort(([, a], [, b]) => b - a)
  const all = entries.reduce((sum, [, amount]) => sum + amount, 0)
  const rows = entries.map(([code, amount]) => ({
    key: code,
    cells: [code, count(amount), percent(amount / all)],
  }))
  syncRows(byId('failures'), rows, new Set([1, 2]))
  drawShares(
    'failures',
    entries.map(([, amount]) => amount / all),
  )
}

/** Errors of all workflows; each leads to its items. */
function drawErrors(workflows) {
  const all = Object.entries(workflows).flatMap(([workflow, { errors = {} }]) =>
    Object.entries(errors).map(([code, items]) => ({ workflow, code, items })),
  )
  const shown = all.sort((a, b) => b.items - a.items).slice(0, ERRORS_SHOWN)
  const total = all.reduce((sum, { items }) => sum + items, 0)
  const rows = shown.map(({ workflow, code, items }) => ({
    key: `${workflow} ${code}`,
    cells: [
      { text: code, href: `#items?${new URLSearchParams({ workflow, state: 'Error', code })}` },
      workflow,
      count(items),
    ],
  }))
  syncRows(byId('errors'), rows, new Set([2]))
  drawShares(
    'errors',
    shown.map(({ items }) => items / total),
  )
}

function drawShares(id, shares) {
  for (const [index, row] of [...byId(id).children].entries()) {
    row.style.setProperty('--share', `${(shares[index] ?? 0) * 100}%`)
  }
  byId(`${id}-empty`).hidden = shares.length > 0
}

function drawProblems(problems) {
  byId('problems').hidden = problems.length === 0
  const list = byId('problems-list')
  const shown = [...list.children].map((line) => line.textContent)
  if (shown.join('\n') === problems.join('\n')) return
  list.replaceChildren(...problems.map((words) => element('li', {}, words)))
}

/** One line a workflow: what binds, and what would change it. */
function drawWhys(verdicts) {
  const key = JSON.stringify(verdicts)
  const list = byId('whys')
  if (list.dataset.key === key) return
  list.dataset.key = key
  byId('whys-empty').hidden = verdicts.length > 0
  setText('whys-empty', 'No workflow is known yet.')
  list.replaceChildren(
    ...verdicts.map(({ workflow, binding, words, advice }) => {
      const line = element('div')
      const term = element('dt')
      term.append(element('a', { href: '#workflows' }, workflow))
      const told = element('dd', { 'data-tone': CALM.has(binding) ? '' : 'warn' }, words)
      line.append(term, told)
      if (advice !== null) line.append(element('dd', { class: 'note' }, `To change it: ${advice}`))
      return line
    }),
  )
}

/** History says -1 for what was not known. */
const known = (value) => (value === undefined || value < 0 ? null : value)

/**
 * Seconds as this supervisor has them, and before its start minutes as the database has them: a
 * reload and a restart both leave the picture whole.
 */
function drawHistory(history, stats, { charts, minutes }) {
  const startedAt = stats.startedAtMs / 1_000
  const points = Object.entries(history)
    .map(([second, values]) => ({ at: startedAt + Number(second), values }))
    .sort((a, b) => a.at - b.at)
  const first = points[0]?.at ?? Date.now() / 1_000
  const before = minutesOf(minutes).filter(({ at }) => at + 60 <= first)
  const rates = points.map(({ at, values }) => [at, known(values[0]), known(values[1])])
  charts.rate.update([
    ...before.map(({ at, completed, failed }) =>
      Object.assign([at + 30, (completed + failed) / 60, failed / 60], { gap: 90 }),
    ),
    ...rates.map((point, index) => (index === 0 ? Object.assign(point, { gap: 90 }) : point)),
  ])
  charts.active.update(points.map(({ at, values }) => [at, known(values[2])]))
  charts.p95.update(points.map(({ at, values }) => [at, known(values[3])]))
  drawSpark(
    byId('spark'),
    points
      .slice(-SPARK_SECONDS)
      .map(({ values }) => values[0])
      .filter((value) => value >= 0),
  )
}

/** Minutes over all workflows; of percentiles the largest, which is the honest one of several. */
function minutesOf(minutes) {
  const byMinute = new Map()
  for (const { atMs, completed, failed, p50Ms, p95Ms } of minutes) {
    const at = atMs / 1_000
    const sum = byMinute.get(at) ?? { at, completed: 0, failed: 0, p50Ms: null, p95Ms: null }
    sum.completed += completed
    sum.failed += failed
    if (p50Ms !== null) sum.p50Ms = Math.max(sum.p50Ms ?? 0, p50Ms)
    if (p95Ms !== null) sum.p95Ms = Math.max(sum.p95Ms ?? 0, p95Ms)
    byMinute.set(at, sum)
  }
  return [...byMinute.values()].sort((a, b) => a.at - b.at)
}

function drawLatency(minutes, chart) {
  const since = Date.now() / 1_000 - (MINUTES_SHOWN + 1) * 60
  const shown = minutesOf(minutes).filter(({ at }) => at >= since)
  chart.update(
    shown.map(({ at, p50Ms, p95Ms }) => Object.assign([at + 30, p50Ms, p95Ms], { gap: 150 })),
  )
}
