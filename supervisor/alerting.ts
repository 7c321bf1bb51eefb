// The two services of alerts on a node, as its settings have them.

import type { Settings } from '../config/settings.js'
import type { Clock } from '../src/core/clock.js'
import type { Random } from '../src/core/random.js'
import type { AlertStore } from '../src/store/alerts.js'
import type { EventBus } from '../src/telemetry/events.js'
import { createAlertMessenger } from './alert-messenger.js'
import { createPoster } from './alert-post.js'
import { createAlertWatch } from './alert-watch.js'
import { within } from './within.js'

/** Time to give the turn to others. */
const STOP_MS = 2_000

export function createAlerting(
  settings: Pick<Settings, 'alertWebhook' | 'alertWebhookKey' | 'alertWebhookRanges'>,
  deps: {
    readonly store: AlertStore
    readonly nodeId: string
    readonly version: string
    readonly clock: Clock
    readonly random: Random
    readonly events: EventBus
  },
): { readonly start: () => void; readonly stop: () => Promise<void> } {
  const { alertWebhook: url, alertWebhookKey: key, alertWebhookRanges: allowedRanges } = settings
  const { clock } = deps
  const watch = createAlertWatch(deps)
  const messenger =
    url === null || key === null
      ? null
      : createAlertMessenger({
          ...deps,
          key,
          agent: `Fetchyard/${deps.version}`,
          poster: createPoster({ url, allowedRanges, clock }),
        })
  return {
    start: () => {
      watch.start()
      messenger?.start()
    },
    // A database that is away must not hold up the end of a node.
    stop: () => within(clock, STOP_MS, Promise.all([watch.stop(), messenger?.stop()])),
  }
}
