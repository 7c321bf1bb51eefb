// The same figures for a log or a program: a line of words, or of JSON, now and then.

import type { LiveState } from '../../../src/telemetry/merge-patch.js'
import { list, num, word } from './fields.js'
import {
  harmless,
  showCount,
  showFigure,
  showMs,
  showRate,
  showShare,
  showSlots,
} from './format.js'
import type { LinkView } from './live-link.js'
import { progressOf, slotsOf, type Topics } from './overview.js'

/** One line of words. @param atMs wall clock of the server. */
export function figuresLine({ stats }: Topics, atMs: number): string {
  const { done, all, share } = progressOf(stats)
  const slots = slotsOf(stats)
  const nodes = num(stats, 'cluster', 'nodes') ?? 1
  const problems = list(stats, 'problems')
  const eta = num(stats, 'etaMs')
  return [
    new Date(atMs).toISOString().slice(0, 19).concat('Z'),
    word(stats, 'state') ?? 'unknown',
    `${showCount(done)}/${showCount(all)}${share === undefined ? '' : ` (${showShare(share)})`}`,
    showRate(num(stats, 'ratePerSecond')),
    `ok ${showShare(num(stats, 'completedRatio'))}`,
    `failed ${showFigure(num(stats, 'items', 'error'))}`,
    `in flight ${showSlots(slots.active, slots.total)}`,
    `p95 ${showMs(p95Of(stats))}`,
    ...(eta === undefined ? [] : [`ETA ${showMs(eta)}`]),
    nodes === 1 ? '1 node' : `${nodes} nodes`,
    ...(problems.length === 0 ? [] : [`! ${harmless(problems.join('; '))}`]),
  ].join('  ')
}

const p95Of = (stats: LiveState | undefined) =>
  num(stats, 'cluster', 'durations', 'p95Ms') ?? num(stats, 'durations', 'p95Ms')

/** One line of JSON: the states of the topics as the live channel has them. */
export function figuresJson(view: LinkView): string {
  const at = new Date(view.serverMs).toISOString()
  return JSON.stringify({ schema: 1, t: 'figures', at, server: view.server, ...view.topics })
}

/** One line of JSON when the connection changes. */
export function linkJson({ status, words, name }: LinkView): string {
  return JSON.stringify({ schema: 1, t: 'link', status, words, name })
}

/** The same in words. */
export function linkWords({ status, words, name }: LinkView): string {
  if (status === 'live') return `Connected to ${name}.`
  return `Not connected to ${name === '' ? 'a node' : name}: ${words}; trying again.`
}
