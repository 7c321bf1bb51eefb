// docs/reference.md says what the code says. After a change on purpose, let the test write the
// tables: FETCHYARD_TEST_WRITE_REFERENCE=1.

import { readFile, writeFile } from 'node:fs/promises'
import { expect } from 'chai'
import { OPTIONS, SETTING_NAMES } from '../config/options.js'
import type { Command } from '../supervisor/cli/command.js'
import { loadCommands, loadCommandsFor } from '../supervisor/cli/load-commands.js'
import { referenceTables, tableIn, withTables } from './reference-tables.js'

const DOCUMENT = 'docs/reference.md'
const EVENTS = 'src/telemetry/events.ts'

describe('docs/reference.md', () => {
  let document = ''
  let tables: ReadonlyMap<string, string> = new Map()
  let commands: readonly Command[] = []

  before(async () => {
    tables = referenceTables(await readFile(EVENTS, 'utf8'))
    document = await readFile(DOCUMENT, 'utf8')
    commands = await loadCommands()
    if (process.env.FETCHYARD_TEST_WRITE_REFERENCE === undefined) return
    document = withTables(document, tables)
    await writeFile(DOCUMENT, document)
  })

  it('has every table as the code has it, and no other', () => {
    for (const [name, text] of tables) expect(tableIn(document, name), name).to.equal(text)
    const named = [...document.matchAll(/<!-- table: (.+) -->/g)].map(([, name]) => name)
    expect(named).to.have.members([...tables.keys()])
  })

  it('reads all events', () => {
    const rows = (tables.get('events') ?? '').split('\n').slice(2)
    expect(rows.length).to.be.above(20)
    for (const row of rows) expect(row).to.match(/^\| `\w+\.\w+` \| `\S.*` \|$/)
  })

  it('finds each command by the name that it has in its own syntax', async () => {
    expect(commands.length).to.be.above(20)
    for (const command of commands) {
      const [name = ''] = command.syntax.split(' ')
      expect(await loadCommandsFor([name, '--json']), name).to.deep.equal([command])
    }
    for (const words of [[], ['--log-level', 'debug', 'status'], ['statsu'], ['constructor']]) {
      expect(await loadCommandsFor(words)).to.deep.equal(commands)
    }
  })

  it('describes every command', () => {
    for (const { syntax, flags } of commands) {
      expect(document).to.contain(`\`fetchyard ${syntax}\``)
      for (const flag of Object.keys(flags)) expect(document).to.contain(`\`--${flag}\``)
    }
  })

  it('has one flag and one environment name for each option', () => {
    const flags = SETTING_NAMES.flatMap((name) => OPTIONS[name].flag ?? [])
    const names = SETTING_NAMES.flatMap((name) => [
      ...OPTIONS[name].environment,
      ...OPTIONS[name].aliases.map((alias) => alias.name),
    ])
    expect(new Set(flags).size).to.equal(flags.length)
    expect(new Set(names).size).to.equal(names.length)
  })

  it('gives no command a flag that is an option as well', () => {
    const flags = SETTING_NAMES.map((name) => OPTIONS[name].flag)
    for (const command of commands) {
      for (const flag of Object.keys(command.flags)) expect(flags).to.not.include(flag)
    }
  })
})
