import { expect } from 'chai'
import type { Finding, HealthLevel, ServerFacts } from '../../../src/core/health.js'
import {
  judgeMemory,
  judgeNode,
  judgeOpenFiles,
  judgeRoundTrips,
  judgeServer,
  judgeSkew,
} from '../../../src/core/health.js'

const HEALTHY: ServerFacts = {
  version: '18.4',
  isReplica: false,
  isReadOnly: false,
  connectionsMax: 97,
  connectionsUsed: 10,
  synchronousCommit: 'on',
  fsync: 'on',
  autovacuum: 'on',
  statementTimeoutMs: 0,
  oldestTransactionS: null,
  oldestTransactionPid: null,
}
const POOL_MAX = 6

type Case = readonly [words: string, finding: () => Finding | undefined, level: HealthLevel]

function ofServer(check: string, changes: Partial<ServerFacts>): () => Finding | undefined {
  return () =>
    judgeServer({ ...HEALTHY, ...changes }, POOL_MAX).find((finding) => finding.check === check)
}

const MEMORY = { totalBytes: 1_024 ** 3, workerBytesMax: 512 * 1_024 ** 2 }

const CASES: readonly Case[] = [
  ['Node 20.18', () => judgeNode('v20.18.3'), 'problem'],
  ['Node 18', () => judgeNode('v18.99.0'), 'problem'],
  ['Node 20.19', () => judgeNode('v20.19.0'), 'ok'],
  ['Node 24', () => judgeNode('v24.0.0'), 'ok'],
  ['files for all sockets', () => judgeOpenFiles(306, 50), 'ok'],
  ['a file too few', () => judgeOpenFiles(305, 50), 'problem'],
  ['an unknown limit of files', () => judgeOpenFiles(null, 50), 'ok'],
  ['memory for two workers', () => judgeMemory({ ...MEMORY, workers: 2 }), 'ok'],
  ['memory for two of three workers', () => judgeMemory({ ...MEMORY, workers: 3 }), 'warning'],
  ['a replica', ofServer('writing', { isReplica: true }), 'problem'],
  ['read-only transactions', ofServer('writing', { isReadOnly: true }), 'problem'],
  ['a primary', ofServer('writing', {}), 'ok'],
  ['connections to spare', ofServer('connections', { connectionsUsed: 77 }), 'ok'],
  ['more than 80 % of connections', ofServer('connections', { connectionsUsed: 78 }), 'warning'],
  ['no room for a node', ofServer('connections', { connectionsUsed: 92 }), 'problem'],
  ['commits that wait', ofServer('durability', { synchronousCommit: 'remote_apply' }), 'ok'],
  ['commits that do not', ofServer('durability', { synchronousCommit: 'off' }), 'warning'],
  ['no fsync', ofServer('durability', { fsync: 'off' }), 'problem'],
  ['a short time limit', ofServer('statement_timeout', { statementTimeoutMs: 2_000 }), 'warning'],
  ['a long time limit', ofServer('statement_timeout', { statementTimeoutMs: 60_000 }), 'ok'],
  ['no autovacuum', ofServer('vacuum', { autovacuum: 'off' }), 'problem'],
  ['a transaction of an hour', ofServer('vacuum', { oldestTransactionS: 3_601 }), 'warning'],
  ['a transaction of a minute', ofServer('vacuum', { oldestTransactionS: 60 }), 'ok'],
  ['a near server', () => judgeRoundTrips([9, 1, 1]), 'ok'],
  ['a far server', () => judgeRoundTrips([51, 90, 51]), 'warning'],
  ['a clock that is right', () => judgeSkew(-900), 'ok'],
  ['a clock that is wrong', () => judgeSkew(-90_000), 'warning'],
]

describe('core/health', () => {
  for (const [words, find, level] of CASES) {
    it(`${words}: ${level}`, () => {
      const finding = find()
      expect(finding?.level).to.equal(level)
      expect(finding?.fix === null, 'has nothing to mend').to.equal(level === 'ok')
    })
  }

  it('shows the median and the worst of round trips', () => {
    expect(judgeRoundTrips([3, 1, 2]).words).to.equal(
      'A round trip takes 2.0 ms (p50), 2.0 ms (p95)',
    )
  })

  it('names the process of an old transaction where it says what mends it', () => {
    const facts = { oldestTransactionS: 7_200, oldestTransactionPid: 4_711 }
    expect(ofServer('vacuum', facts)()?.fix).to.contain('pg_terminate_backend(4711)')
  })
})
