import { openChannel } from './channel.js'
import { byId, setText } from './dom.js'
import { duration } from './format.js'
import { createSteering } from './steer.js'
import { createView } from './view.js'

const TOKEN_KEY = 'fetchyard.token'
/** Age of the last frame from which on it is told. */
const QUIET_MS = 3_000

const view = createView()
let steering = null
let isDrawn = true
let latest = null

const token = takeToken()
if (token === null) askForToken('The supervisor prints an address with its token when it starts.')
else {
  steering = createSteering({ token })
  openChannel({ token, onChange })
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
  view.drawConnection({ words: 'No token', tone: 'quiet', isStale: true, where: '', footer: '' })
}

byId('token-form').addEventListener('submit', (event) => {
  event.preventDefault()
  sessionStorage.setItem(TOKEN_KEY, byId('token').value.trim())
  location.reload()
})

// A new address in an open tab changes the fragment only.
addEventListener('hashchange', () => {
  if (takeToken() !== null) location.reload()
})

function onChange(channel) {
  latest = channel
  if (channel.status === 'refused') {
    sessionStorage.removeItem(TOKEN_KEY)
    askForToken(channel.reason)
  } else if (isDrawn) {
    isDrawn = false
    requestAnimationFrame(draw)
  }
}

function draw() {
  isDrawn = true
  if (latest === null || latest.status === 'refused') return
  view.drawConnection(connectionOf(latest))
  view.draw(latest.topics, Date.now() + latest.offsetMs)
  if (latest.topics.rollouts !== undefined) steering?.draw(latest.topics.rollouts, latest.access)
}

// The age of the last frame is told also when no frame comes.
setInterval(() => {
  if (latest !== null && latest.status !== 'refused') view.drawConnection(connectionOf(latest))
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
