import { setTimeout as delay } from 'node:timers/promises'
import { defineWorkflow, type WorkItem } from '../../src/workflow/define.js'
import { readSharedMs } from '../support/shared-clock.js'

export interface ArrivalPayload {
  /** What the clock that all processes share said when the item was about to be enqueued. */
  readonly sentMs: number
  /** Time that the item then holds its slot. */
  readonly holdMs: number
}

/** A row an item with the time from just before its enqueueing to the start of its handler. */
export default defineWorkflow({
  name: 'arrivals',
  sinks: {
    arrivals: {
      table: 'public.arrival',
      columns: { item: 'text', waited_ms: 'double precision' },
      key: ['item'],
      leaseColumn: 'lease_id',
    },
  },
  tables: [
    `create table if not exists public.arrival (
       item      text             primary key,
       waited_ms double precision not null,
       lease_id  bigint           not null
     )`,
  ],
  work: async (item: WorkItem<ArrivalPayload>) => {
    const waitedMs = readSharedMs() - item.payload.sentMs
    if (item.payload.holdMs > 0) await delay(item.payload.holdMs)
    return { arrivals: [{ item: item.key, waited_ms: waitedMs }] }
  },
})
