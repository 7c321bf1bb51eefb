// Faults built into the statements, one at a time: the orders find each of them. So a guard that
// somebody takes out one day is missed.

import { expect } from 'chai'
import type { Scenario } from './support/explore.js'
import { explore } from './support/explore.js'
import {
  allDone,
  cancels,
  fences,
  leases,
  ownerSets,
  reclaims,
  releases,
  settles,
} from './support/parts.js'
import { came, expectSettledOnce, heldBy, keysOf } from './support/promises.js'
import type { Stage } from './support/stage.js'
import { useStage } from './support/stage.js'
import { replaceIn } from './support/statements.js'
import { bound, held, overdue, queued } from './support/worlds.js'

const GATED = { isGated: true }
const fault = (pattern: RegExp | string, by: string) => (text: string) =>
  replaceIn(text, pattern, by)

interface Fault {
  readonly words: string
  /** What the orders say of it. */
  readonly found: RegExp
  readonly scenario: (stage: Stage) => Promise<Scenario>
}

const FAULTS: readonly Fault[] = [
  {
    words: 'a settle that does not lock its packs',
    found: /audit found|receipts of settles|items with one end/,
    scenario: async ({ yard }) => {
      const world = await held(yard)
      const how = { ...GATED, fault: fault(/order by pack\.pack_id\s+for update of pack/, '') }
      const outcomes = allDone(world.held)
      return {
        parts: [
          settles(world, outcomes, how),
          settles(world, outcomes, { ...how, name: 'settle 2' }),
        ],
        check: (end) => expectSettledOnce(end, ['settle', 'settle 2']),
      }
    },
  },
  {
    words: 'a settle that locks its packs in another order than others',
    found: /deadlock/,
    scenario: async ({ yard }) => {
      const world = await held(yard)
      const backwards = fault(
        /order by pack\.pack_id(?=\s+for update)/,
        'order by pack.pack_id desc',
      )
      // It holds one pack and waits for the other only when somebody holds that: a third one.
      const [a, d] = [allDone(world.of('a')), allDone(world.of('d'))]
      return {
        ordersMax: 400,
        parts: [
          settles(world, [...a, ...d]),
          settles(world, [...a, ...d], { name: 'settle 2', fault: backwards }),
          settles(world, d, { name: 'settle 3' }),
          settles(world, a, { name: 'settle 4' }),
        ],
        check: () => {},
        mayAlsoEnd: () => true,
      }
    },
  },
  {
    words: 'a settle that does not ask whether its node is fenced',
    found: /expected \[.*'a'/,
    scenario: async ({ yard }) => {
      const world = await held(yard)
      const how = { fault: fault(/and node\.fenced_at is null/, '') }
      return {
        parts: [settles(world, allDone(world.of('a')), how), fences(world.nodeId)],
        check: (end) => {
          if (!came(end, 'fence ends', 'settle sends')) return
          expect(keysOf(end.answer('settle'))).to.deep.equal([])
        },
      }
    },
  },
  {
    words: 'a settle that knows its packs by node and not by lease',
    found: /expected \[.*to deeply equal|no order of whole/,
    scenario: async ({ yard }) => {
      const world = await overdue(yard)
      const { workflow, nodeId } = world
      const how = {
        ...GATED,
        fault: fault('and member.lease_id = found.lease_id', ''),
      }
      return {
        parts: [
          settles(world, allDone(world.of('a')), how),
          reclaims(workflow),
          leases(workflow, { nodeId }),
        ],
        check: (end) => {
          const isReclaimed = came(end, 'reclaim ends', 'settle starts')
          expect(keysOf(end.answer('settle'))).to.deep.equal(isReclaimed ? [] : ['a'])
        },
        mayAlsoEnd: () => true,
      }
    },
  },
  {
    words: 'a lease that does not lock what it looks at',
    found: /expected .* to equal|audit found/,
    scenario: async ({ yard }) => {
      const { workflow, nodeId, other } = await queued(yard)
      const how = { ...GATED, fault: fault('for update of pack skip locked', '') }
      return {
        parts: [
          leases(workflow, { nodeId }, how),
          leases(workflow, { nodeId: other }, { ...how, name: 'lease 2' }),
        ],
        check: (end) => {
          const all = ['lease', 'lease 2'].flatMap((name) => keysOf(end.answer(name)))
          expect(new Set(all).size).to.equal(all.length)
        },
      }
    },
  },
  {
    words: 'a reclaim that waits for a settle',
    found: /expected .* to not include 'reclaim'/,
    scenario: async ({ yard }) => {
      const world = await overdue(yard)
      const how = { ...GATED, fault: fault('for update of pack skip locked', 'for update of pack') }
      return {
        parts: [settles(world, allDone(world.of('a'))), reclaims(world.workflow, how)],
        check: (end) => expect([...end.waiters]).to.not.include('reclaim'),
        mayAlsoEnd: () => true,
      }
    },
  },
  {
    words: 'a reclaim that locks the pack and not the lease',
    found: /to deeply equal|reclaim failed/,
    scenario: async ({ yard }) => {
      const { workflow, nodeId, other } = await held(yard)
      await yard.store.fenceNode({ nodeId, reason: 'a test' })
      const how = {
        ...GATED,
        fault: fault('using (pack_id, lease_id)', 'on pack.pack_id = suspect.pack_id'),
      }
      return {
        parts: [
          reclaims(workflow, how),
          reclaims(workflow, { name: 'reclaim 2' }),
          leases(workflow, { nodeId: other }),
        ],
        check: (end) => {
          const kept = heldBy(end, 'B').map((item) => item.split('#')[0])
          expect(kept).to.deep.equal(keysOf(end.answer('lease')))
        },
      }
    },
  },
  {
    words: 'a release that does not lock what it gives back',
    found: /to deeply equal|audit found|no order of whole/,
    scenario: async ({ yard }) => {
      const { workflow, nodeId, other } = await held(yard)
      await yard.store.fenceNode({ nodeId, reason: 'a test' })
      const how = { ...GATED, fault: fault(/order by pack_id\s+for update/, '') }
      return {
        parts: [
          releases(workflow, nodeId, how),
          reclaims(workflow),
          leases(workflow, { nodeId: other }),
        ],
        check: (end) => {
          const kept = heldBy(end, 'B').map((item) => item.split('#')[0])
          expect(kept).to.deep.equal(keysOf(end.answer('lease')))
        },
      }
    },
  },
  {
    words: 'a cancel that does not lock what it takes out',
    found: /audit found/,
    scenario: async ({ yard }) => {
      const world = await held(yard)
      const how = { ...GATED, fault: fault('for update of pack', '') }
      return {
        parts: [settles(world, allDone(world.of('a'))), cancels(world.workflow, ['a'], how)],
        check: () => {},
      }
    },
  },
  {
    words: 'a status word written over a word of the owner',
    found: /to equal 'Mine'/,
    scenario: async ({ yard }) => {
      const world = await bound(yard)
      const how = { ...GATED, fault: fault(/and owned\."status" in \([^)]*\)/, '') }
      return {
        parts: [settles(world, allDone(world.held), how), ownerSets('1', { status: 'Mine' })],
        check: (end) => expect(end.state.words['1']).to.equal('Mine'),
      }
    },
  },
  {
    words: 'a newest round that is read from the snapshot',
    found: /audit found: I5/,
    scenario: async ({ yard }) => {
      const world = await bound(yard)
      const snapshot = `not exists (select from fetchyard.item as newer
        where newer.workflow_id = ${world.workflow.workflowId}
          and newer.item_key = word.item_key and newer.round > word.round)`
      const how = { ...GATED, fault: fault(/fetchyard\.is_newest_round\([^)]*\)/, snapshot) }
      return {
        parts: [
          settles(world, allDone(world.held), how),
          ownerSets('1', { status: 'Queued' }),
          leases(world.workflow, { nodeId: world.other }),
        ],
        check: () => {},
      }
    },
  },
]

describe('interleavings: faults that must be found', function () {
  this.timeout(300_000)
  const stage = useStage()

  for (const { words, found, scenario } of FAULTS) {
    it(words, async () => {
      const parts = await scenario(stage)
      const error: unknown = await explore(stage, parts).then(
        () => null,
        (thrown: unknown) => thrown,
      )
      expect(error, 'the orders found nothing').to.be.an('error')
      expect(String(error)).to.match(found)
    })
  }
})
