// The workflow of `fetchyard torture`: fetches a page of the referee, under a name by which the
// referee knows who asked, and writes one row of it. Its table is made and dropped by the command.

import { randomUUID } from 'node:crypto'
import { isMainThread, threadId } from 'node:worker_threads'
import { defineWorkflow, type WorkItem } from '../workflow/define.js'

/** What an item may do to the worker it runs in. */
export type Misdeed = 'exit' | 'heap'

export interface TorturePayload {
  readonly url: string
  readonly misdeed?: Misdeed
}

export const TORTURE_TABLE = 'fetchyard.torture_page'

const EXIT_CODE = 7
const MEGABYTE = 1_048_576
/** Memory that was taken and is not given back, for as long as the worker lives. */
const taken: unknown[] = []

const MISDEEDS: { readonly [name in Misdeed]: () => void } = {
  exit: () => process.exit(EXIT_CODE),
  heap: () => {
    for (;;) taken.push(Array.from({ length: MEGABYTE }, (_, index) => ({ index })))
  },
}

/** The page says how often it was asked for; a misdeed is done once and then done with. */
const isFirstVisit = (text: string) => text.endsWith(', visit 1')

export default defineWorkflow({
  name: 'torture',
  sinks: {
    pages: {
      table: TORTURE_TABLE,
      columns: { item_key: 'text', call: 'text', body: 'text', pid: 'integer' },
      // A result that is applied a second time would be a row of its own, for all to see.
      key: ['item_key', 'call'],
      leaseColumn: 'lease_id',
    },
  },
  work: async ({ key, payload }: WorkItem<TorturePayload>, context) => {
    const call = randomUUID()
    const who = isMainThread ? `${process.pid}` : `${process.pid}.${threadId}`
    const words = { lease: context.leaseId, attempt: `${context.attempt}`, call, who }
    const page = await context.fetchPage(`${payload.url}&${new URLSearchParams(words)}`)
    if (payload.misdeed !== undefined && isFirstVisit(page.text)) MISDEEDS[payload.misdeed]()
    return { pages: [{ item_key: key, call, body: page.text, pid: process.pid }] }
  },
})
