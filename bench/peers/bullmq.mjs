// BullMQ on Redis: many jobs at once in one worker, and completed jobs removed, as its pages advise.
//
//   node bullmq.mjs <port of Redis>

import { Queue, Worker } from 'bullmq'
import { serve } from './contender.mjs'

const connection = { host: '127.0.0.1', port: Number(process.argv[2]), maxRetriesPerRequest: null }
const queue = new Queue('nothing', { connection })
await queue.waitUntilReady()
let worker = null

serve({
  sliceItems: 1_000,
  fill: async (payloads) => {
    await queue.addBulk(
      payloads.map((data) => ({ name: 'nothing', data, opts: { removeOnComplete: true } })),
    )
  },
  drain: async (onHandled) => {
    worker = new Worker('nothing', async () => {}, { connection, concurrency: 100 })
    // A job counts when Redis has been told of its end.
    worker.on('completed', () => onHandled(1))
  },
  stop: async () => {
    await worker?.close()
    await queue.close()
  },
})
