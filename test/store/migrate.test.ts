import { expect } from 'chai'
import { hasCode } from '../../src/core/errors.js'
import { migrate, pendingMigrations, readMigrations } from '../../src/store/migrate.js'
import { useDatabase } from '../support/database.js'

describe('migrate', () => {
  const database = useDatabase()

  beforeEach(async () => {
    await database.sql`drop schema if exists fetchyard cascade`
  })

  it('brings an empty database to the newest schema, once', async () => {
    const known = await readMigrations()
    expect(known).to.not.have.length(0)
    expect(await pendingMigrations(database.sql)).to.deep.equal(known)
    expect(await migrate(database.sql)).to.deep.equal(known)
    expect(await migrate(database.sql)).to.deep.equal([])
    expect(await pendingMigrations(database.sql)).to.deep.equal([])
  })

  it('numbers migrations without gaps and says of each whether it breaks', async () => {
    const known = await readMigrations()
    expect(known.map(({ id }) => id)).to.deep.equal(known.map((_, index) => index + 1))
    for (const { text, name } of known) expect(text, name).to.match(/^-- breaking: (yes|no)\b/)
  })

  it('is done by many programs at once as if by one', async () => {
    const done = await Promise.all(Array.from({ length: 6 }, () => migrate(database.sql)))
    const applied = done.flat().map(({ id }) => id)
    expect(applied.sort((a, b) => a - b)).to.deep.equal(
      (await readMigrations()).map(({ id }) => id),
    )
  })

  it('refuses a newer schema that this program would misread', async () => {
    await migrate(database.sql)
    await database.sql`insert into fetchyard.migration values (9999, 'from_the_future', true)`
    const refusal = await migrate(database.sql).catch((error: unknown) => error)
    expect(hasCode(refusal, 'SCHEMA_NEWER')).to.equal(true)
    expect(String(refusal)).to.include('9999').and.to.include('from_the_future')
  })

  it('works with a newer schema that breaks nothing', async () => {
    await migrate(database.sql)
    await database.sql`insert into fetchyard.migration values (9999, 'harmless', false)`
    expect(await migrate(database.sql)).to.deep.equal([])
  })

  it('takes over an index of the receipts that an operator has built beforehand', async () => {
    const [first, ...others] = await readMigrations()
    await database.sql`drop view if exists public.processing_log`
    await database.sql`create schema fetchyard`
    await database.sql.unsafe(first?.text ?? '')
    const [partition] = await database.sql<{ statement: string }[]>`
      select format('create index concurrently on %s (item_id) include (status)',
                    inhrelid::regclass) as statement
        from pg_inherits where inhparent = 'fetchyard.processing_log'::regclass`
    await database.sql.unsafe(partition?.statement ?? '')
    const indexes = () => database.sql<{ oid: number; isAttached: boolean }[]>`
      select index.indexrelid as oid, relation.relispartition as "isAttached"
        from pg_index as index join pg_class as relation on relation.oid = index.indexrelid
       where index.indrelid = 'fetchyard.processing_log_rest'::regclass
         and pg_get_indexdef(index.indexrelid) like '%INCLUDE (status)%'`
    const [built] = await indexes()
    for (const { text } of others) await database.sql.unsafe(text)
    expect([...(await indexes())]).to.deep.equal([{ oid: built?.oid, isAttached: true }])
  })

  it('leaves a table of the user’s alone that has the name of our view', async () => {
    await database.sql`drop view if exists public.processing_log`
    await database.sql`create table public.processing_log (theirs integer)`
    await migrate(database.sql)
    expect([...(await database.sql`select theirs from public.processing_log`)]).to.deep.equal([])
    await database.sql`drop table public.processing_log`
  })

  it('needs no right to create in the schema public', async () => {
    await database.sql`drop role if exists fetchyard_test_migrator`
    await database.sql`create role fetchyard_test_migrator`
    try {
      await database.sql.begin(async (transaction) => {
        await transaction`revoke create on schema public from public`
        const [row] = await transaction<{ name: string }[]>`select current_database() as name`
        await transaction`
          grant create on database ${transaction(row?.name ?? '')} to fetchyard_test_migrator`
      })
      await database.sql.begin(async (transaction) => {
        await transaction`set local role fetchyard_test_migrator`
        await transaction`create schema fetchyard`
        for (const { text } of await readMigrations()) await transaction.unsafe(text)
      })
      const [row] = await database.sql`select to_regclass('public.processing_log') as found`
      expect(row?.found).to.equal(null)
    } finally {
      await database.sql`drop owned by fetchyard_test_migrator`
      await database.sql`drop role fetchyard_test_migrator`
    }
  })

  it('leaves nothing of a migration that fails', async () => {
    await database.sql`create schema fetchyard`
    await database.sql`create table fetchyard.tally (in_the_way integer)`
    const failure = await migrate(database.sql).catch((error: unknown) => error)
    expect(failure).to.be.instanceOf(Error)
    expect(await pendingMigrations(database.sql)).to.have.length((await readMigrations()).length)
    const [row] = await database.sql`select to_regclass('fetchyard.work_queue') as found`
    expect(row?.found).to.equal(null)
  })
})
