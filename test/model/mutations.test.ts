// Whether the model tests can find anything: each promise of the store is broken once, and random
// sequences must notice.

import { expect } from 'chai'
import { FINAL } from '../../src/store/audit-equation.js'
import { useDatabase } from '../support/database.js'
import type { ClockedDatabase } from '../support/database-clock.js'
import { useDatabaseClock } from '../support/database-clock.js'
import type { Mutation } from './mutant.js'
import { mutate } from './mutant.js'
import { runLane } from './run.js'
import { createTables } from './tables.js'
import { Ground } from './world.js'

/** Sequences until which a broken store must be found: those of a run in CI. */
const RUNS_MAX = 2_000
const SEED = 1

const MUTATIONS: readonly Mutation[] = [
  {
    name: 'I4: a settle does not ask which node holds the pack',
    from: '       and pack.node_id = $1::uuid\n       and exists (select from patience)\n',
    to: '',
  },
  {
    name: 'I4: a settle does not ask for the lease',
    from: 'and member.lease_id = found.lease_id',
    to: '',
  },
  {
    name: 'I1: a settle takes items that have left the pack',
    from: 'cross join lateral unnest(held.item_ids) as one (item_id)',
    to: 'cross join lateral unnest(array(select unnest(item_ids) from outcome)) as one (item_id)',
  },
  {
    name: 'I3: result rows are written for any lease of the item',
    from: 'and own.lease_id = given.fetchyard_lease',
    to: '',
  },
  {
    name: 'I6: a fenced node settles',
    from: /and exists \(select from patience\)\s+and exists \(select from fetchyard\.node\s+where node\.node_id = \$1::uuid and node\.fenced_at is null\)/g,
    to: '',
  },
  {
    name: 'I6: a fenced node leases',
    from: 'where node.node_id = $1::uuid and node.fenced_at is null)\n       and exists (select from fetchyard.workflow',
    to: 'where node.node_id = $1::uuid)\n       and exists (select from fetchyard.workflow',
  },
  {
    name: 'I6: a heartbeat revives a fenced node',
    from: ' and fenced_at is null\n    returning node_id',
    to: '\n    returning node_id',
  },
  {
    name: 'I4: a reclaim leaves the lease on the pack',
    from: 'set lease_id = null, node_id = null, leased_at = null, deadline = null,\n           crashes',
    to: 'set crashes',
  },
  {
    name: 'I4: a reclaim comes a microsecond early',
    from: 'pack.deadline < now()',
    to: 'pack.deadline <= now()',
  },
  {
    name: 'I7: what is reclaimed again leaves no receipt',
    from: 'left join charged using (item_id, lease_id)\n  )',
    to: 'left join charged using (item_id, lease_id) where lost.attempt = 0\n  )',
  },
  {
    name: 'a pack that was lost twice is not halved',
    from: 'when crashes >= 1 and cardinality(item_ids) > 1',
    to: 'when false',
  },
  { name: 'a crash does not part the slices', from: 'due, slice', to: 'due' },
  {
    name: 'I1: a split lease drops an item',
    from: '(sized.upto - sized.size) + 1)::int:]',
    to: '(sized.upto - sized.size) + 2)::int:]',
  },
  {
    name: 'I5: words are written by items of any round',
    from: /and fetchyard\.is_newest_round\([^)]*\)/g,
    to: '',
  },
  {
    name: "I5: the owner's words are overwritten",
    from: /and owned\."status" in \([^)]*\)/g,
    to: '',
  },
  {
    name: 'a reclaimed item counts as settled under its lease',
    from: `and receipt.outcome_code <> 'node_lost'`,
    to: '',
  },
  {
    name: 'a cancel can be taken for the settle of the lease',
    from: 'select item_id, 0, ',
    to: 'select item_id, coalesce(lease_id, 0), ',
  },
  { name: 'a paused workflow is leased from', from: ` and flow.paused_by = '{}'`, to: '' },
  { name: 'folding loses counts', from: 'sum(items) from taken', to: 'max(items) from taken' },
  { name: 'a retry comes early', from: ` + interval '250 milliseconds' end`, to: ' end' },
  {
    name: 'I1: a retired item leaves its ending',
    from: 'where ending.item_id = gone.item_id',
    to: 'where ending.item_id = gone.item_id and false',
  },
  {
    name: 'I1: a receipt that ends an item goes without an ending',
    from: `      from old
     where ${FINAL}`,
    to: `      from old where status = 'success'`,
  },
  {
    name: 'I1: a retired item is not counted',
    from: `'retire', count(*) from gone group by workflow_id`,
    to: `'retire', count(*) from gone where false group by workflow_id`,
  },
  {
    name: 'I5: a later round is retired before an earlier one',
    from: 'and older.round < candidate.round',
    to: 'and false',
  },
  {
    name: 'I5: a row inserted in mid-flight asks for nothing',
    from: /array_agg\(case when wanted\.latest_id[\s\S]*?end::smallint\)/g,
    to: 'array_agg(1::smallint)',
    isTrigger: true,
  },
]

/** Runs sequences against a broken store. @returns how many it took to notice. */
async function findMutation(clocked: ClockedDatabase, mutation: Mutation): Promise<number> {
  const mutant = mutate(clocked.sql, mutation)
  const ground = await Ground.open(clocked, mutant.sql)
  const lane = { ground, seed: SEED, runs: RUNS_MAX, isHasty: true }
  const { runs, failure } = await runLane(lane)
  expect(mutant.isEffective(), 'the mutation fits a statement').to.equal(true)
  expect(failure, `nothing was noticed in ${runs} sequences`).to.be.a('string')
  return runs
}

describe('model/mutations: the model notices a store in which', () => {
  const shared = useDatabaseClock(useDatabase())
  const forTriggers = useDatabaseClock(useDatabase())

  before(async () => {
    await createTables(shared.sql)
    await createTables(forTriggers.sql)
  })

  for (const mutation of MUTATIONS) {
    it(mutation.name, async function () {
      this.timeout(RUNS_MAX * 1_000)
      const clocked = mutation.isTrigger === true ? forTriggers : shared
      const runs = await findMutation(clocked, mutation)
      if (this.test !== undefined) this.test.title += ` (sequence ${runs})`
    })
  }
})
