// Fetchyard beside other queues of Node, with jobs that do nothing: its store alone (lease and settle,
// with receipts) and its whole path (supervisor, a handler in a child process, outcomes, receipts),
// graphile-worker and pg-boss on the same Postgres, BullMQ on a Redis, and the raw statements.
//
//   npm run bench:queue -- [--items 100000] [--rounds 3] [--concurrency 1000] [--only store,graphile]
//                          [--profile <directory>] [--charts] [--json]
//
// The peers are installed on demand below bench/peers and run under a Node that is new enough for
// them. Without a redis-server in the path BullMQ is left out. `--profile` writes CPU profiles of
// supervisor and worker. `--charts` redraws the pictures of docs/images.

import { ownContenders, postgresPeers } from './queue/postgres-contenders.js'
import { redisPeer } from './queue/redis-contender.js'
import { chartQueue, reportQueue } from './queue/report-queue.js'
import { type Contender, type Run, runContender } from './queue/run-contender.js'
import { startBenchDatabase } from './support/bench-database.js'
import { describeMachine } from './support/measure.js'
import { findPeerNode, installPeers, peerVersion } from './support/peers.js'
import { findRedis } from './support/redis-server.js'
import { printReport, readNumbers, say } from './support/report.js'

/** A process that has just begun is slow: each contender works these before it is measured. */
const DEFAULTS = { items: 100_000, rounds: 3, concurrency: 1_000 }

function isAsked(contender: Contender, only: string | null): boolean {
  return only === null || only.split(',').some((word) => contender.name.includes(word))
}

async function main(): Promise<void> {
  const { numbers, text, isJson } = readNumbers(DEFAULTS, ['only', 'profile', 'charts'])
  const { items, rounds, concurrency } = numbers
  installPeers()
  const node = findPeerNode()
  const redis = findRedis()
  if (redis === null) say('There is no redis-server in the path: BullMQ is left out.')
  const profile = text('profile')
  const execArgv = profile === null ? [] : ['--cpu-prof', `--cpu-prof-dir=${profile}`]
  const server = await startBenchDatabase()
  try {
    const contenders = [
      ...ownContenders(server, { concurrency, execArgv }),
      ...postgresPeers(server, node.path),
      ...(redis === null ? [] : [redisPeer(redis, node.path)]),
    ].filter((contender) => isAsked(contender, text('only')))
    const runs: Run[] = []
    for (let round = 1; round <= rounds; round += 1) {
      for (const contender of contenders) {
        const run = await runContender(contender, items)
        runs.push(run)
        say(`round ${round}: ${run.contender}: ${Math.round(items / run.seconds)} items/s`)
      }
    }
    const peers = ['graphile-worker', 'pg-boss', 'bullmq'].map(
      (name) => `${name} ${peerVersion(name)}`,
    )
    const versions = [
      ...peers,
      `under Node ${node.version}`,
      redis === null ? '' : `Redis ${redis}`,
    ]
    const { head, rows, notes } = reportQueue(contenders, runs)
    printReport(
      {
        title: `${items} jobs that do nothing, ${rounds} rounds in turns`,
        machine: describeMachine(server.version),
        head,
        rows,
        notes: [...notes, `Peers: ${versions.filter((one) => one !== '').join(', ')}.`],
        figures: { ...numbers, versions, runs },
      },
      isJson,
    )
    if (text('charts') !== null) chartQueue(contenders, runs)
  } finally {
    await server.close()
  }
}

await main()
