// The screen of items: find them, see what became of one, and give orders to one or to all that
// match. Where nothing is indexed a page looks at a part and says so; looking further is a click.

import { byId, element, setOptions, setText, syncRows } from './dom.js'
import { count, moment, UNKNOWN } from './format.js'
import { createItem } from './item.js'
import { askAboutAll, say } from './orders.js'

const STATES = ['Queued', 'Processing', 'Delayed', 'Complete', 'Error', 'Cancelled']
export const ITEM_TONES = {
  Complete: 'good',
  Error: 'bad',
  Delayed: 'warn',
  Cancelled: 'quiet',
  Queued: 'quiet',
  Waiting: 'quiet',
  Processing: 'busy',
}
const CODES = [
  ...['ok', 'dns', 'connect', 'tls', 'timeout_connect', 'timeout_headers', 'timeout_body'],
  ...['timeout_total', 'reset', 'truncated', 'too_large', 'redirect', 'rate_limited', 'blocked'],
  ...['http_4xx', 'http_5xx', 'content_type', 'decode', 'robots', 'ssrf', 'url', 'budget'],
  ...['too_costly', 'known_failure', 'key_refused', 'request_refused', 'upstream_down', 'parse'],
  ...['handler', 'sink', 'poison', 'worker_lost', 'node_lost', 'cancelled'],
  ...['login_refused', 'site_refused', 'browser', 'disk_full', 'directory_refused'],
]
const FIELDS = ['workflow', 'state', 'code', 'host', 'text']
/** States in which an order finds something to do. */
const FITTING = {
  retry: ['', 'Error', 'Cancelled'],
  promote: ['', 'Delayed'],
  cancel: ['', 'Queued', 'Processing', 'Delayed'],
}
/** Rows that are kept on the page; finding more begins anew from there. */
const ROWS_MAX = 2_000

export function createItems({ api, orders }) {
  const view = { items: [], next: null, looked: 0, asked: '', access: 'read', api, orders }
  setOptions(byId('items-state'), [['', 'any'], ...STATES.map((state) => [state, state])])
  setOptions(byId('items-code'), [['', 'any'], ...CODES.map((code) => [code, code])])
  const item = createItem({ api, orders, onDone: () => refresh(view) })
  byId('items-form').addEventListener('submit', (event) => {
    event.preventDefault()
    location.hash = hashOf(filterOf())
  })
  for (const id of ['items-workflow', 'items-state', 'items-code']) {
    byId(id).addEventListener('change', () => byId('items-form').requestSubmit())
  }
  byId('items-more').addEventListener('click', () => find(view, { isMore: true }))
  for (const button of byId('items-orders').children) {
    const { action } = button.dataset
    if (action !== undefined) button.addEventListener('click', () => orderAll(view, action))
  }
  return {
    /** Shows what the address asks for. */
    open: (fields) => open(view, fields, item),
    draw: ({ workflows = {} }, access) => {
      view.access = access
      const names = Object.keys(workflows)
      setOptions(
        byId('items-workflow'),
        names.map((name) => [name, name]),
      )
      drawOrders(view)
      // The first names come after the page was opened.
      if (view.asked === '' && names.length > 0) open(view, view.fields ?? {}, item)
      item.setAccess(access)
    },
    move: (step) => moveBy(step),
  }
}

function filterOf() {
  const entries = FIELDS.map((name) => [name, byId(`items-${name}`).value.trim()])
  return Object.fromEntries(entries.filter(([, value]) => value !== ''))
}

export function hashOf(fields) {
  return `#items?${new URLSearchParams(fields)}`
}

function open(view, fields, item) {
  view.fields = fields
  const select = byId('items-workflow')
  if (select.options.length === 0) return
  for (const name of FIELDS) setField(byId(`items-${name}`), fields[name] ?? '')
  if (select.value === '') select.selectedIndex = 0
  drawOrders(view)
  const asked = JSON.stringify(filterOf())
  if (asked !== view.asked) {
    view.asked = asked
    find(view, { isMore: false })
  }
  item.open({ workflow: filterOf().workflow, key: fields.key, back: hashOf(filterOf()) })
}

/** A word that no option has is offered too: dropped, it would widen what orders are given to. */
function setField(field, value) {
  const options = [...(field.options ?? [])]
  if (field.options && value !== '' && !options.some((option) => option.value === value)) {
    const option = document.createElement('option')
    option.value = value
    option.textContent = value
    field.append(option)
  }
  field.value = value
}

function refresh(view) {
  find(view, { isMore: false })
}

async function find(view, { isMore }) {
  const filter = filterOf()
  const asked = view.asked
  setText('items-said', 'Looking …')
  try {
    const after = isMore ? view.next : null
    const { items, next, looked } = await view.api.post('api/items/find', { ...filter, after })
    if (view.asked !== asked) return
    view.items = isMore ? [...view.items, ...items].slice(-ROWS_MAX) : items
    view.next = next
    view.looked = isMore ? view.looked + looked : looked
    drawItems(view, filter)
    setText('items-said', wordsOf(view))
  } catch (error) {
    setText('items-said', error.message)
  }
}

function wordsOf({ items, next, looked }) {
  const found = `${count(items.length)} ${items.length === 1 ? 'item' : 'items'}`
  if (next === null) return `${found}: all that match.`
  return `${found} so far, after a look at ${count(looked)}.`
}

function drawItems({ items, next }, filter) {
  const rows = items.map((item) => ({
    key: item.itemId,
    cells: [
      { draw: (cell) => drawKey(cell, item, filter) },
      { text: item.state, tone: ITEM_TONES[item.state] ?? '' },
      count(item.attempt),
      { text: item.code ?? UNKNOWN, title: item.error ?? '' },
      item.httpStatus === null ? '' : String(item.httpStatus),
      item.endedAt === null ? UNKNOWN : moment(Date.parse(item.endedAt)),
      { draw: (cell) => drawUrl(cell, item) },
    ],
  }))
  syncRows(byId('items'), rows, new Set([2, 4]))
  byId('items-empty').hidden = items.length > 0
  setText('items-empty', next === null ? 'Nothing matches.' : 'Nothing matches in this part.')
  byId('items-more').hidden = next === null
}

function drawKey(cell, { key, round }, filter) {
  cell.className = 'key-cell'
  const link = cell.firstElementChild ?? element('a')
  if (link.parentNode !== cell) cell.append(link)
  const href = hashOf({ ...filter, key })
  if (link.getAttribute('href') !== href) link.setAttribute('href', href)
  setText(link, round === 1 ? key : `${key} (round ${round})`)
  if (cell.title !== key) cell.title = key
}

/** The URL of an item whose key is something else, else its host. */
function drawUrl(cell, { url, key, lane }) {
  cell.className = 'url-cell'
  const words = url === null || url === key ? lane : url
  setText(cell, words)
  if (cell.title !== words) cell.title = words
}

/** Orders that the chosen state gives something to do. */
function drawOrders({ access, next, items }) {
  const isOperator = access === 'operate'
  byId('items-orders').hidden = !isOperator
  const state = byId('items-state').value
  for (const button of byId('items-orders').children) {
    const { action } = button.dataset
    if (action !== undefined) button.disabled = !FITTING[action].includes(state)
  }
  return next !== null || items.length > 0
}

/** First the count, then the question, then the order. */
async function orderAll(view, action) {
  const filter = filterOf()
  try {
    say('Counting …')
    const found = await view.api.post('api/items/count', { ...filter, action })
    say('')
    if (found.items === 0 && found.isWhole) {
      say('Nothing that matches can be ordered so.')
      return
    }
    const question = { action, found, about: aboutWords(filter), workflow: filter.workflow }
    if (!(await askAboutAll(question))) return
    await view.orders.actOnAll({ ...filter, action })
    refresh(view)
  } catch (error) {
    say(error.message, 'bad')
  }
}

function aboutWords({ workflow, state, code, host, text }) {
  const parts = [
    `Items of ${workflow}`,
    ...(state === undefined ? [] : [`in state ${state}`]),
    ...(code === undefined ? [] : [`with the outcome ${code}`]),
    ...(host === undefined ? [] : [`of the host ${host}`]),
    ...(text === undefined ? [] : [`with “${text}” in key or URL`]),
  ]
  return `${parts.join(', ')}.`
}

/** The next or previous row gets the focus. */
function moveBy(step) {
  const links = [...byId('items').querySelectorAll('a')]
  const at = links.indexOf(document.activeElement)
  links[Math.min(links.length - 1, Math.max(0, at + step))]?.focus()
}
