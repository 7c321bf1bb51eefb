import { expect } from 'chai'
import fc from 'fast-check'
import { type Coordination, ownPartitions, partitionsOf } from '../../../src/core/partition-plan.js'

const ALL = Array.from({ length: 256 }, (_, partition) => partition)
const members: Coordination = { way: 'members' }
const idSets = fc.uniqueArray(fc.uuid(), { minLength: 1, maxLength: 12 })

function owned(ids: readonly string[], nodeId: string): readonly number[] {
  return ownPartitions(members, { nodeId, members: ids }) ?? []
}

describe('ownPartitions', () => {
  it('gives every partition to exactly one of the living, whatever order they are read in', () => {
    fc.assert(
      fc.property(idSets, (ids) => {
        const turned = [...ids].reverse()
        const all = ids.flatMap((id) => owned(ids, id))
        expect([...all].sort((a, b) => a - b)).to.deep.equal(ALL)
        for (const id of ids) expect(owned(turned, id)).to.deep.equal(owned(ids, id))
      }),
      { numRuns: 50 },
    )
  })

  it('moves only the partitions of who comes or goes', () => {
    fc.assert(
      fc.property(idSets, fc.uuid(), (ids, newcomer) => {
        if (ids.includes(newcomer)) return
        const wider = [...ids, newcomer]
        const taken = new Set(owned(wider, newcomer))
        for (const id of ids) {
          const kept = owned(ids, id).filter((partition) => !taken.has(partition))
          expect(owned(wider, id)).to.deep.equal(kept)
        }
      }),
      { numRuns: 50 },
    )
  })

  it('gives none to who is not in the list, and all to everybody who leases what is next', () => {
    expect(owned(['a', 'b'], 'c')).to.deep.equal([])
    expect(ownPartitions({ way: 'leased' }, { nodeId: 'c', members: [] })).to.equal(null)
  })

  it('divides fixed instances without regard to who lives', () => {
    const parts = [1, 2, 3].map((id) =>
      ownPartitions({ way: 'fixed', id, count: 3 }, { nodeId: 'x', members: [] }),
    )
    expect(parts[0]?.slice(0, 3)).to.deep.equal([0, 3, 6])
    expect(parts.flatMap((part) => part ?? []).sort((a, b) => a - b)).to.deep.equal(ALL)
  })
})

describe('partitionsOf', () => {
  it('is what the workflow says, else many where nodes divide them, else what it was', () => {
    expect(partitionsOf({ partitions: 3 }, members)).to.equal(3)
    expect(partitionsOf({}, members)).to.equal(64)
    expect(partitionsOf({})).to.equal(undefined)
  })
})
