import { applyPatch } from './merge.js'

const SUBPROTOCOL = 'fetchyard.v1.json'
const TOPICS = ['stats', 'workflows', 'rollouts', 'nodes', 'lanes', 'events', 'history']
const RECONNECT_BASE_MS = 500
const RECONNECT_MAX_MS = 30_000
const HEALTHY_AFTER_MS = 10_000
/** Ticks that may fail to come, and what is added, before a silent connection is given up. */
const SILENT_TICKS = 3
const SILENT_EXTRA_MS = 5_000

/**
 * Keeps a connection to the live channel and the states of its topics.
 *
 * It comes back after a loss with full jitter, and not while the page is hidden. A hidden page
 * keeps only its figures, once in five seconds. `onChange` is called after every change.
 */
export function openChannel({ token, onChange }) {
  const channel = {
    status: 'connecting',
    reason: '',
    server: '',
    epoch: '',
    /** Whether our token gives orders, 'operate', or reads only. */
    access: 'read',
    lastFrameAt: 0,
    /** Clock of the server minus ours. */
    offsetMs: 0,
    topics: {},
  }
  const connection = { socket: null, seqs: {}, failures: 0, openedAt: 0, timer: 0, floorMs: 0 }
  const change = (changed) => {
    Object.assign(channel, changed)
    onChange(channel)
  }
  const connect = () => startSocket({ token, channel, connection, change, retry })
  const retry = () => {
    clearTimeout(connection.timer)
    if (document.hidden) return
    const bound = Math.min(RECONNECT_MAX_MS, RECONNECT_BASE_MS * 2 ** connection.failures)
    connection.failures += 1
    const delayMs = connection.floorMs + Math.random() * bound
    connection.floorMs = 0
    connection.timer = setTimeout(connect, delayMs)
  }
  document.addEventListener('visibilitychange', () => {
    if (connection.socket !== null) subscribe(connection.socket)
    else if (!document.hidden && channel.status === 'waiting') connect()
  })
  setInterval(() => dropSilent(connection, channel), 1_000)
  connect()
}

function startSocket({ token, channel, connection, change, retry }) {
  clearTimeout(connection.timer)
  const url = new URL('live', location.href)
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:'
  url.hash = ''
  const socket = new WebSocket(url, [SUBPROTOCOL, `fetchyard.bearer.${base64Url(token)}`])
  let wasOpen = false
  connection.socket = socket
  connection.openedAt = performance.now()
  channel.lastFrameAt = performance.now()
  change({ status: channel.status === 'live' ? 'live' : 'connecting' })

  socket.onopen = () => {
    wasOpen = true
    connection.seqs = {}
    subscribe(socket)
  }
  socket.onmessage = ({ data }) => {
    const frame = parse(data)
    if (frame !== null) receive(frame, { socket, channel, connection, change })
  }
  socket.onclose = async ({ code }) => {
    if (connection.socket !== socket) return
    connection.socket = null
    if (performance.now() - connection.openedAt > HEALTHY_AFTER_MS) connection.failures = 0
    const refusal = wasOpen ? null : await findRefusal(token)
    if (refusal !== null || code === 4401) {
      change({ status: 'refused', reason: refusal ?? 'The token is wrong' })
    } else {
      change({ status: 'waiting', reason: code === 1012 ? 'restarting' : '' })
      retry()
    }
  }
}

function subscribe(socket) {
  if (socket.readyState !== WebSocket.OPEN) return
  const wanted = document.hidden ? { topics: ['stats'], hz: 0.2 } : { topics: TOPICS, hz: 1 }
  socket.send(JSON.stringify({ t: 'sub', ...wanted }))
}

function receive(frame, { socket, channel, connection, change }) {
  channel.lastFrameAt = performance.now()
  if (frame.t === 'hello') {
    const { server, epoch, access = 'read' } = frame
    change({ status: 'live', reason: '', server, epoch, access })
  } else if (frame.t === 'snap') {
    take(frame, frame.d, { channel, connection, change })
  } else if (frame.t === 'delta') {
    const seq = connection.seqs[frame.topic]
    if (seq === undefined) return
    if (frame.seq === seq + 1) {
      take(frame, applyPatch(channel.topics[frame.topic], frame.d), { channel, connection, change })
    } else {
      // A frame is missing: what follows cannot be applied until the whole state has come.
      delete connection.seqs[frame.topic]
      socket.send(JSON.stringify({ t: 'resync', topic: frame.topic }))
    }
  } else if (frame.t === 'bye') {
    connection.floorMs = frame.retryMs ?? RECONNECT_BASE_MS
    connection.failures = 0
  }
}

function take(frame, state, { channel, connection, change }) {
  connection.seqs[frame.topic] = frame.seq
  channel.topics[frame.topic] = state
  change({ offsetMs: frame.ts - Date.now() })
}

/** A browser does not tell why an upgrade was refused; the same token over plain HTTP does. */
async function findRefusal(token) {
  try {
    const answer = await fetch(new URL('api/stats', location.href), {
      method: 'HEAD',
      headers: { Authorization: `Bearer ${token}` },
    })
    if (answer.status === 401) return 'The token is wrong or has expired'
    return answer.status === 403 ? 'This address is not among the allowed ones' : null
  } catch {
    return null
  }
}

function dropSilent(connection, channel) {
  if (connection.socket === null) return
  const tickMs = document.hidden ? 5_000 : 1_000
  const silentMs = performance.now() - channel.lastFrameAt
  if (silentMs < SILENT_TICKS * tickMs + SILENT_EXTRA_MS) return
  const { socket } = connection
  // A dead connection takes its time to close; it is given up at once.
  socket.onclose({ code: 1006 })
  socket.close()
}

function parse(data) {
  try {
    const frame = JSON.parse(data)
    return typeof frame === 'object' && frame !== null ? frame : null
  } catch {
    return null
  }
}

function base64Url(text) {
  const binary = String.fromCharCode(...new TextEncoder().encode(text))
  return btoa(binary).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
}
