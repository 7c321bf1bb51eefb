// Brings notices of alerts to the webhook, one after the other, beside all other work: what it
// waits for holds up nothing but later notices. Notices are rows, so a kill loses none; a receiver
// may get one twice, under the same id.

import { backoffDelayMs } from '../src/core/backoff.js'
import type { Clock } from '../src/core/clock.js'
import { messageOf } from '../src/core/errors.js'
import type { Random } from '../src/core/random.js'
import type { Notice, NoticeEnd } from '../src/store/alert-notices.js'
import type { AlertStore } from '../src/store/alerts.js'
import type { EventBus } from '../src/telemetry/events.js'
import { signNotice } from './alert-notice.js'
import type { PostEnd, Poster } from './alert-post.js'
import { createTicker } from './ticker.js'

export interface AlertMessengerDeps {
  readonly store: Pick<AlertStore, 'claimNotice' | 'endNotice' | 'forgetNotices'>
  readonly poster: Poster
  readonly key: string
  /** The name by which the program introduces itself. */
  readonly agent: string
  readonly clock: Clock
  readonly random: Random
  readonly events: EventBus
}

const LOOK_MS = 2_000
/** Between looks for notices that are of no use any more. */
const FORGET_MS = 3_600_000
/** Half of the time between two tries: 10 s at first, half an hour at most. */
const HALF = { baseMs: 5_000, factor: 2, maxMs: 900_000 } as const
/** Tries of one notice, over some hours. */
export const NOTICE_TRIES_MAX = 12

export function createAlertMessenger(deps: AlertMessengerDeps): {
  readonly start: () => void
  readonly stop: () => Promise<void>
} {
  const { store, poster, clock } = deps
  let forgetAtMs = Number.NEGATIVE_INFINITY
  let isStopped = false
  const ticker = createTicker(clock, async () => {
    try {
      if (clock.nowMs() >= forgetAtMs) {
        await store.forgetNotices()
        forgetAtMs = clock.nowMs() + FORGET_MS
      }
      const notice = await store.claimNotice()
      if (notice === null) return LOOK_MS
      await bring(deps, notice, () => isStopped)
      return 0
    } catch (error) {
      deps.events.emit('alert.judging_failed', { message: messageOf(error) })
      return LOOK_MS
    }
  })
  return {
    start: ticker.start,
    stop: async () => {
      isStopped = true
      await poster.close()
      await ticker.stop()
    },
  }
}

async function bring(
  deps: AlertMessengerDeps,
  notice: Notice,
  isStopped: () => boolean,
): Promise<void> {
  const { store, poster, key, agent, clock, events } = deps
  const { noticeId, alert, subject, tries } = notice
  const end = await poster.post(signNotice(notice, { key, agent, wallMs: clock.wallMs() }))
  // Cut off by our own stop: the claim ends by itself, and the next node sends it.
  if (!end.isTaken && isStopped()) return
  const row = noticeEnd(notice, end, deps.random)
  await store.endNotice(row)
  const about = { notice: noticeId, alert, subject, tries }
  if (end.isTaken) events.emit('alert.notice_sent', about)
  else {
    const willRetry = row.againInMs !== null
    events.emit('alert.notice_failed', { ...about, message: end.failure, willRetry })
  }
}

/** What becomes of a notice after a try. */
export function noticeEnd(
  { noticeId, tries }: Pick<Notice, 'noticeId' | 'tries'>,
  end: PostEnd,
  random: Random,
): NoticeEnd {
  if (end.isTaken) return { noticeId, failure: null, againInMs: null }
  const { failure, isFinal } = end
  if (isFinal || tries >= NOTICE_TRIES_MAX) return { noticeId, failure, againInMs: null }
  // Half of the delay is certain: a receiver that is down is not asked at once.
  const certainMs = backoffDelayMs(HALF, { attempt: tries }, { next: () => 1 })
  return {
    noticeId,
    failure,
    againInMs: certainMs + backoffDelayMs(HALF, { attempt: tries }, random),
  }
}
