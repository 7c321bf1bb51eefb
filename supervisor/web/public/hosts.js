// Hosts, and upstreams as a whole: how attempts at them ended, and when the next one may begin.

import { byId, element, syncRows } from './dom.js'
import { count, distance, duration, percent, rate } from './format.js'

/** Name of the lane that stands for the upstream of a workflow. */
const UPSTREAM = '*'
const BREAKER_TONES = { closed: 'good', open: 'bad', 'half-open': 'warn' }
const HELD_WORDS = {
  concurrency: 'when one ends',
  delay: 'its delay',
  crawl_delay: 'its Crawl-delay',
  retry_after: 'its Retry-After',
  spared: 'after failures',
  other_nodes: 'on other nodes',
}
const NUMBERS = new Set([3, 5, 6, 7, 9])

export function createHosts() {
  let last = null
  const redraw = () => last !== null && draw(last.lanes, last.serverNowMs)
  byId('hosts-form').addEventListener('input', redraw)
  byId('hosts-form').addEventListener('submit', (event) => event.preventDefault())
  const draw = (lanes, serverNowMs) => {
    last = { lanes, serverNowMs }
    const wanted = byId('hosts-filter').value.trim().toLowerCase()
    const isTrouble = byId('hosts-trouble').checked
    const rows = Object.entries(lanes)
      .flatMap(([workflow, own]) =>
        Object.entries(own).map(([lane, state]) => ({ workflow, lane, ...state })),
      )
      .filter((host) => host.lane.includes(wanted) && (!isTrouble || inTrouble(host)))
      .sort((a, b) => b.perSecond + b.active + b.waiting - (a.perSecond + a.active + a.waiting))
      .map((host) => hostRow(host, serverNowMs))
    syncRows(byId('hosts'), rows, NUMBERS)
    byId('hosts-empty').hidden = rows.length > 0
  }
  return { draw }
}

function inTrouble({ breaker, waiting, outcomes }) {
  const { ok = 0, ...failed } = outcomes
  const failures = Object.values(failed).reduce((sum, amount) => sum + amount, 0)
  return breaker !== 'closed' || waiting > 0 || failures > ok
}

function hostRow(host, serverNowMs) {
  const { workflow, lane, breaker, outcomes } = host
  const isUpstream = lane === UPSTREAM
  const items = `#items?${new URLSearchParams({ workflow, host: lane })}`
  return {
    key: `${workflow} ${lane}`,
    cells: [
      isUpstream ? 'the upstream as a whole' : { text: lane, href: items, title: lane },
      workflow,
      { text: breaker, tone: BREAKER_TONES[breaker] ?? '' },
      rate(host.perSecond),
      { draw: (cell) => drawMix(cell, outcomes) },
      duration(host.p95Ms),
      count(host.active),
      { text: count(host.waiting), tone: host.waiting > 0 ? 'warn' : '' },
      nextCell(host, serverNowMs),
      count(host.nodes),
    ],
  }
}

function nextCell({ opensAtMs, heldBy }, serverNowMs) {
  if (heldBy === undefined) return { text: 'now', tone: 'quiet' }
  const why = HELD_WORDS[heldBy] ?? heldBy
  if (opensAtMs === undefined || opensAtMs <= serverNowMs) return { text: why, tone: 'quiet' }
  return { text: `${distance(opensAtMs, serverNowMs)}: ${why}`, tone: 'warn' }
}

/** A bar of good and failed ends, and the largest failure in words. */
function drawMix(cell, outcomes) {
  const entries = Object.entries(outcomes).sort(([, a], [, b]) => b - a)
  const total = entries.reduce((sum, [, amount]) => sum + amount, 0)
  const key = JSON.stringify(entries)
  if (cell.dataset.key === key) return
  cell.dataset.key = key
  const ok = outcomes.ok ?? 0
  const bar = element('span', { class: 'mix', 'aria-hidden': 'true' })
  const [good, bad] = [
    element('i', { 'data-state': 'complete' }),
    element('i', { 'data-state': 'error' }),
  ]
  good.style.flexGrow = ok
  bad.style.flexGrow = total - ok
  bar.append(good, bad)
  const worst = entries.find(([code]) => code !== 'ok')
  const words =
    total === 0
      ? 'none ended'
      : worst === undefined
        ? `${count(ok)} ok`
        : `${percent(ok / total)} ok, ${count(worst[1])} ${worst[0]}`
  cell.title = entries.map(([code, amount]) => `${code} ${amount}`).join(', ')
  cell.replaceChildren(bar, element('span', {}, words))
}
