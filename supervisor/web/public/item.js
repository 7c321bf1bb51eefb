// One item: every round and every attempt, how each ended and by whose hand.

import { byId, element, setText } from './dom.js'
import { drawFailurePages } from './failure-pages.js'
import { count, duration, moment } from './format.js'
import { ask, say } from './orders.js'

const STATUS_TONES = {
  success: 'good',
  error: 'bad',
  retry: 'warn',
  reclaimed: 'warn',
  cancelled: 'quiet',
}
const OPEN_STATES = ['Queued', 'Processing', 'Delayed']

export function createItem({ api, orders, onDone }) {
  const view = { name: null, access: 'read', state: null }
  byId('item-copy').addEventListener('click', () => copy(view.name?.key ?? ''))
  for (const button of byId('item-orders').children) {
    const { action } = button.dataset
    button.addEventListener('click', async () => {
      if (view.name === null) return
      const deed = { action, ...view.name }
      if (action === 'cancel' && !(await askToCancel(view.name))) return
      if (!(await orders.actOnItem(deed))) return
      await load({ api, view })
      onDone()
    })
  }
  return {
    open: ({ workflow, key, back }) => {
      byId('item').hidden = key === undefined
      byId('item-close').setAttribute('href', back)
      if (key === undefined || workflow === undefined) {
        view.name = null
        return
      }
      if (view.name?.key === key && view.name.workflow === workflow) return
      view.name = { workflow, key }
      byId('item-rounds').replaceChildren(element('p', { class: 'note' }, 'Looking …'))
      byId('item-pages').replaceChildren()
      setText('item-key', key)
      load({ api, view })
    },
    setAccess: (access) => {
      view.access = access
      drawOrders(view)
    },
  }
}

function askToCancel({ key, workflow }) {
  return ask({
    title: 'Cancel this item?',
    words: `${key} of ${workflow} ends for good. A result that its worker still brings is refused.`,
    yes: 'Cancel it',
  })
}

async function load({ api, view }) {
  const { name } = view
  try {
    const { rounds, pages } = await api.post('api/items/history', name)
    if (view.name !== name) return
    view.state = rounds[0]?.state ?? null
    setText('item-title', rounds.length === 0 ? 'There is no such item' : 'Item')
    byId('item-rounds').replaceChildren(...rounds.map(roundOf))
    drawFailurePages(byId('item-pages'), { api, name, rounds, pages })
    drawOrders(view)
    byId('item').scrollIntoView({ block: 'nearest' })
  } catch (error) {
    byId('item-rounds').replaceChildren(element('p', { 'data-tone': 'bad' }, error.message))
  }
}

function drawOrders({ access, state }) {
  byId('item-orders').hidden = access !== 'operate'
  const isOpen = OPEN_STATES.includes(state)
  const fitting = { retry: !isOpen && state !== null, promote: state === 'Delayed', cancel: isOpen }
  for (const button of byId('item-orders').children) {
    button.disabled = !fitting[button.dataset.action]
  }
}

function roundOf(round) {
  const part = element('section', { class: 'round' })
  const attempts = `${count(round.attempt)} ${round.attempt === 1 ? 'attempt' : 'attempts'}`
  const words = `Round ${round.round}: ${round.state ?? 'unknown'}, ${attempts} charged`
  const list = element('ol', { class: 'timeline' })
  list.append(
    step({ at: round.enqueuedAt, words: 'Enqueued', tone: 'quiet' }),
    ...round.attempts.map(attemptOf),
  )
  if (round.leaseHolder !== null) {
    const until = round.leaseExpiresAt === null ? '' : `, until ${timeOf(round.leaseExpiresAt)}`
    list.append(step({ at: null, words: `Leased by ${round.leaseHolder}${until}`, tone: 'busy' }))
  } else if (round.readyAt !== null) {
    const isLater = Date.parse(round.readyAt) > Date.now()
    list.append(
      step({ at: round.readyAt, words: isLater ? 'Ready' : 'Ready since', tone: 'quiet' }),
    )
  }
  part.append(element('h3', {}, words), list)
  return part
}

function attemptOf({
  endedAt,
  attempt,
  status,
  code,
  httpStatus,
  durationMs,
  node,
  error,
  leaseId,
}) {
  const facts = [
    `Attempt ${attempt}: ${status}`,
    code,
    ...(httpStatus === null ? [] : [`HTTP ${httpStatus}`]),
    ...(durationMs === null ? [] : [duration(durationMs)]),
    ...(node === null ? [] : [`${node.name}, pid ${node.pid} on ${node.host}`]),
    ...(leaseId === '0' ? [] : [`lease ${leaseId}`]),
  ]
  return step({
    at: endedAt,
    words: facts.join(' · '),
    tone: STATUS_TONES[status] ?? '',
    more: error,
  })
}

const timeOf = (iso) => moment(Date.parse(iso))

function step({ at, words, tone, more = null }) {
  const line = element('li', { 'data-tone': tone })
  line.append(
    at === null ? element('span', { class: 'when' }, 'now') : whenOf(at),
    element('span', { class: 'words' }, words),
  )
  if (more !== null) line.append(element('span', { class: 'words note' }, more))
  return line
}

function whenOf(iso) {
  return element('time', { class: 'when', datetime: iso }, timeOf(iso))
}

/** Over plain HTTP a page has no clipboard of its own; a selection is copied instead. */
async function copy(text) {
  try {
    await navigator.clipboard.writeText(text)
  } catch {
    getSelection().selectAllChildren(byId('item-key'))
    document.execCommand('copy')
    getSelection().removeAllRanges()
  }
  say('The key is copied.', 'good')
}
