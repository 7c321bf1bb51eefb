import { createChart, drawSpark } from './chart.js'
import { byId, element, setText, syncRows } from './dom.js'
import { bytes, count, duration, percent, rate, timeOfDay, UNKNOWN } from './format.js'

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
const LEVEL_TONES = { debug: 'quiet', info: 'quiet', warn: 'warn', error: 'bad' }
const ITEM_STATES = ['complete', 'error', 'cancelled', 'processing', 'delayed', 'queued']
const SPARK_SECONDS = 120

/** Draws everything; returns the functions that draw again. */
export function createView() {
  const charts = createCharts()
  return {
    drawConnection,
    draw: (topics, serverNowMs) => {
      if (topics.stats !== undefined) drawStats(topics.stats)
      if (topics.workflows !== undefined) drawWorkflows(topics.workflows)
      if (topics.nodes !== undefined) drawNodes(topics.nodes, serverNowMs)
      if (topics.events !== undefined) drawEvents(topics.events)
      if (topics.history !== undefined) drawHistory(topics.history, charts)
    },
  }
}

function createCharts() {
  const chart = (name, options) =>
    createChart(byId(`chart-${name}`), { ...options, output: byId(`chart-${name}-value`) })
  return [
    chart('rate', {
      title: 'Items a second',
      format: rate,
      series: [
        { name: 'rate', pick: ([finished]) => known(finished) },
        { name: 'bad', pick: ([, failed]) => known(failed) },
      ],
    }),
    chart('active', {
      title: 'Items in flight',
      format: rate,
      series: [{ name: 'active', pick: ([, , active]) => active }],
    }),
    chart('p95', {
      title: 'Attempt duration, 95th percentile',
      format: duration,
      series: [{ name: 'p95', pick: ([, , , p95]) => known(p95) }],
    }),
  ]
}

/** History says -1 for what was not known. */
function known(value) {
  return value < 0 ? undefined : value
}

function drawConnection({ words, tone, isStale, where, footer }) {
  setText('connection-words', words)
  byId('connection').dataset.tone = tone
  byId('main').classList.toggle('stale', isStale)
  setText('where', where)
  setText('footer', footer)
}

function drawStats(stats) {
  const { items, slots, node, durations } = stats
  byId('state').dataset.tone = STATE_TONES[stats.state] ?? 'quiet'
  const state = STATE_WORDS[stats.state] ?? stats.state
  document.title = `${rate(stats.ratePerSecond)}/s · ${state} · Fetchyard`
  setText('state', state)

  setText('rate', rate(stats.ratePerSecond))
  setText(
    'rate-note',
    `${rate(stats.errorsPerSecond)}/s failed · ${rate(stats.attemptsPerSecond)}/s attempts here`,
  )
  setText('ok', percent(stats.completedRatio))
  setText('ok-note', `of ${count(stats.finished)} finished since the start`)
  setText('slots', `${count(slots.active)} / ${count(slots.total)}`)
  byId('slots-meter').value = slots.total === 0 ? 0 : slots.active / slots.total
  setText('eta', duration(stats.etaMs))
  setText('eta-note', `${count(items.queued + items.processing + items.delayed)} items left`)
  setText('duration', duration(durations.p50Ms))
  setText('duration-note', `p95 ${duration(durations.p95Ms)}, last minute`)
  drawItems(items)
  drawLedger(stats, node)
  drawFailures(stats.failures)
  drawProblems(stats.problems)
}

function drawItems(items) {
  for (const part of byId('progress').children) part.style.flexGrow = items[part.dataset.state]
  for (const state of ITEM_STATES) setText(state, count(items[state]))
  const words = ITEM_STATES.map((state) => `${count(items[state])} ${state}`).join(', ')
  byId('progress').setAttribute('aria-label', `Items by state: ${words}`)
}

function drawLedger(stats, node) {
  setText('retried', count(stats.retried))
  setText('reclaimed', count(stats.reclaimed))
  setText('rejected', count(node.rejected))
  setText('attempts', count(node.attempts))
  setText('requests', count(node.requests))
  setText('reused', percent(node.reusedRatio))
  setText('bytes', bytes(node.bytes))
  setText('result-rows', count(node.resultRows))
  const beat = stats.heartbeatAgeMs
  setText('heartbeat', beat === undefined ? UNKNOWN : `${duration(beat)} ago`)
  const audit = { lost: 'lost', 'applied-twice': 'appliedTwice', 'fetched-again': 'fetchedAgain' }
  for (const [id, field] of Object.entries(audit)) {
    const found = stats.audit?.[field]
    setText(id, found === undefined ? 'not audited' : count(found))
    byId(id).classList.toggle('unknown', found === undefined)
    byId(id).dataset.tone = found > 0 && field !== 'fetchedAgain' ? 'bad' : ''
  }
}

function drawFailures(failures) {
  const entries = Object.entries(failures).sort(([, a], [, b]) => b - a)
  const all = entries.reduce((sum, [, amount]) => sum + amount, 0)
  const rows = entries.map(([code, amount]) => ({
    key: code,
    cells: [code, count(amount), percent(amount / all)],
  }))
  syncRows(byId('failures'), rows, new Set([1, 2]))
  for (const [index, row] of [...byId('failures').children].entries()) {
    row.style.setProperty('--share', `${((entries[index]?.[1] ?? 0) / all) * 100}%`)
  }
  byId('failures-empty').hidden = rows.length > 0
}

function drawProblems(problems) {
  byId('problems').hidden = problems.length === 0
  const list = byId('problems-list')
  const shown = [...list.children].map((line) => line.textContent)
  if (shown.join('\n') === problems.join('\n')) return
  list.replaceChildren(...problems.map((words) => element('li', {}, words)))
}

function drawWorkflows(workflows) {
  const rows = Object.entries(workflows).map(([name, own]) => ({
    key: name,
    cells: [
      name,
      workflowState(own),
      rate(own.ratePerSecond),
      percent(own.completedRatio),
      count(own.queued),
      count(own.processing),
      count(own.delayed),
      count(own.complete),
      { text: count(own.error), tone: own.error > 0 ? 'bad' : '' },
      `${count(own.slots.active)} / ${count(own.slots.total)}`,
      duration(own.durations.p50Ms),
      duration(own.durations.p95Ms),
      duration(own.oldestQueuedMs),
      duration(own.etaMs),
    ],
  }))
  syncRows(byId('workflows'), rows, new Set([2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13]))
  byId('workflows-empty').hidden = rows.length > 0
}

function workflowState({ pausedBy, queued, processing, delayed }) {
  if (pausedBy.length > 0) return { text: `paused: ${pausedBy.join(', ')}`, tone: 'warn' }
  if (processing > 0 || queued > 0) return { text: 'running', tone: 'good' }
  return delayed > 0 ? { text: 'waiting', tone: 'good' } : { text: 'idle', tone: 'quiet' }
}

const NODE_TONES = { alive: 'good', stale: 'warn', fenced: 'bad' }
const WORKER_TONES = { ready: 'good', starting: 'quiet', exited: 'bad' }

function drawNodes(nodes, serverNowMs) {
  const rows = Object.entries(nodes).flatMap(([nodeId, node]) => [
    nodeRow(nodeId, node, serverNowMs),
    ...Object.entries(node.workers).map(([workerId, worker]) =>
      workerRow({ nodeId, workerId, worker, serverNowMs }),
    ),
  ])
  syncRows(byId('nodes'), rows, new Set([4, 5, 6, 7, 8, 9, 10]))
  byId('nodes-empty').hidden = rows.length > 0
}

function nodeRow(nodeId, node, serverNowMs) {
  const workers = Object.values(node.workers).filter((worker) => worker.state !== 'exited')
  const sum = (field) => workers.reduce((total, worker) => total + worker[field], 0)
  return {
    key: nodeId,
    className: 'node',
    cells: [
      { text: `${node.name} on ${node.host}${node.isSelf ? ' (this node)' : ''}`, title: nodeId },
      `${count(node.leasedItems)} items leased`,
      'supervisor',
      { text: node.state, tone: NODE_TONES[node.state] ?? '' },
      String(node.pid),
      duration(Math.max(0, serverNowMs - node.startedAtMs)),
      '',
      node.isSelf ? count(sum('active')) : '',
      node.isSelf ? count(sum('slots')) : '',
      node.isSelf ? bytes(sum('memoryBytes')) : '',
      '',
    ],
  }
}

function workerRow({ nodeId, workerId, worker, serverNowMs }) {
  const isGone = worker.state === 'exited'
  return {
    key: `${nodeId} ${workerId}`,
    className: 'worker',
    cells: [
      workerId,
      worker.workflow,
      worker.kind,
      { text: worker.state, tone: WORKER_TONES[worker.state] ?? '' },
      String(worker.pid),
      isGone ? '' : duration(Math.max(0, serverNowMs - worker.startedAtMs)),
      count(worker.restarts),
      count(worker.active),
      count(worker.slots),
      isGone ? '' : bytes(worker.memoryBytes),
      isGone ? '' : duration(worker.eventLoopDelayMs),
    ],
  }
}

function drawEvents(events) {
  const list = byId('events')
  const wanted = Object.entries(events).sort(([a], [b]) => Number(b) - Number(a))
  const known = new Map([...list.children].map((line) => [line.dataset.key, line]))
  if (known.size === wanted.length && wanted.every(([key]) => known.has(key))) return
  list.replaceChildren(...wanted.map(([key, event]) => known.get(key) ?? eventLine(key, event)))
  byId('events-empty').hidden = wanted.length > 0
}

function eventLine(key, { atMs, level, name, words }) {
  const line = element('li', { title: name })
  line.dataset.key = key
  const time = element('time', { datetime: new Date(atMs).toISOString() }, timeOfDay(atMs))
  const tag = element('span', { 'data-tone': LEVEL_TONES[level] ?? 'quiet' }, level)
  line.append(time, tag, element('span', { class: 'words' }, words))
  return line
}

function drawHistory(history, charts) {
  const points = Object.entries(history)
    .map(([second, values]) => ({ second: Number(second), values }))
    .sort((a, b) => a.second - b.second)
  for (const chart of charts) chart.update(points)
  drawSpark(
    byId('spark'),
    points.slice(-SPARK_SECONDS).map(({ values }) => Math.max(0, values[0])),
  )
}
