// graphile-worker as its page on performance configures it for its own figures: a local queue of 500
// jobs, completions in batches, 24 jobs at once.
//
//   node graphile-worker.mjs <database url>

import { Logger, makeWorkerUtils, run } from 'graphile-worker'
import { serve } from './contender.mjs'

const logger = new Logger(() => () => {})
const preset = {
  worker: {
    connectionString: process.argv[2],
    concurrentJobs: 24,
    maxPoolSize: 25,
    localQueue: { size: 500 },
    completeJobBatchDelay: 0,
    failJobBatchDelay: 0,
    logger,
  },
}

const utils = await makeWorkerUtils({ preset })
await utils.migrate()
let runner = null

serve({
  sliceItems: 5_000,
  fill: async (payloads) => {
    await utils.addJobs(payloads.map((payload) => ({ identifier: 'nothing', payload })))
  },
  drain: async (onHandled) => {
    runner = await run({
      preset,
      parsedCronItems: [],
      taskList: {
        nothing: () => {
          onHandled(1)
        },
      },
    })
  },
  stop: async () => {
    await runner?.stop()
    await utils.release()
  },
})
