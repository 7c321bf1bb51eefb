// Workflows whose source is a file: every record once, whoever stops, races or is killed.

import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { expect } from 'chai'
import type { FileFormat } from '../../src/core/definition.js'
import type { WorkflowHandle } from '../../src/store/store.js'
import { importSource } from '../../supervisor/cli/source-file/import-source.js'
import {
  formatOfSource,
  readSource,
  SOURCE_START,
  type SourceRecord,
} from '../../supervisor/cli/source-file/read-source.js'
import { useYard } from '../support/factory.js'
import { eventually } from '../support/poll.js'
import { runProgram, startProgram, useDirectory } from './program.js'

const CSV = [
  '\uFEFFid,url,note\r\n',
  '1,https://a.example/1,"two\nlines, ""quoted"""\r\n',
  '\r\n',
  '2,https://a.example/2\r\n',
  '3,https://b.example/3,ü\r\n',
].join('')

const NDJSON = [
  '{"id":1,"url":"https://a.example/1"}\n',
  'no json\n',
  '"https://a.example/2"\n',
  '[1]\n',
  '{"id":4,"deep":{"list":[1,null]}}',
].join('')

const FLOW = `export default {
  name: 'filed',
  source: { file: './list.csv', key: 'id' },
  sinks: {},
  work: async () => ({}),
}`

const RUN = ['--port', 'off', '--json']
const runFlow = (name: string, file: string) => `export default {
  name: '${name}',
  source: { file: './${file}', key: 'id' },
  sinks: {},
  work: async () => ({}),
}`

describe('cli: source files', () => {
  const yard = useYard()
  const directory = useDirectory()

  const options = () => ({ cwd: directory.path, environment: { DATABASE_URL: yard.url } })
  const put = async (name: string, text: string | Buffer) => {
    const path = join(directory.path, name)
    await writeFile(path, text)
    return path
  }
  const readAll = async (path: string, format: FileFormat, from = SOURCE_START) => {
    const all: SourceRecord[] = []
    for await (const records of readSource({ path, format, from })) all.push(...records)
    return all
  }
  const rowsOf = (workflowId: number) => yard.sql<{ item_key: string; lane: string }[]>`
    select item_key, lane from fetchyard.item where workflow_id = ${workflowId} order by item_id`

  it('goes past a record that Postgres cannot keep, and counts it', async () => {
    const path = await put(
      'nul.ndjson',
      [
        ...['{"id":"a\\u0000b"}', '{"id":"\\ud800"}', '{"\\u0000":1}'],
        ...['{"id":"\\\\u0000"}', '{"id":"\\ud83d\\ude00"}'],
      ].join('\n'),
    )
    const { workflowId } = await yard.workflow()
    const source = { file: 'nul.ndjson', format: 'ndjson', key: 'id' } as const
    const isStopped = () => false
    const done = await importSource({ sql: yard.sql, workflowId, source, path, isStopped })
    expect(done).to.include({ records: 5, unused: 3, added: 2, end: 'finished' })
    expect((await rowsOf(workflowId)).map((row) => row.item_key)).to.deep.equal([
      '\\u0000',
      '\u{1F600}',
    ])
  })

  it('keeps two records apart whose long keys differ at their ends alone', async () => {
    const long = 'x'.repeat(2_500)
    const path = await put('long.txt', `${long}1\n${long}2\n`)
    const { workflowId } = await yard.workflow()
    const source = { file: 'long.txt', format: 'lines' } as const
    const isStopped = () => false
    const done = await importSource({ sql: yard.sql, workflowId, source, path, isStopped })
    expect(done).to.include({ unused: 0, added: 2 })
  })

  it('reads CSV and NDJSON, says what is no record, and goes on behind any record', async () => {
    for (const [name, text, format] of [
      ['read.csv', CSV, 'csv'],
      ['read.csv.gz', gzipSync(CSV), 'csv'],
      ['packed-without-saying.csv', gzipSync(CSV), 'csv'],
      ['read.ndjson', NDJSON, 'ndjson'],
      ['read.txt', 'https://a.example/\n\nplain words\n', 'lines'],
    ] as const) {
      const path = await put(name, text)
      const all = await readAll(path, format)
      for (const [n, { position }] of all.entries()) {
        expect(await readAll(path, format, position), `${name} from ${n}`).to.deep.equal(
          all.slice(n + 1),
        )
      }
    }
    const csv = await readAll(join(directory.path, 'read.csv'), 'csv')
    expect(await readAll(join(directory.path, 'read.csv.gz'), 'csv')).to.deep.equal(csv)
    expect(formatOfSource({ file: './read.CSV.gz' })).to.equal('csv')
    expect(csv.map(({ payload }) => payload)).to.deep.equal([
      { id: '1', url: 'https://a.example/1', note: 'two\nlines, "quoted"' },
      null,
      { id: '3', url: 'https://b.example/3', note: 'ü' },
    ])
    expect(csv.at(-1)?.position).to.include({
      ...{ records: 3, unused: 1, offset: Buffer.byteLength(CSV) },
      problem: 'line 5: it has 2 fields, and the header 3',
    })
    const ndjson = await readAll(join(directory.path, 'read.ndjson'), 'ndjson')
    expect(ndjson.map(({ payload }) => payload)).to.deep.equal([
      { id: 1, url: 'https://a.example/1' },
      null,
      { url: 'https://a.example/2' },
      null,
      { id: 4, deep: { list: [1, null] } },
    ])
    const lines = await readAll(join(directory.path, 'read.txt'), 'lines')
    expect(lines.map(({ payload }) => payload)).to.deep.equal([
      { url: 'https://a.example/' },
      { line: 'plain words' },
    ])
  })

  it('stops and goes on, with every record once, also when several import at once', async () => {
    const { workflowId } = await yard.workflow()
    const count = 6_500
    const pad = 'x'.repeat(100)
    const path = await put(
      'many.csv',
      ['id,pad\n', ...Array.from({ length: count }, (_, n) => `${n},${pad}\n`)].join(''),
    )
    const source = { file: 'many.csv', key: 'id' }
    const of = { sql: yard.sql, workflowId, source, path }
    const first = await importSource({ ...of, isStopped: () => true })
    expect(first.end).to.equal('stopped')
    expect(first.added).to.be.within(1, count - 1)
    const ends = await Promise.all(
      [1, 2, 3].map(() => importSource({ ...of, isStopped: () => false })),
    )
    expect(ends.map(({ end }) => end)).to.include('finished')
    const added = [first, ...ends].reduce((sum, one) => sum + one.added, 0)
    expect(added).to.equal(count)
    const rows = await rowsOf(workflowId)
    expect(new Set(rows.map((row) => row.item_key)).size).to.equal(count)
    const again = await importSource({ ...of, isStopped: () => false })
    expect(again).to.include({ end: 'finished', added: 0, records: count })
  })

  it('enqueues of a file that has changed what is new in it', async () => {
    const { workflowId } = await yard.workflow()
    const of = { sql: yard.sql, workflowId, source: { file: 'grows.txt' }, isStopped: () => false }
    const path = await put('grows.txt', 'https://a.example/1\nhttps://b.example/2\n')
    expect(await importSource({ ...of, path })).to.include({ added: 2 })
    await put('grows.txt', 'https://a.example/1\nhttps://b.example/2\nhttps://c.example/3')
    expect(await importSource({ ...of, path })).to.include({ added: 1, records: 3 })
    expect([...(await rowsOf(workflowId))]).to.deep.equal([
      { item_key: 'https://a.example/1', lane: 'a.example' },
      { item_key: 'https://b.example/2', lane: 'b.example' },
      { item_key: 'https://c.example/3', lane: 'c.example' },
    ])
  })

  it('is worked by `run` to its end, packed or not, with what others enqueued of it', async () => {
    const count = 2_500
    const rows = Array.from({ length: count }, (_, n) => `${n},x\n`)
    await put('run.csv.gz', gzipSync(['id,note\n', ...rows, '7,x,y\n'].join('')))
    await put('ran.mjs', runFlow('ran', 'run.csv.gz'))
    const { workflowId } = await yard.workflow({ name: 'ran' })
    await yard.enqueue({ workflowId } as WorkflowHandle, ['3', 'of-others'])
    const first = await runProgram(['run', './ran.mjs', ...RUN], options())
    expect(first.exitCode, first.stderr).to.equal(0)
    expect(first.stderr)
      .to.contain('1 of 2 501 records are not used; the first: line 2502: it has 3 fields')
      .and.match(/Running over \S+run\.csv\.gz: 2 499 new items\./)
    expect(JSON.parse(first.stdout)).to.include({ items: count, badLines: 1, ok: count })
    const again = await runProgram(['run', './ran.mjs', ...RUN], options())
    expect(again.stderr).to.match(/Continuing the run of \S+: 0 new items\./)
    expect(JSON.parse(again.stdout)).to.include({ items: count, ok: count })
    const anew = await runProgram(['run', './ran.mjs', '--again', ...RUN], options())
    expect(anew.stderr).to.contain('2 500 new items.')
    const estimate = await runProgram(['run', './ran.mjs', '--estimate', '--json'], options())
    expect(JSON.parse(estimate.stdout)).to.include({ items: count })
  })

  it('is refused by `run` when it cannot be read, with its path and what is wrong', async () => {
    const lines = Array.from({ length: 20_000 }, (_, n) => `${n},${Math.random()}\n`)
    const broken = gzipSync(['id,x\n', ...lines].join(''))
    await put('cut.csv.gz', broken.subarray(0, broken.length / 2))
    await put('empty.csv', 'id,url\n')
    await put('unfit.ndjson', 'no json\n[]\n')
    const wrong = [
      ['nowhere.csv', /nowhere\.csv of flow-0 cannot be read: there is no such file\./],
      ['.', /of flow-1 cannot be read: it is a directory; name a file in it\./],
      ['cut.csv.gz', /cut\.csv\.gz of flow-2 cannot be read: unexpected end of file\./],
      ['empty.csv', /empty\.csv of flow-3 has no record: it is empty\./],
      ['unfit.ndjson', /has no record: none of its 2 can be used, line 1: it is no JSON\./],
    ] as const
    for (const [n, [file, problem]] of wrong.entries()) {
      await put(`flow-${n}.mjs`, runFlow(`flow-${n}`, file))
      const ended = await runProgram(['run', `./flow-${n}.mjs`, ...RUN], options())
      expect(ended.stderr).to.match(problem)
      expect(ended.exitCode).to.equal(2)
    }
  })

  it('is worked by `up`, and killed in the middle of it goes on with the next one', async () => {
    const count = 20_000
    const text = ['id\n', ...Array.from({ length: count }, (_, n) => `${n}\n`)].join('')
    await put('list.csv', text)
    await put('filed.mjs', FLOW)
    const words = ['up', './filed.mjs', '--port', 'off', '--lease', '4s', '--heartbeat', '1s']
    const readCount = async () => {
      const [row] = await yard.sql<{ items: number; done: number }[]>`
        select count(*)::int as items,
               (select coalesce(sum(records), 0)::int from fetchyard.import
                 where workflow_id = flow.workflow_id) as done
          from fetchyard.workflow as flow join fetchyard.item using (workflow_id)
         where flow.name = 'filed' group by flow.workflow_id`
      return row ?? { items: 0, done: 0 }
    }
    const killed = startProgram(words, options())
    await eventually({ words: 'some records' }, async () => (await readCount()).items > 0)
    killed.child.kill('SIGKILL')
    await killed.ended
    const up = startProgram(words, options())
    await up.says(`filed: ./list.csv has ${count} records`)
    up.child.kill('SIGTERM')
    await up.ended
    expect(await readCount()).to.deep.equal({ items: count, done: count })
  })
})
