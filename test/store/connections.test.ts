import { expect } from 'chai'
import { isCrowded } from '../../src/core/connection-use.js'
import { readConnections } from '../../src/store/connections.js'
import { useYard } from '../support/factory.js'

describe('store/connections', () => {
  const yard = useYard()

  it('counts the connections of everybody, against what the server allows', async () => {
    const before = await readConnections(yard.sql)
    const reserved = await Promise.all([yard.sql.reserve(), yard.sql.reserve()])
    const [row] = await yard.sql<{ max: number }[]>`
      select current_setting('max_connections')::int as max`
    const use = await readConnections(yard.sql)
    for (const connection of reserved) connection.release()
    expect(use.max).to.equal(row?.max)
    expect(before.used).to.be.at.least(1)
    expect(use.used).to.be.within(3, use.max)
  })

  it('calls it crowded above 80 % and not at it', () => {
    expect(isCrowded({ used: 80, max: 100 })).to.equal(false)
    expect(isCrowded({ used: 81, max: 100 })).to.equal(true)
    expect(isCrowded({ used: 0, max: 0 })).to.equal(false)
  })
})
