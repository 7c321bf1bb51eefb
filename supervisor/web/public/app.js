import { createApi, createPoll } from './api.js'
import { openChannel } from './channel.js'
import { byId, setText } from './dom.js'
import { createEvents } from './events.js'
import { duration, setZone, zoneName } from './format.js'
import { createHosts } from './hosts.js'
import { createItems } from './items.js'
import { listenForKeys } from './keys.js'
import { createNodes } from './nodes.js'
import { createOrders, say } from './orders.js'
import { createOverview } from './overview.js'
import { currentScreen, onScreen } from './screens.js'
import { createWorkflows } from './workflows.js'

const TOKEN_KEY = 'fetchyard.token'
/** Age of the last frame from which on it is told. */
const QUIET_MS = 3_000
/** Times between two questions about what the channel does not carry. */
const EVERY = { why: 4_000, pace: 15_000, schedules: 4_000, chores: 20_000, events: 4_000 }

let isDrawn = true
let isFrozen = false
let latest = null
let parts = null

const token = takeToken()
if (token === null) askForToken('The supervisor prints an address with its token when it starts.')
else start()

function start() {
  const api = createApi(token)
  const orders = createOrders(api)
  parts = {
    overview: createOverview(),
    workflows: createWorkflows(orders),
    nodes: createNodes(),
    hosts: createHosts(),
    items: createItems({ api, orders }),
    events: createEvents({ api }),
  }
  openPolls(api)
  listenForKeys({ freeze, zone: changeZone, moveItem: (step) => parts.items.move(step) })
  onScreen(({ name, fields }) => {
    say('')
    if (name === 'items') parts.items.open(fields)
    redraw()
  })
  openChannel({ token, onChange })
}

/** What is asked for over HTTP, while its screen is looked at. */
function openPolls(api) {
  const isSeen =
    (...screens) =>
    () =>
      !document.hidden &&
      !isFrozen &&
      latest?.status === 'live' &&
      screens.includes(currentScreen())
  const poll = (name, screens, ask, onAnswer) =>
    createPoll({ intervalMs: EVERY[name], isWanted: isSeen(...screens), ask, onAnswer })
  const { overview, workflows, events } = parts
  poll(
    'why',
    ['overview', 'workflows'],
    () => api.get('api/why'),
    ({ verdicts }) => {
      overview.drawWhys(verdicts)
      workflows.setVerdicts(verdicts)
      redraw()
    },
  )
  poll(
    'pace',
    ['overview'],
    () => api.get('api/pace'),
    ({ minutes }) => {
      overview.setMinutes(minutes)
      redraw()
    },
  )
  poll(
    'schedules',
    ['workflows'],
    () => api.get('api/schedules'),
    ({ schedules }) => {
      workflows.setSchedules(schedules)
      redraw()
    },
  )
  poll(
    'chores',
    ['workflows'],
    () => api.get('api/housekeeping'),
    ({ chores }) => {
      workflows.drawChores(chores)
    },
  )
  const isFirstPage = isSeen('events')
  createPoll({
    intervalMs: EVERY.events,
    isWanted: () => isFirstPage() && events.isFirstPage(),
    ask: () => events.again(),
    onAnswer: () => {},
  })
}

/** The token comes in the fragment, which stays in the browser; it leaves the address at once. */
function takeToken() {
  const given = new URLSearchParams(location.hash.slice(1)).get('token')
  if (given !== null) {
    sessionStorage.setItem(TOKEN_KEY, given)
    history.replaceState(null, '', location.pathname + location.search)
  }
  return sessionStorage.getItem(TOKEN_KEY)
}

function askForToken(words) {
  byId('token-form').hidden = false
  setText('token-words', words)
  setText('state', 'not connected')
  drawConnection({ words: 'No token', tone: 'quiet', isStale: true, where: '', footer: '' })
}

byId('token-form').addEventListener('submit', (event) => {
  event.preventDefault()
  sessionStorage.setItem(TOKEN_KEY, byId('token').value.trim())
  location.reload()
})

// A new address in an open tab changes the fragment only.
addEventListener('hashchange', () => {
  if (new URLSearchParams(location.hash.slice(1)).has('token') && takeToken() !== null) {
    location.reload()
  }
})

function freeze() {
  isFrozen = !isFrozen
  byId('freeze').setAttribute('aria-pressed', String(isFrozen))
  setText('freeze', isFrozen ? 'Frozen' : 'Freeze')
  redraw()
}

function changeZone() {
  setZone(zoneName() === 'local' ? 'UTC' : 'local')
  setText('zone', zoneName() === 'UTC' ? 'UTC' : 'Local time')
  redraw()
}

function onChange(channel) {
  latest = channel
  if (channel.status === 'refused') {
    sessionStorage.removeItem(TOKEN_KEY)
    askForToken(channel.reason)
  } else redraw()
}

/** Draws with the next frame of the screen, once however often it is asked for. */
function redraw() {
  if (!isDrawn) return
  isDrawn = false
  requestAnimationFrame(draw)
}

function draw() {
  isDrawn = true
  if (latest === null || latest.status === 'refused' || parts === null) return
  drawConnection(connectionOf(latest))
  if (isFrozen) return
  const { topics, access, offsetMs } = latest
  const serverNowMs = Date.now() + offsetMs
  if (topics.stats !== undefined) parts.overview.drawState(topics.stats)
  switch (currentScreen()) {
    case 'workflows':
      return parts.workflows.draw(topics, access)
    case 'nodes':
      return parts.nodes.draw(topics.nodes ?? {}, serverNowMs)
    case 'hosts':
      return parts.hosts.draw(topics.lanes ?? {}, serverNowMs)
    case 'items':
      return parts.items.draw(topics, access)
    case 'events':
      return parts.events.draw(topics)
    default:
      return parts.overview.draw(topics)
  }
}

function drawConnection({ words, tone, isStale, where, footer }) {
  setText('connection-words', words)
  byId('connection').dataset.tone = tone
  byId('main').classList.toggle('stale', isStale)
  setText('where', where)
  setText('footer', footer)
}

// The age of the last frame is told also when no frame comes.
setInterval(() => {
  if (latest !== null && latest.status !== 'refused') drawConnection(connectionOf(latest))
}, 1_000)

function connectionOf(channel) {
  const silentMs = performance.now() - channel.lastFrameAt
  const self = Object.values(channel.topics.nodes ?? {}).find((node) => node.isSelf)
  const common = {
    where: self === undefined ? '' : `${self.name} on ${self.host}, pid ${self.pid}`,
    footer: channel.server === '' ? '' : `Fetchyard ${channel.server} · boot ${channel.epoch}`,
  }
  if (channel.status !== 'live') {
    const words = channel.status === 'connecting' ? 'Connecting' : 'Reconnecting'
    return {
      ...common,
      words: channel.reason === '' ? words : `${words}: ${channel.reason}`,
      tone: 'warn',
      isStale: true,
    }
  }
  if (silentMs > QUIET_MS) {
    return { ...common, words: `No frame for ${duration(silentMs)}`, tone: 'warn', isStale: false }
  }
  return { ...common, words: 'Live', tone: 'good', isStale: false }
}
