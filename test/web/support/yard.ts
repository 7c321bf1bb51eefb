import { type Clock, systemClock } from '../../../src/core/clock.js'
import { createEventBus, type EventBus } from '../../../src/telemetry/events.js'
import { startTelemetry, type Telemetry } from '../../../src/telemetry/telemetry.js'
import { liveSourceOf, startWeb, type Web, type WebOptions } from '../../../supervisor/web/web.js'

export const TOKEN = 'a-token-of-many-characters'

/** A web server over real telemetry, fed by the events that a test emits. */
export interface Yard {
  readonly bus: EventBus
  readonly telemetry: Telemetry
  readonly web: Web
  /** Address without the token. */
  readonly base: string
  readonly close: () => Promise<void>
}

export async function openYard(
  options: Partial<WebOptions> & { readonly clock?: Clock; readonly epoch?: string } = {},
): Promise<Yard> {
  const clock = options.clock ?? systemClock
  const bus = createEventBus((error) => {
    throw error
  })
  const telemetry = startTelemetry({ bus, clock, version: '1.2.3', isProcessIncluded: false })
  const web = await startWeb({
    host: '127.0.0.1',
    port: 0,
    token: TOKEN,
    source: liveSourceOf(telemetry, options.epoch ?? 'boot-1'),
    version: '1.2.3',
    clock,
    onEvent: bus.emit,
    ...options,
  }).catch((error: unknown) => {
    telemetry.stop()
    throw error
  })
  return {
    bus,
    telemetry,
    web,
    base: `http://127.0.0.1:${web.port}`,
    close: async () => {
      telemetry.stop()
      await web.close('stop')
    },
  }
}
