// The tree of supervisors, their workers, and the threads within a supervisor's own process.

import { byId, element, setText, syncRows } from './dom.js'
import { bytes, count, duration, UNKNOWN } from './format.js'

const NODE_TONES = { alive: 'good', stale: 'warn', fenced: 'bad' }
const WORKER_TONES = { ready: 'good', starting: 'quiet', exited: 'bad' }
const NUMBERS = new Set([4, 5, 6, 7, 8, 9, 10, 11])
/** Loop delays and ages of heartbeats from which on they are worth a look. */
const DELAY_MS_HIGH = 100
const BEAT_MS_HIGH = 15_000
/** Workers that ended, of which there may be many while something kills them. */
const ENDED_SHOWN = 3

export function createNodes() {
  /** Nodes whose workers are folded away. */
  const folded = new Set()
  let last = null
  const draw = (nodes, serverNowMs) => {
    last = { nodes, serverNowMs }
    const rows = Object.entries(nodes).flatMap(([nodeId, node]) => [
      nodeRow(nodeId, node, { serverNowMs, isFolded: folded.has(nodeId), fold }),
      ...(folded.has(nodeId) ? [] : workerRows(nodeId, node, serverNowMs)),
    ])
    syncRows(byId('nodes'), rows, NUMBERS)
    byId('nodes-empty').hidden = rows.length > 0
  }
  const fold = (nodeId) => {
    if (!folded.delete(nodeId)) folded.add(nodeId)
    if (last !== null) draw(last.nodes, last.serverNowMs)
  }
  return { draw }
}

function nodeRow(nodeId, node, { serverNowMs, isFolded, fold }) {
  const workers = Object.values(node.workers).filter((worker) => worker.state !== 'exited')
  const sum = (field) => workers.reduce((total, worker) => total + worker[field], 0)
  const isHeard = workers.length > 0
  const slots = node.slots ?? { active: sum('active'), total: sum('slots') }
  const refused = Object.keys(node.refused ?? {})
  const beat = node.heartbeatAgeMs
  return {
    key: nodeId,
    className: 'node',
    cells: [
      { draw: (cell) => drawName(cell, { nodeId, node, isFolded, fold }) },
      refused.length === 0 ? '' : { text: `refused ${refused.join(', ')}`, tone: 'warn' },
      'supervisor',
      { text: node.state, tone: NODE_TONES[node.state] ?? '' },
      String(node.pid),
      duration(Math.max(0, serverNowMs - node.startedAtMs)),
      isHeard ? count(Math.max(...workers.map((worker) => worker.restarts))) : '',
      node.memoryBytes === undefined ? '' : bytes(node.memoryBytes),
      delayCell(node.eventLoopDelayMs),
      isHeard ? `${count(slots.active)} / ${count(slots.total)}` : '',
      count(node.leasedItems),
      beat === undefined
        ? ''
        : { text: `${duration(beat)} ago`, tone: beat > BEAT_MS_HIGH ? 'warn' : '' },
    ],
  }
}

function drawName(cell, { nodeId, node, isFolded, fold }) {
  if (cell.firstElementChild === null) {
    const button = element('button', { type: 'button', class: 'fold' })
    button.addEventListener('click', () => fold(nodeId))
    cell.append(button)
  }
  const button = cell.firstElementChild
  button.setAttribute('aria-expanded', String(!isFolded))
  if (button.title !== nodeId) button.title = nodeId
  setText(button, `${node.name} on ${node.host}${node.isSelf ? ' (this node)' : ''}`)
}

/** Processes stand under their supervisor, threads under the supervisor's process as well. */
function workerRows(nodeId, node, serverNowMs) {
  const workers = Object.entries(node.workers)
  const living = workers.filter(([, worker]) => worker.state !== 'exited')
  const ended = workers.filter(([, worker]) => worker.state === 'exited')
  const row = (kind) => living.filter(([, worker]) => worker.kind === kind)
  const threads = row('thread')
  const group = (name, words) => ({
    key: `${nodeId} ${name}`,
    className: 'worker group',
    cells: [words, ...Array(11).fill('')],
  })
  const make =
    (className) =>
    ([workerId, worker]) =>
      workerRow({ nodeId, workerId, worker, serverNowMs, className })
  return [
    ...row('process').map(make('worker')),
    ...(threads.length === 0
      ? []
      : [
          group('threads', `${threads.length} threads in the supervisor’s process`),
          ...threads.map(make('worker thread')),
        ]),
    ...(ended.length === 0
      ? []
      : [
          group('ended', `${ended.length} ended within the last minute`),
          ...ended.slice(-ENDED_SHOWN).map(make('worker thread')),
        ]),
  ]
}

function workerRow({ nodeId, workerId, worker, serverNowMs, className }) {
  const isGone = worker.state === 'exited'
  return {
    key: `${nodeId} ${workerId}`,
    className,
    cells: [
      workerId,
      worker.workflow,
      worker.kind,
      { text: worker.state, tone: WORKER_TONES[worker.state] ?? '' },
      String(worker.pid),
      isGone ? '' : duration(Math.max(0, serverNowMs - worker.startedAtMs)),
      { text: count(worker.restarts), tone: worker.restarts > 0 ? 'warn' : '' },
      isGone ? '' : bytes(worker.memoryBytes),
      isGone ? '' : delayCell(worker.eventLoopDelayMs),
      `${count(worker.active)} / ${count(worker.slots)}`,
      '',
      '',
    ],
  }
}

function delayCell(delayMs) {
  if (delayMs === undefined) return UNKNOWN
  return { text: duration(delayMs), tone: delayMs > DELAY_MS_HIGH ? 'warn' : '' }
}
