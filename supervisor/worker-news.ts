// What workers tell of themselves and what is around them, as events of the supervisor.

import type { EndpointNews, FromWorker } from '../src/actor/messages.js'
import type { EventBus, WorkerIdentity } from '../src/telemetry/events.js'

export function tellEndpoint(events: EventBus, worker: WorkerIdentity, news: EndpointNews): void {
  const { endpoint, state, reason, coolDownMs } = news
  if (state === 'up') events.emit('upstream.endpoint_up', { ...worker, endpoint })
  else events.emit('upstream.endpoint_down', { ...worker, endpoint, reason, coolDownMs })
}

export function tellLog(
  events: EventBus,
  worker: WorkerIdentity,
  { level, message, fields }: Extract<FromWorker, { type: 'log' }>,
): void {
  events.emit('worker.log', { ...worker, level, message, fields: { ...fields } })
}
