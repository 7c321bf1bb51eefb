// A workflow that fetches a page and returns one row of it; what else its payload asks for, it does to
// the worker it runs in, on the first visits of its page.

import { threadId } from 'node:worker_threads'
import { defineWorkflow, type WorkItem } from '../../../src/workflow/define.js'

export type Misdeed =
  | 'exit'
  | 'kill'
  | 'throw-later'
  | 'reject-later'
  | 'heap'
  | 'block'
  | 'swell'
  | 'gorge'

export interface ChaosPayload {
  readonly url: string
  readonly misdeed?: Misdeed
  /** Visits of the page on which the misdeed is done. @default 1 */
  readonly times?: number
  /** Something to carry. */
  readonly ballast?: string
}

/** Memory that was taken and is not given back, for as long as the worker lives. */
const taken: unknown[] = []
const MEGABYTE = 1_048_576

const never = () => new Promise<never>(() => {})

const MISDEEDS: { readonly [name in Misdeed]: () => unknown } = {
  exit: () => process.exit(7),
  kill: () => process.kill(process.pid, 'SIGKILL'),
  'throw-later': () => {
    setImmediate(() => {
      throw new Error('thrown outside of the handler')
    })
    return never()
  },
  'reject-later': () => {
    void Promise.reject(new Error('rejected outside of the handler'))
    return never()
  },
  heap: () => {
    for (;;) taken.push(Array.from({ length: MEGABYTE }, (_, index) => ({ index })))
  },
  block: () => {
    for (;;) Math.random()
  },
  // More and more memory, while the worker answers its pings.
  gorge: () => {
    const bite = () => taken.push(Buffer.alloc(64 * MEGABYTE, 1))
    setInterval(() => taken.length < 16 && bite(), 50)
    return never()
  },
  // Outside of the heap, so that the worker lives on with it.
  swell: () => taken.push(Buffer.alloc(256 * MEGABYTE, 1)),
}

const visitOf = (text: string) => Number(/visit (\d+)$/.exec(text)?.[1] ?? 0)

export default defineWorkflow({
  name: 'chaos-pages',
  sinks: {
    pages: {
      table: 'public.chaos_page',
      columns: { item_key: 'text', body: 'text', pid: 'integer', thread: 'integer' },
      key: ['item_key'],
      leaseColumn: 'lease_id',
    },
  },
  tables: [
    `create table if not exists public.chaos_page (
       item_key text primary key, body text not null, pid integer not null,
       thread integer not null, lease_id bigint not null)`,
  ],
  work: async ({ key, payload }: WorkItem<ChaosPayload>, context) => {
    const { url, misdeed, times = 1 } = payload
    const page = await context.fetchPage(`${url}&pid=${process.pid}&thread=${threadId}`)
    if (misdeed !== undefined && visitOf(page.text) <= times) await MISDEEDS[misdeed]()
    return { pages: [{ item_key: key, body: page.text, pid: process.pid, thread: threadId }] }
  },
})
