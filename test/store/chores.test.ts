import { expect } from 'chai'
import { pauseChores, readChores } from '../../src/store/chores.js'
import { useYard } from '../support/factory.js'

describe('chores', () => {
  const yard = useYard()
  const chore = 'events' as const
  const read = async () => {
    const found = (await readChores(yard.sql)).find((one) => one.chore === chore)
    if (found === undefined) throw new Error('the chore has no row')
    return found
  }

  it('are worked by one node of many that ask at once', async () => {
    const nodes = await Promise.all(Array.from({ length: 6 }, () => yard.node()))
    const taken = await Promise.all(
      nodes.map((nodeId) => yard.store.chores.takeTurn({ chore, nodeId, gapMs: 0 })),
    )
    expect(taken.filter((isTaken) => isTaken)).to.have.length(1)
  })

  it('say what was done last, by whom, and rest for the gap', async () => {
    const { chores } = yard.store
    await yard.sql`update fetchyard.housekeeping set turn_until = null`
    const nodeId = await yard.node({ name: 'keeper' })
    expect(await chores.takeTurn({ chore, nodeId, gapMs: 60_000 })).to.equal(true)
    expect(await read()).to.include({ worker: 'keeper', passedAt: null })
    await yard.sql`
      insert into fetchyard.event (level, name, message, happened_at)
      values ('info', 'test', 'old', now() - interval '1 day')`
    await chores.remove(chore, { nodeId, keepMs: 1_000, rowsMax: 10 })
    await chores.endTurn({ chore, nodeId, rows: 1, failure: null })
    const done = await read()
    expect(done).to.include({ worker: null, passedBy: 'keeper', passedRows: 1, removed: 1 })
    expect(done).to.include({ failure: null, failedAt: null })
    expect(done.passedAt).to.match(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
    expect(await chores.takeTurn({ chore, nodeId, gapMs: 60_000 }), 'too early').to.equal(false)
    expect(await chores.takeTurn({ chore, nodeId, gapMs: 0 })).to.equal(true)
  })

  it('pass to another node when the one that had the turn went silent', async () => {
    const { chores } = yard.store
    const [dead, heir] = [await yard.node(), await yard.node()]
    await yard.sql`
      update fetchyard.housekeeping set turn_of = ${dead}, turn_until = now() + interval '1 s'`
    expect(await chores.takeTurn({ chore, nodeId: heir, gapMs: 0 })).to.equal(false)
    await yard.sql`update fetchyard.housekeeping set turn_until = now() - interval '1 s'`
    expect(await chores.takeTurn({ chore, nodeId: heir, gapMs: 0 })).to.equal(true)
    const old = { keepMs: 1_000, rowsMax: 10 }
    expect((await chores.remove(chore, { nodeId: dead, ...old })).isOurs).to.equal(false)
    expect((await chores.remove(chore, { nodeId: heir, ...old })).isOurs).to.equal(true)
    // The end of a pass that lost its turn takes nothing from its heir.
    await chores.endTurn({ chore, nodeId: dead, rows: 9, failure: 'late' })
    expect((await read()).failure).to.equal(null)
  })

  it('keep the words of a failure', async () => {
    const { chores } = yard.store
    const nodeId = await yard.node()
    await yard.sql`update fetchyard.housekeeping set turn_until = null`
    await chores.takeTurn({ chore, nodeId, gapMs: 0 })
    await chores.endTurn({ chore, nodeId, rows: 0, failure: 'the disk is full' })
    expect((await read()).failure).to.equal('the disk is full')
  })

  it('are paused and resumed for the whole cluster', async () => {
    const { chores } = yard.store
    const nodeId = await yard.node()
    await yard.sql`update fetchyard.housekeeping set turn_until = null`
    expect(await pauseChores(yard.sql, 'operator')).to.equal(true)
    expect(await pauseChores(yard.sql, 'operator'), 'already').to.equal(false)
    expect((await read()).pausedWhy).to.equal('operator')
    expect(await chores.takeTurn({ chore, nodeId, gapMs: 0 })).to.equal(false)
    expect(await pauseChores(yard.sql, null)).to.equal(true)
    expect(await chores.takeTurn({ chore, nodeId, gapMs: 0 })).to.equal(true)
  })
})
