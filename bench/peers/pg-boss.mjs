// pg-boss with what its pages offer for much work: large batches, asked for again at once while they
// come back full, several workers, and a table of the queue's own.
//
//   node pg-boss.mjs <database url>

import { PgBoss } from 'pg-boss'
import { serve } from './contender.mjs'

const BATCH = 500
const boss = new PgBoss({ connectionString: process.argv[2], max: 10 })
boss.on('error', (error) => {
  process.stderr.write(`${error.stack}\n`)
})
await boss.start()
await boss.createQueue('nothing', { partition: true })

serve({
  sliceItems: 5_000,
  fill: async (payloads) => {
    await boss.insert(
      'nothing',
      payloads.map((data) => ({ data })),
    )
  },
  drain: async (onHandled) => {
    await boss.work(
      'nothing',
      {
        batchSize: BATCH,
        burstWhenBatchFull: true,
        localConcurrency: 4,
        pollingIntervalSeconds: 0.5,
      },
      async (jobs) => onHandled(jobs.length),
    )
  },
  stop: () => boss.stop({ graceful: true }),
})
