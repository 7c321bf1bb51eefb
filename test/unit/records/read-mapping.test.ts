import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect } from 'chai'
import { FetchyardError } from '../../../src/core/errors.js'
import { jsonLines, lineOf } from '../../../src/records/json-lines.js'
import { readMappingFile } from '../../../src/records/mapping-file.js'
import { readMapping } from '../../../src/records/read-mapping.js'
import { SAMPLE_MAPPING, type Writable } from './support.js'

const SOURCE = { table: 'inbox', key: 'id', keyType: 'bigint', status: 'status', xml: 'document' }

/** Sets a field, named by its dotted path, of a mapping as it was written. */
function spoilField(mapping: Writable, [path, value]: readonly [field: string, value: unknown]) {
  const fields = path.split('.')
  const last = fields.pop() ?? ''
  const at = fields.reduce<Writable>((object, field) => Object(object[field]), mapping)
  at[last] = value
}

async function raw(): Promise<Writable> {
  return JSON.parse(await readFile(SAMPLE_MAPPING, 'utf8'))
}

describe('readMapping', () => {
  it('reads the sample', async () => {
    const { mapping } = readMapping(await raw())
    expect(mapping?.tables.map(({ table }) => table)).to.deep.equal([
      'application',
      'applicant',
      'address',
    ])
    expect(mapping?.onDuplicate).to.equal('fail')
  })

  const mistakes: readonly (readonly [
    words: string,
    spoil: readonly [field: string, value: unknown],
    violation: string,
  ])[] = [
    ['a name that is none', ['name', 'No Name'], '`name`: expected lower-case'],
    ['a field that nobody reads', ['tabels', {}], '`tabels`: expected no such field'],
    ['a path without a root', ['record', 'Application'], '`record`: expected a path'],
    [
      'a prefix that is not declared',
      ['record', '/x:Applications/Application'],
      '`namespaces` declares (`x` is none)',
    ],
    ['no tables', ['tables', {}], '`tables`: expected at least one table'],
    ['a schema that is none', ['schema', 'Prod; drop'], '`schema`: expected a schema'],
    [
      'a type that is none',
      ['tables.applicant.columns.name.type', 'varchar'],
      '`tables.applicant.columns.name.type`: expected one of text, bigint',
    ],
    [
      'a column with two sources',
      ['tables.applicant.columns.name.value', 'x'],
      '`tables.applicant.columns.name`: expected exactly one of path',
    ],
    [
      'a path that cannot be read',
      ['tables.applicant.columns.name.path', 'Name//x'],
      '`tables.applicant.columns.name.path`: expected a path',
    ],
    [
      'a default that does not fit the type',
      ['tables.applicant.columns.is_main.default', 'perhaps'],
      '`tables.applicant.columns.is_main.default`: expected true, false, 1 or 0',
    ],
    [
      'a format that is none',
      ['tables.application.columns.decided_on.format', 'DD.MM.YYYY'],
      '`tables.application.columns.decided_on.format`: expected a pattern',
    ],
    [
      'a format on what is no date',
      ['tables.application.columns.amount.format', 'dd.MM.yyyy'],
      '`tables.application.columns.amount.format`: expected a type of date',
    ],
    [
      'a key that is no column',
      ['tables.address.key', ['street_no']],
      "`tables.address.key[0]`: expected one of the table's columns",
    ],
    [
      'a parent that is no table',
      ['tables.address.parent', 'person'],
      '`tables.address.parent`: expected one of the tables',
    ],
    [
      'tables that belong to each other',
      ['tables.application.parent', 'applicant'],
      'expected a table that does not belong to this one',
    ],
    [
      "a parent's column that is none",
      ['tables.address.columns.applicant_no.parent', 'no'],
      '`tables.address.columns.applicant_no.parent`: expected a column of applicant',
    ],
    [
      'a type of a status that is none',
      ['source', { ...SOURCE, statusType: 'a;b' }],
      '`source.statusType`: expected the name of a Postgres type',
    ],
    [
      'a default beside required',
      ['tables.applicant.columns.name.default', 'x'],
      '`tables.applicant.columns.name.default`: expected no default beside `required`',
    ],
  ]
  for (const [words, spoil, violation] of mistakes) {
    it(`names ${words}, and nothing else`, async () => {
      const mapping = await raw()
      spoilField(mapping, spoil)
      const { violations } = readMapping(mapping)
      expect(violations).to.have.length(1)
      expect(violations?.[0]).to.contain(violation)
    })
  }
})

describe('readMappingFile', () => {
  let directory = ''
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'fetchyard-mapping-'))
  })
  after(() => rm(directory, { recursive: true, force: true }))

  async function refusal(name: string, text: string): Promise<FetchyardError> {
    const path = join(directory, name)
    await writeFile(path, text)
    const thrown: unknown = await readMappingFile(pathToFileURL(path)).catch((error) => error)
    if (thrown instanceof FetchyardError) return thrown
    throw new Error('The mapping was accepted.')
  }

  it('says on which line of the file each violation stands', async () => {
    const text = await readFile(SAMPLE_MAPPING, 'utf8')
    const spoilt = text.replace(
      '"path": "BirthDate", "type": "date"',
      '"path": "BirthDate", "type": "day"',
    )
    const line = spoilt.split('\n').findIndex((words) => words.includes('"day"')) + 1
    const error = await refusal('line.records.json', spoilt)
    expect(error.code).to.equal('WORKFLOW_INVALID')
    expect(error.message).to.contain('line.records.json')
    expect(error.message).to.contain(`line ${line}: \`tables.applicant.columns.born_on.type\``)
  })

  it('says where a text stops being JSON', async () => {
    const error = await refusal('broken.records.json', '{\n  "name": "x",\n  oops\n}')
    expect(error.message).to.contain('line 3: it is no JSON')
  })

  it('reads a module, and says what it exports wrongly', async () => {
    const text = await readFile(SAMPLE_MAPPING, 'utf8')
    const path = join(directory, 'good.records.mjs')
    await writeFile(path, `export default ${text}`)
    const { mapping } = await readMappingFile(pathToFileURL(path))
    expect(mapping.name).to.equal('applications')
    const error = await refusal('bad.records.mjs', 'export default { name: 7 }')
    expect(error.message).to.contain('`name`: expected')
  })
})

describe('jsonLines', () => {
  it('finds values in objects and lists, and the nearest one around what is missing', () => {
    const lines = jsonLines('{\n "a": {"b,c": "x:{",\n "d": [1,\n {"e": "\\"}"}]},\n "f": 2}')
    expect(lineOf(lines, 'a.b,c')).to.equal(2)
    expect(lineOf(lines, 'a.d')).to.equal(3)
    expect(lineOf(lines, 'a.d[1].e')).to.equal(4)
    expect(lineOf(lines, 'f')).to.equal(5)
    expect(lineOf(lines, 'a.d[7].none')).to.equal(3)
    expect(lineOf(lines, 'none')).to.equal(1)
  })
})
