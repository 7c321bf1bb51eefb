// One rhythm of ticks, shared by all clients that asked for it. Each tick reads the states once,
// finds the differences once and serialises each frame once, however many clients there are.

import type { CancelTimer, Clock, MonotonicMs } from '../../src/core/clock.js'
import { LIVE_TOPICS, type LiveStates, type LiveTopic } from '../../src/telemetry/live-topics.js'
import { diff, type LiveState } from '../../src/telemetry/merge-patch.js'
import type { CadenceHz } from './frames.js'
import { WEB_LIMITS } from './web-limits.js'
import { serialise, type WireFrame } from './wire.js'

/** What one tick has for its clients. */
export interface Tick {
  /** What a client that is up to date gets of its topics, in one piece; null when none changed. */
  readonly frames: (topics: ReadonlySet<LiveTopic>) => WireFrame | null
  /** What a client that has missed something gets. */
  readonly snapshot: (topic: LiveTopic) => WireFrame
}

export interface Cadence {
  /** The states of the last tick, for a client that joins or asks again between two ticks. */
  readonly snapshot: (topic: LiveTopic) => WireFrame
  readonly start: () => void
  readonly stop: () => void
}

interface TopicState {
  state: LiveState
  seq: number
  ts: number
  fullDueAtMs: MonotonicMs
  /** The snapshot of `seq`, serialised when it is first asked for. */
  snapshot: WireFrame | null
}

export interface CadenceOptions {
  readonly hz: CadenceHz
  readonly clock: Clock
  readonly read: () => LiveStates
  readonly onTick: (tick: Tick) => void
}

export function createCadence(options: CadenceOptions): Cadence {
  const { hz, clock, read, onTick } = options
  const topics = firstStates(read(), clock)
  let cancelTimer: CancelTimer | null = null

  const snapshot = (topic: LiveTopic) => snapshotOf(topic, topics[topic])
  const tick = () => {
    const states = read()
    const frames = new Map<LiveTopic, WireFrame>()
    for (const topic of LIVE_TOPICS) {
      const frame = advance({ topic, current: topics[topic], next: states[topic], clock })
      if (frame !== undefined) frames.set(topic, frame)
    }
    onTick({ frames: joining(frames), snapshot })
  }
  const schedule = () => {
    cancelTimer = clock.setTimer(1_000 / hz, () => {
      schedule()
      tick()
    })
  }
  return {
    snapshot,
    start: schedule,
    stop: () => cancelTimer?.(),
  }
}

/** Clients that asked for the same topics get the same bytes: they are put together once. */
function joining(frames: ReadonlyMap<LiveTopic, WireFrame>): Tick['frames'] {
  const joined = new Map<string, WireFrame | null>()
  return (topics) => {
    const key = [...topics].join()
    const known = joined.get(key)
    if (known !== undefined) return known
    const parts = [...topics].flatMap((topic) => frames.get(topic) ?? [])
    const whole = parts.length === 0 ? null : Buffer.concat(parts)
    joined.set(key, whole)
    return whole
  }
}

function firstStates(states: LiveStates, clock: Clock): Record<LiveTopic, TopicState> {
  const first = (topic: LiveTopic): TopicState => ({
    state: states[topic],
    seq: 1,
    ts: Math.round(clock.wallMs()),
    fullDueAtMs:
      clock.nowMs() +
      WEB_LIMITS.snapshotIntervalMs -
      LIVE_TOPICS.indexOf(topic) * WEB_LIMITS.snapshotStaggerMs,
    snapshot: null,
  })
  return {
    stats: first('stats'),
    workflows: first('workflows'),
    rollouts: first('rollouts'),
    nodes: first('nodes'),
    lanes: first('lanes'),
    events: first('events'),
    history: first('history'),
  }
}

/** Takes a topic to its next state. @returns the frame for clients that are up to date, if any. */
function advance(step: {
  readonly topic: LiveTopic
  readonly current: TopicState
  readonly next: LiveState
  readonly clock: Clock
}): WireFrame | undefined {
  const { topic, current, next, clock } = step
  const patch = diff(current.state, next)
  const nowMs = clock.nowMs()
  const isFullDue = nowMs >= current.fullDueAtMs
  if (patch === undefined && !isFullDue) return undefined
  current.state = next
  current.seq += 1
  current.ts = Math.round(clock.wallMs())
  current.snapshot = null
  if (patch !== undefined && !isFullDue) {
    return serialise({ t: 'delta', topic, seq: current.seq, ts: current.ts, d: patch })
  }
  current.fullDueAtMs = nowMs + WEB_LIMITS.snapshotIntervalMs
  return snapshotOf(topic, current)
}

function snapshotOf(topic: LiveTopic, current: TopicState): WireFrame {
  current.snapshot ??= serialise({
    t: 'snap',
    topic,
    seq: current.seq,
    ts: current.ts,
    d: current.state,
  })
  return current.snapshot
}
