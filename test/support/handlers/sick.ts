// A workflow that is sick in the way that its module's URL names, whatever item it gets.

import { setTimeout as sleep } from 'node:timers/promises'
import type { ResultRows } from '../../../src/core/outcome.js'
import { defineWorkflow, type HandlerContext, type WorkItem } from '../../../src/workflow/define.js'

export const SICK_WAYS = ['hangs', 'throws', 'blocks', 'leaks', 'kills', 'refused'] as const
export type SickWay = (typeof SICK_WAYS)[number]

const MEGABYTE = 1_048_576
const BITE_MB = 32
const BITE_MS = 100

const taken: unknown[] = []

type Work = (item: WorkItem<{ url: string }>, context: HandlerContext) => unknown

const WAYS: { readonly [way in SickWay]: Work } = {
  /** Its endpoint takes the request and never answers. */
  hangs: ({ payload }, context) => context.fetchPage(payload.url),
  throws: ({ key }) => {
    throw new TypeError(`nothing can be done about ${key}`)
  },
  blocks: () => {
    for (;;) Math.random()
  },
  leaks: async () => {
    await sleep(BITE_MS)
    // Outside of the heap, so that the worker lives on with it until somebody looks.
    taken.push(Buffer.alloc(BITE_MB * MEGABYTE, 1))
  },
  kills: () => process.kill(process.pid, 'SIGKILL'),
  /** Its table takes no row at all. */
  refused: () => {},
}

function wayOf(url: string): SickWay {
  const asked = new URL(url).searchParams.get('way')
  return SICK_WAYS.find((way) => way === asked) ?? 'throws'
}

const way = wayOf(import.meta.url)

export default defineWorkflow({
  name: `sick-${way}`,
  sinks: {
    rows: { table: 'public.sick_row', columns: { name: 'text' }, key: ['name'] },
  },
  tables: [
    `create table if not exists public.sick_row (
       name text primary key, constraint takes_no_row check (name is null)
     )`,
  ],
  work: async (item, context): Promise<ResultRows> => {
    await WAYS[way](item, context)
    return way === 'refused' ? { rows: [{ name: item.key }] } : {}
  },
})
