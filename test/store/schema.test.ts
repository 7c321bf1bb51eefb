import { readFile } from 'node:fs/promises'
import { expect } from 'chai'
import { migrate } from '../../src/store/migrate.js'
import { useDatabase } from '../support/database.js'
import { describeSchema } from './support/schema-text.js'

describe('schema.sql', () => {
  const database = useDatabase()

  it('is what the migrations make: run `npm run db:dump` after a change of theirs', async () => {
    await migrate(database.sql)
    const written = await readFile(new URL('../../src/store/schema.sql', import.meta.url), 'utf8')
    expect(await describeSchema(database.sql)).to.equal(written)
  })
})
