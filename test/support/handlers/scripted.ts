// A workflow whose handler does what its payload says.

import { threadId } from 'node:worker_threads'
import type { Json } from '../../../src/core/outcome.js'
import { FetchFailure } from '../../../src/fetch/failure.js'
import { defineWorkflow, type HandlerContext, type WorkItem } from '../../../src/workflow/define.js'

type Script = { readonly do: string; readonly with?: Json }

const untilAborted = (context: HandlerContext) =>
  new Promise<never>((_, reject) => {
    const onAbort = () => reject(context.abortSignal.reason)
    context.abortSignal.addEventListener('abort', onAbort)
  })

const ACTS: {
  readonly [act: string]: (item: WorkItem<Script>, context: HandlerContext) => unknown
} = {
  row: ({ key }) => ({ found: [{ name: key, extra: { threadId } }] }),
  throw: () => {
    throw new TypeError('the handler stumbled')
  },
  fail: () => {
    throw new FetchFailure('rate_limited', 'slow down', { retryAfterMs: 5_000, httpStatus: 429 })
  },
  return: ({ payload }) => payload.with,
  fetch: async ({ payload }, context) => {
    const page = await context.fetchPage(String(payload.with))
    return { found: [{ name: page.text }] }
  },
  'fetch-many': async ({ payload }, context) => {
    const fetches = Array.from({ length: 40 }, () => context.fetchPage(String(payload.with)))
    return { found: (await Promise.all(fetches)).map(({ text }) => ({ name: text })) }
  },
  'fetch-unawaited': ({ payload }, context) => {
    void context.fetchPage(String(payload.with))
    return {}
  },
  log: ({ payload }, context) => {
    for (let n = 0; n < Number(payload.with); n += 1) context.log(`line ${n}`, { n })
    return {}
  },
  // Returns when it is told to stop.
  wait: (_, context) => untilAborted(context),
  // Has a result when it is told to stop.
  'finish-late': (_, context) => untilAborted(context).catch(() => ({ found: [{ name: 'late' }] })),
  // Never returns, whatever it is told.
  hang: () => new Promise(() => {}),
  block: () => {
    for (;;) Math.random()
  },
  'block-for': ({ payload }) => {
    const until = performance.now() + Number(payload.with)
    while (performance.now() < until) Math.random()
    return {}
  },
  crash: () => {
    setImmediate(() => {
      throw new Error('crashed outside of the handler')
    })
    return new Promise(() => {})
  },
  reject: () => {
    void Promise.reject(new Error('rejected outside of the handler'))
    return new Promise(() => {})
  },
  exit: () => process.exit(7),
}

export default defineWorkflow({
  name: 'test',
  sinks: {
    found: { table: 'found', columns: { name: 'text', extra: 'jsonb' }, key: ['name'] },
  },
  // What the scripts return is wrong on purpose now and then.
  work: (item: WorkItem<Script>, context): never => ACTS[item.payload.do]?.(item, context) as never,
})
