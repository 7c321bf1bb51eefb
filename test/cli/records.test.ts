import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { expect } from 'chai'
import { seededRandom } from '../../src/core/random.js'
import { audit } from '../../src/store/audit.js'
import {
  applicationXml,
  MAPPING_PATH,
  NAMESPACE,
  writeApplications,
} from '../support/applications.js'
import { useDatabase } from '../support/database.js'
import { eventually } from '../support/poll.js'
import { type Ended, runProgram, startProgram, useDirectory } from './program.js'

const SAMPLE = 'docs/samples/applications.xml'

describe('fetchyard records', () => {
  const database = useDatabase()
  const directory = useDirectory()

  before(async () => {
    await copyFile(MAPPING_PATH, join(directory.path, 'applications.records.json'))
    await copyFile(SAMPLE, join(directory.path, 'applications.xml'))
  })

  function options() {
    return { cwd: directory.path, environment: { DATABASE_URL: database.url } }
  }

  function records(...words: readonly string[]): Promise<Ended> {
    return runProgram(['records', ...words, '--port', 'off'], options())
  }

  async function count(table: string): Promise<number> {
    const [row] = await database.sql.unsafe<{ n: number }[]>(
      `select count(*)::int as n from ${table}`,
    )
    return row?.n ?? 0
  }

  it('shows what the records of a sample become, and needs no database for it', async () => {
    const words = ['records', 'check', 'applications.records.json', '--sample', 'applications.xml']
    const checked = await runProgram(words, { cwd: directory.path })
    expect(checked.stdout).to.contain('The mapping is sound: workflow applications-public')
    expect(checked.stdout).to.contain('address {"application_id":"1001","applicant_no":1,')
    expect(checked.stdout).to.contain('4 records: 3 become 10 rows, 1 fail.')
    expect(checked.stderr).to.contain('Record 3: /Applications/Application/Status: expected one of')
    expect(checked.stderr).to.contain('got "X" (line 3 of the record)')
    expect(checked.exitCode).to.equal(2)
  })

  it('says what is no mapping and what is no file, as a mistake and not a defect', async () => {
    const mapping = 'applications.records.json'
    const mistakes: readonly (readonly [words: string[], exitCode: number, message: string])[] = [
      [['applications.xml'], 2, 'is no mapping. A mapping is a file named like'],
      [[mapping, '--sample', '.'], 2, 'cannot be read: EISDIR'],
      [[mapping, '--sample', 'none.xml'], 2, 'none.xml cannot be read: ENOENT'],
    ]
    for (const [words, exitCode, message] of mistakes) {
      const program = await runProgram(['records', 'check', ...words], { cwd: directory.path })
      expect(program.stderr).to.contain(message)
      expect(program.exitCode, program.stderr).to.equal(exitCode)
    }
  })

  it('refuses to start while the live tables do not suit the mapping, with line and fix', async () => {
    const missing = await records('run', 'applications.records.json', 'applications.xml')
    expect(missing.exitCode).to.equal(78)
    expect(missing.stderr).to.contain('there is no table public.application')
    await database.sql`create schema strange`
    await database.sql`
      create table strange.application (
        application_id bigint, submitted_at timestamptz, status integer, amount numeric,
        currency text, decided_on date not null, lease_id bigint, branch text not null)`
    const refused = await records(
      ...['check', 'applications.records.json', '--tables', '--schema', 'strange'],
    )
    expect(refused.exitCode).to.equal(78)
    const lines = (await readFile(MAPPING_PATH, 'utf8')).split('\n')
    const lineOf = (words: string) => lines.findIndex((line) => line.includes(words)) + 1
    const expected = [
      `line ${lineOf('"note"')}: \`tables.application.columns.note\`: strange.application has no column note`,
      'text does not go into strange.application.status, which is integer',
      'strange.application.branch is not null, has no default and is not in the mapping',
      `line ${lineOf('"decided_on"')}: \`tables.application.columns.decided_on\`: strange.application.decided_on is not null`,
      'has no unique constraint on (application_id)',
      'there is no table strange.applicant',
    ]
    for (const words of expected) expect(refused.stderr).to.contain(words)
  })

  it('loads a file into one schema and into another, and never mixes them', async () => {
    for (const schema of ['sandbox', 'production']) {
      const made = await records('create-tables', 'applications.records.json', '--schema', schema)
      expect(made.stderr + made.stdout).to.contain(`Ready: ${schema}.application`)
    }
    const run = (schema: string) =>
      records(
        ...['run', 'applications.records.json', 'applications.xml', '--schema', schema],
        ...['--alert-errors', '40'],
      )
    const first = await run('sandbox')
    expect(first.stderr).to.contain('4 records, 4 of them new')
    expect(first.stdout).to.match(/records ok +3 of 4\n +failed +1 \(parse 1\)/)
    expect(first.exitCode).to.equal(0)
    expect(await count('sandbox.address')).to.equal(3)
    // The other nodes judge by the bounds of the command that works it.
    const bounds = await database.sql`
      select alerts -> 'errorPercent' as "errorPercent", alerts -> 'successPercent' as "successPercent"
        from fetchyard.workflow where name = 'applications-sandbox'`
    expect([...bounds]).to.deep.equal([{ errorPercent: 40, successPercent: 95 }])
    expect(await count('production.application')).to.equal(0)
    expect((await run('sandbox')).stderr).to.contain('4 records, 0 of them new')
    expect((await run('production')).stderr).to.contain('4 records, 4 of them new')
    expect([await count('sandbox.applicant'), await count('production.applicant')]).to.deep.equal([
      4, 4,
    ])
    const errors = await database.sql`
      select item_key, error from processing_log where status = 'error' order by workflow_id`
    expect(errors.map((row) => row.item_key)).to.deep.equal([
      'applications.xml#3',
      'applications.xml#3',
    ])
    expect(errors[0]?.error).to.contain('/Applications/Application/Status: expected one of A, P, R')
  })

  it('lets each broken record of a directory fail by itself, with its reason', async () => {
    const inbox = join(directory.path, 'inbox')
    await mkdir(join(inbox, 'late'), { recursive: true })
    const around = (inner: string, head = '') =>
      `${head}<Applications xmlns="${NAMESPACE}">${inner}</Applications>`
    const good = (id: number, name = 'Ann') =>
      `<Application id="${id}"><Submitted>2026-01-01T00:00:00Z</Submitted><Status>A</Status>
       <Loan><Amount>1</Amount></Loan><Applicants><Applicant><Name>${name}</Name></Applicant></Applicants></Application>`
    const latin = '<?xml version="1.0" encoding="ISO-8859-1"?>'
    const files: readonly (readonly [name: string, content: string | Buffer])[] = [
      ['1-good.xml', around(good(2001))],
      ['2-twice.xml', around(good(2001))],
      ['3-malformed.xml', around(`<Application id="1"><Status></Application>${good(2003)}`)],
      ['4-unclosed.xml', around(`<Application id="1">${good(2004)}`)],
      ['5-truncated.xml', around(good(2005) + good(2006)).slice(0, -80)],
      ['6-bomb.xml', around(good(2007), '<!DOCTYPE x [<!ENTITY a "b">]>')],
      ['7-latin.xml', Buffer.from(around(good(2008, 'Renée'), latin), 'latin1')],
      ['8-not-utf8.xml', Buffer.from(around(good(2009, 'Renée') + good(2010)), 'latin1')],
      ['9-unknown.xml', around(good(2011), '<?xml version="1.0" encoding="EBCDIC-CP-US"?>')],
      ['late/a-wide.xml', Buffer.from(`\uFEFF${around(good(2012, 'Zoë'))}`, 'utf16le')],
      ['late/b-packed.xml.gz', gzipSync(around(good(2013)))],
      ['late/c-cut.xml.gz', gzipSync(around(good(2014))).subarray(0, 150)],
      ['late/notes.txt', 'no XML'],
    ]
    for (const [name, content] of files) await writeFile(join(inbox, name), content)
    const run = await records('run', 'applications.records.json', 'inbox', '--schema', 'sandbox')
    expect(run.exitCode, run.stderr).to.equal(0)
    const loaded = await database.sql`
      select application_id from sandbox.application where application_id > 2000 order by 1`
    expect(loaded.map((row) => Number(row.application_id))).to.deep.equal([
      2001, 2003, 2004, 2005, 2008, 2010, 2012, 2013,
    ])
    const rows = await database.sql<{ item_key: string; error: string }[]>`
      select item_key, outcome_code || ': ' || error as error from processing_log
       where status = 'error' and item_key like 'inbox/%' order by item_key`
    // Of two records with one key the one that is settled first is written.
    const twice = rows.filter((row) => /inbox\/[12]-/.test(row.item_key))
    expect(twice).to.have.length(1)
    expect(twice[0]?.error).to.contain('sink: duplicate key')
    const others = rows.filter((row) => !twice.includes(row))
    const why = new Map(others.map((row) => [row.item_key, row.error]))
    const reasons: readonly (readonly [key: string, words: string])[] = [
      ['inbox/3-malformed.xml#1', 'unexpected close tag'],
      ['inbox/4-unclosed.xml#1', 'its end tag is missing before the next record'],
      ['inbox/5-truncated.xml#2', 'the file ends within the record'],
      ['inbox/6-bomb.xml#1', 'a document type (DOCTYPE) is not accepted'],
      ['inbox/8-not-utf8.xml#1', 'it is not in utf-8'],
      ['inbox/9-unknown.xml#1', 'the encoding ebcdic-cp-us is not known'],
      ['inbox/late/c-cut.xml.gz#1', 'it cannot be read: unexpected end of file'],
    ]
    for (const [key, words] of reasons) expect(why.get(key), key).to.contain(words)
    expect([...why.keys()]).to.have.members(reasons.map(([key]) => key))
    const names = await database.sql`
      select name from sandbox.applicant where application_id in (2008, 2012) order by 1`
    expect(names.map((row) => row.name)).to.deep.equal(['Renée', 'Zoë'])
    expect((await audit(database.sql)).isClean).to.equal(true)
  })

  it('finds a mapping in the list of the file, and looks at one that is a module elsewhere', async () => {
    const listed = join(directory.path, 'listed')
    await mkdir(listed)
    const mapping = await readFile(MAPPING_PATH, 'utf8')
    const files = {
      'rows.records.mjs': `export default ${mapping}`,
      'leaving.records.mjs': 'process.exit(0)',
      'fetchyard.config.json': JSON.stringify({
        workflows: [{ module: './rows.records.mjs', schema: 'listed' }, './leaving.records.mjs'],
      }),
    }
    for (const [name, text] of Object.entries(files)) await writeFile(join(listed, name), text)
    const up = await runProgram(['up', '--port', 'off'], { ...options(), cwd: listed })
    expect(up.exitCode, up.stderr).to.equal(78)
    expect(up.stderr).to.contain('rows.records.mjs does not fit the tables of schema listed')
    expect(up.stderr).to.match(/leaving\.records\.mjs.*ended with code 0 before it was imported/s)
  })

  /** A mapping whose records are the rows of a table, and what its `source` says. */
  async function rowsMapping(name: string, source: { [field: string]: string }): Promise<string> {
    const mapping = JSON.parse(await readFile(MAPPING_PATH, 'utf8'))
    const given = {
      table: `public.${name}`,
      key: 'inbox_id',
      keyType: 'bigint',
      status: 'status_{schema}',
      xml: 'document',
      ...source,
    }
    const text = { ...mapping, name, source: given, onDuplicate: 'ignore' }
    const path = `${name}.records.json`
    await writeFile(join(directory.path, path), JSON.stringify(text, null, 1))
    return path
  }

  async function expectRowsWorked(name: string, path: string, from: number): Promise<void> {
    const document = (id: number, amount: string) =>
      `<?xml version="1.0"?><Application xmlns="${NAMESPACE}" id="${id}"><Submitted>2026-01-01T00:00:00Z</Submitted>
       <Status>A</Status><Loan><Amount>${amount}</Amount></Loan></Application>`
    await database.sql`
      insert into ${database.sql(name)} values (1, ${document(from, '5')}, 'Queued'),
                                      (2, ${document(from + 1, 'much')}, 'Queued')`
    const words = ['up', `./${path}`, '--schema', 'sandbox', '--port', 'off']
    const node = startProgram([...words, '--executor', 'thread'], options())
    try {
      let seen: readonly unknown[] = []
      await eventually({ words: 'both rows at their end', seen: () => seen }, async () => {
        const rows = await database.sql`
          select status_sandbox as word from ${database.sql(name)} order by inbox_id`
        seen = rows.map((row) => row.word)
        return seen[0] === 'Complete' && seen[1] === 'Error'
      })
    } finally {
      node.child.kill('SIGTERM')
      await node.ended
    }
    const loaded = `sandbox.application where application_id between ${from} and ${from + 1}`
    expect(await count(loaded)).to.equal(1)
  }

  it('works the rows of a table, and writes their status', async () => {
    await database.sql`
      create table public.inbox (inbox_id bigint primary key, document xml, status_sandbox text)`
    await expectRowsWorked('inbox', await rowsMapping('inbox', {}), 3001)
  })

  it('works the rows of a table whose status is an enum, and says what to call it', async () => {
    await database.sql`
      create type public.stage as enum ('New', 'Queued', 'Processing', 'Complete', 'Error')`
    await database.sql`
      create table public.staged
             (inbox_id bigint primary key, document text, status_sandbox public.stage)`
    const path = await rowsMapping('staged', { xml: 'documents' })
    const refused = await records('check', path, '--tables', '--schema', 'sandbox')
    expect(refused.exitCode, refused.stderr).to.equal(78)
    const lines = (await readFile(join(directory.path, path), 'utf8')).split('\n')
    const lineOf = (words: string) => lines.findIndex((line) => line.includes(words)) + 1
    expect(refused.stderr).to.contain(
      `line ${lineOf('"documents"')}: \`source.xml\`: expected a column of public.staged`,
    )
    expect(refused.stderr).to.match(/`source\.statusType`: expected '(?:public\.)?stage'/)
    const named = await rowsMapping('staged', { statusType: 'public.stage' })
    await expectRowsWorked('staged', named, 3101)
  })

  /** Does something to the import of `name` in the transaction of each step after so many records. */
  async function meetImport(name: string, statement: string, records = 1): Promise<void> {
    await database.sql.unsafe(`
      create or replace function public.meet_import() returns trigger language plpgsql as $$
      begin
        if old.name = '${name}' and old.records >= ${records} then ${statement}; end if;
        return new;
      end $$;
      create or replace trigger meet_import before update on fetchyard.import
        for each row execute function public.meet_import()`)
  }

  /** Work and import are then under way at once, however fast either is, until `release`. */
  async function holdImport(
    name: string,
    records = 1,
  ): Promise<{ readonly release: () => Promise<void> }> {
    await meetImport(name, 'perform pg_advisory_xact_lock(4711)', records)
    const holder = await database.sql.reserve()
    await holder`select pg_advisory_lock(4711)`
    let isHeld = true
    const release = async () => {
      if (!isHeld) return
      isHeld = false
      await holder`select pg_advisory_unlock(4711)`
      holder.release()
    }
    return { release }
  }

  async function untilLoaded(records: number): Promise<void> {
    let loaded = 0
    await eventually({ words: 'the first step at its end', seen: () => loaded }, async () => {
      loaded = await count('beside.application')
      return loaded === records
    })
  }

  it('works records while their file is imported, and goes on with both when it is killed', async () => {
    await records('create-tables', 'applications.records.json', '--schema', 'beside')
    await writeApplications(join(directory.path, 'both.xml.gz'), 2_500)
    const words = [
      'records',
      'run',
      'applications.records.json',
      'both.xml.gz',
      '--schema',
      'beside',
    ]
    const held = await holdImport('both.xml.gz')
    const program = startProgram([...words, '--port', 'off'], options())
    try {
      await untilLoaded(1_000)
      // All that is imported is done, and the run is not: it looks at itself four times a second,
      // and its node would be stopped and fenced.
      await new Promise((resolve) => setTimeout(resolve, 2_500))
      const living = await database.sql`select from fetchyard.node where fenced_at is null`
      expect(living, program.stderr()).to.have.length(1)
      const [row] = await database.sql`
        select records::int as records, finished_at
          from fetchyard.import where name = 'both.xml.gz'`
      expect(row).to.deep.equal({ records: 1_000, finished_at: null })
    } finally {
      program.child.kill('SIGKILL')
      await program.ended
      await held.release()
    }
    const ended = await runProgram([...words, '--port', 'off'], options())
    expect(ended.exitCode, ended.stderr).to.equal(0)
    expect(ended.stderr).to.contain('both.xml.gz: continued after 1 000 records.')
    expect(ended.stderr).to.contain('2 500 records, 1 500 of them new.')
    expect(ended.stdout).to.match(/records ok +2 500 of 2 500/)
    expect(await count('beside.application')).to.equal(2_500)
    expect(await count('beside.address')).to.equal(5_000)
    expect((await audit(database.sql)).isClean).to.equal(true)
  })

  it('drains and says why when the import beside the work is refused or stopped', async () => {
    const later = (id: number) => applicationXml(id + 10_000)
    await writeApplications(join(directory.path, 'late.xml'), 2_500, later)
    const words = ['records', 'run', 'applications.records.json', 'late.xml', '--schema', 'beside']
    await meetImport('late.xml', `raise exception 'no room for more'`)
    const refused = await runProgram([...words, '--port', 'off'], options())
    expect(refused.exitCode, refused.stderr).to.equal(1)
    expect(refused.stderr).to.contain('no room for more')
    const held = await holdImport('late.xml', 2_000)
    const program = startProgram([...words, '--port', 'off'], options())
    try {
      await untilLoaded(4_500)
      program.child.kill('SIGTERM')
      await program.says('draining')
      await held.release()
      const stopped = await program.ended
      expect(stopped.exitCode, stopped.stderr).to.equal(75)
      expect(stopped.stderr).to.contain('run the same command again to continue')
    } finally {
      program.child.kill('SIGKILL')
      await held.release()
    }
    const ended = await runProgram([...words, '--port', 'off'], options())
    expect(ended.stdout, ended.stderr).to.match(/records ok +2 500 of 2 500/)
    expect((await audit(database.sql)).isClean).to.equal(true)
  })

  it('continues an import that was killed at any moment, and enqueues no record twice', async () => {
    const seed = Number(process.env.FETCHYARD_TEST_SEED ?? Date.now() % 100_000)
    const random = seededRandom(seed)
    const total = 6_000
    await writeApplications(join(directory.path, 'large.xml.gz'), total)
    const words = ['records', 'import', 'applications.records.json', 'large.xml.gz']
    const committed = async () => {
      const [found] = await database.sql<{ records: number }[]>`
        select records::int as records from fetchyard.import where name = 'large.xml.gz'`
      return found?.records ?? 0
    }
    let kills = 0
    for (let isDone = false; !isDone; ) {
      const before = await committed()
      const program = startProgram([...words, '--schema', 'sandbox'], options())
      // Each boot gets somewhere, and is killed a random moment later, wherever it is then.
      const isMoved = async () => program.child.exitCode !== null || (await committed()) > before
      await eventually({ words: 'records of this boot', patienceMs: 60_000 }, isMoved)
      await new Promise((resolve) => setTimeout(resolve, random.next() * 150))
      program.child.kill('SIGKILL')
      const { signal, exitCode } = await program.ended
      isDone = signal === null
      if (isDone) expect(exitCode, `seed ${seed}`).to.equal(0)
      else kills += 1
    }
    const [row] = await database.sql<
      { items: number; keys: number; ids: number; packed: number }[]
    >`
      select count(*)::int as items,
             count(distinct item_key)::int as keys,
             count(distinct substring(payload->>'xml' from '^<Application id="(\\d+)">'))::int as ids,
             (select sum(cardinality(item_ids))::int from fetchyard.work_queue) as packed
        from fetchyard.item where item_key like 'large.xml.gz#%'`
    const all = { items: total, keys: total, ids: total, packed: total }
    expect(row, `seed ${seed}, ${kills} kills`).to.deep.equal(all)
    const [state] = await database.sql`
      select records::int as records, finished_at is not null as "isFinished"
        from fetchyard.import where name = 'large.xml.gz'`
    expect(state).to.deep.equal({ records: total, isFinished: true })
    expect(kills, `seed ${seed}: nothing was killed`).to.be.above(0)
  })
})
