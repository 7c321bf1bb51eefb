import type { LiveStates, LiveTopic } from '../../src/telemetry/live-topics.js'
import type { Readiness } from '../../src/telemetry/node-status.js'
import type { Telemetry } from '../../src/telemetry/telemetry.js'

/** What the web shows. It asks; nothing is pushed to it. */
export interface LiveSource {
  /** Differs after every start of the supervisor. */
  readonly epoch: string
  readonly states: () => LiveStates
  readonly readiness: () => Readiness
  readonly metrics: () => Promise<{ readonly text: string; readonly contentType: string }>
}

export type { LiveTopic }

/** The source of a running supervisor. @param epoch such as the id of this boot's node. */
export function liveSourceOf(telemetry: Telemetry, epoch: string): LiveSource {
  return {
    epoch,
    states: telemetry.live.states,
    readiness: telemetry.live.readiness,
    metrics: async () => ({
      text: await telemetry.metrics.text(),
      contentType: telemetry.metrics.contentType,
    }),
  }
}
