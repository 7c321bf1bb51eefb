// The pages that are tables: workflows, nodes with their workers, hosts, events.

import type { LiveState } from '../../../src/telemetry/merge-patch.js'
import { counts, group, isOn, list, num, word } from './fields.js'
import { showBytes, showFigure, showMs, showRate, showShare, showSlots, UNKNOWN } from './format.js'
import { dim, type Line, red, table, yellow } from './lines.js'
import type { Topics } from './overview.js'

const NAME_CHARACTERS_MAX = 36

const slotsOf = (state: LiveState, ...path: string[]) =>
  showSlots(num(state, ...path, 'slots', 'active'), num(state, ...path, 'slots', 'total'))

export function workflowTable({ workflows, rollouts }: Topics): readonly Line[] {
  const rows = group(workflows).map(([name, own]) => {
    const share = word(own, 'cluster') === undefined && num(own, 'cluster', 'nodes') !== undefined
    const path = share ? ['cluster'] : []
    return [
      name,
      showFigure(num(own, 'queued')),
      slotsOf(own, ...path),
      showFigure(num(own, 'delayed')),
      showFigure(num(own, 'complete')),
      showFigure(num(own, 'error')),
      showShare(num(own, 'completedRatio')),
      showRate(num(own, 'ratePerSecond')),
      showMs(num(own, ...path, 'durations', 'p95Ms')),
      showMs(num(own, 'etaMs')),
      modeOf(rollouts, name),
      list(own, 'pausedBy').join(', ') || 'no',
    ]
  })
  const headings = ['workflow', 'queued', 'in flight', 'delayed', 'complete', 'error', 'ok']
  return table([...headings, 'rate', 'p95', 'ETA', 'mode', 'paused'], rows)
}

function modeOf(rollouts: LiveState | undefined, name: string): string {
  const mode = word(rollouts, name, 'mode')
  const share = num(rollouts, name, 'rollout')
  if (mode === undefined) return UNKNOWN
  return mode === 'concurrent' && share !== undefined && share < 100 ? `${share} %` : mode
}

/** Each node with its workers below it. */
export function nodeTable({ nodes }: Topics, serverMs: number): readonly Line[] {
  const rows = group(nodes).flatMap(([, node]) => [
    nodeRow(node, serverMs),
    ...group(node, 'workers').map(([id, worker]) => workerRow(id, worker, serverMs)),
  ])
  const headings = ['node', 'pid', 'state', 'up', 'in flight', 'leased', 'rate', 'memory']
  return table([...headings, 'loop', 'restarts', 'heard'], rows)
}

function nodeRow(node: LiveState, serverMs: number) {
  return [
    `${word(node, 'name') ?? UNKNOWN}${isOn(node, 'isSelf') ? ' *' : ''}`,
    String(num(node, 'pid') ?? UNKNOWN),
    word(node, 'state') ?? UNKNOWN,
    upOf(node, serverMs),
    slotsOf(node),
    showFigure(num(node, 'leasedItems')),
    showRate(num(node, 'attemptsPerSecond')),
    showBytes(num(node, 'memoryBytes')),
    showMs(num(node, 'eventLoopDelayMs')),
    '',
    showMs(num(node, 'heartbeatAgeMs')),
  ]
}

function workerRow(id: string, worker: LiveState, serverMs: number) {
  return [
    `  ${id} (${word(worker, 'kind') ?? UNKNOWN})`,
    String(num(worker, 'pid') ?? UNKNOWN),
    word(worker, 'state') ?? UNKNOWN,
    upOf(worker, serverMs),
    showSlots(num(worker, 'active'), num(worker, 'slots')),
    '',
    '',
    showBytes(num(worker, 'memoryBytes')),
    showMs(num(worker, 'eventLoopDelayMs')),
    showFigure(num(worker, 'restarts')),
    '',
  ]
}

function upOf(state: LiveState, serverMs: number): string {
  const startedAtMs = num(state, 'startedAtMs')
  return startedAtMs === undefined ? UNKNOWN : showMs(Math.max(0, serverMs - startedAtMs))
}

export function hostTable({ lanes }: Topics, serverMs: number): readonly Line[] {
  const all = group(lanes).flatMap(([workflow]) =>
    group(lanes, workflow).map(([lane, own]) => ({ workflow, lane, own })),
  )
  const weight = (own: LiveState) => (num(own, 'active') ?? 0) + (num(own, 'waiting') ?? 0)
  const rate = (own: LiveState) => num(own, 'perSecond') ?? 0
  const rows = all
    .sort((a, b) => weight(b.own) - weight(a.own) || rate(b.own) - rate(a.own))
    .map(({ workflow, lane, own }) => [
      lane === '*' ? '(upstream)' : shortened(lane),
      workflow,
      showRate(num(own, 'perSecond')),
      showFigure(num(own, 'active')),
      showFigure(num(own, 'waiting')),
      showMs(num(own, 'p95Ms')),
      heldOf(own, serverMs),
      word(own, 'breaker') ?? UNKNOWN,
      counts(own, 'outcomes')
        .map(([code, count]) => `${code} ${showFigure(count)}`)
        .join(' '),
    ])
  const headings = ['host', 'workflow', 'rate', 'active', 'waiting', 'p95', 'held by', 'breaker']
  return table([...headings, 'last minute'], rows)
}

/** Of a long name the end tells more than the beginning. */
function shortened(name: string): string {
  const characters = [...name]
  if (characters.length <= NAME_CHARACTERS_MAX) return name
  return `…${characters.slice(1 - NAME_CHARACTERS_MAX).join('')}`
}

function heldOf(own: LiveState, serverMs: number): string {
  const reason = word(own, 'heldBy')
  const opensAtMs = num(own, 'opensAtMs')
  if (reason === undefined) return ''
  return opensAtMs === undefined || opensAtMs <= serverMs
    ? reason
    : `${reason}, ${showMs(opensAtMs - serverMs)}`
}

const LEVELS = { warn: yellow, error: red } as const

/** The newest first. */
export function eventLines({ events }: Topics): readonly Line[] {
  const all = group(events).map(([number, event]) => ({ number: Number(number), event }))
  return all
    .sort((a, b) => b.number - a.number)
    .map(({ event }): Line => {
      const level = word(event, 'level') ?? ''
      const at = new Date(num(event, 'atMs') ?? 0).toISOString().slice(11, 19)
      const mark = level === 'warn' || level === 'error' ? LEVELS[level](level) : dim(level)
      return [
        dim(`${at}  `),
        mark,
        ' '.repeat(Math.max(1, 6 - level.length)),
        [word(event, 'node'), word(event, 'words')].filter((part) => part).join(': '),
      ]
    })
}
