// The tables of docs/reference.md, made from the code that they describe.

import { OPTION_GROUPS, type Option, type OptionGroup } from '../config/option.js'
import { OPTIONS, SETTING_NAMES, showDefault } from '../config/options.js'
import { CROSS_RULES } from '../config/rules.js'
import type { SettingName } from '../config/settings.js'
import { ERROR_CODES, EXIT_CODES, FetchyardError } from '../src/core/errors.js'
import { OUTCOME_CODES, OUTCOMES } from '../src/core/outcome.js'
import { METRICS } from '../src/telemetry/metrics-table.js'
import { ERROR_MEANINGS, EXIT_MEANINGS, EXIT_NAMES } from '../supervisor/cli/help.js'

type Row = readonly string[]

/** A Markdown table; bars in cells are escaped. */
function table(headings: Row, rows: readonly Row[]): string {
  const line = (cells: Row) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
  return [line(headings), line(headings.map(() => '---')), ...rows.map(line)].join('\n')
}

function code(text: string): string {
  return `\`${text}\``
}

type AnyOption = Pick<
  Option<unknown>,
  'group' | 'flag' | 'sentence' | 'rule' | 'environment' | 'aliases'
>

function optionOf(name: SettingName): AnyOption {
  const { group, flag, sentence, rule, environment, aliases } = OPTIONS[name]
  const plain = aliases.map(({ name: alias, note }) => ({
    name: alias,
    note,
    read: () => undefined,
  }))
  return { group, flag, sentence, rule, environment, aliases: plain }
}

function namesIn(group: OptionGroup): readonly SettingName[] {
  return SETTING_NAMES.filter((name) => OPTIONS[name].group === group)
}

function optionTable(group: OptionGroup): string {
  const rows = namesIn(group).map((name) => {
    const { flag, sentence, rule } = optionOf(name)
    return [
      code(name),
      flag === null ? 'none' : code(`--${flag}`),
      sentence,
      rule,
      showDefault(name),
    ]
  })
  return table(['In a file', 'Flag', 'Meaning', 'Allowed', 'Default'], rows)
}

function environmentTable(): string {
  const rows = SETTING_NAMES.flatMap((name) => {
    const { flag, environment, aliases } = optionOf(name)
    const means = code(flag ?? name)
    return [
      ...environment.map((own) => [code(own), means, '']),
      ...aliases.map((alias) => [code(alias.name), means, alias.note]),
    ]
  })
  return table(['Name', 'Option', 'Note'], rows)
}

function ruleTable(): string {
  const rows = CROSS_RULES.map(({ setting, words }) => [
    code(OPTIONS[setting].flag ?? setting),
    words,
  ])
  return table(['Option', 'Rule'], rows)
}

/** The keys of the interface `Events` with their fields, read from its source. */
function eventTable(source: string): string {
  const body = /export interface Events \{\n([\s\S]*?)\n\}\n/.exec(source)?.[1] ?? ''
  const rows = body.split(/\n(?= {2}'\w)/).map((entry) => {
    const [, name = '', fields = ''] = /^ {2}'([\w.]+)': ([\s\S]*)$/.exec(entry) ?? []
    return [code(name), code(fields.replaceAll(/\s+/g, ' ').trim())]
  })
  return table(['Event', 'Fields'], rows)
}

/** Every table by its name in the document. */
export function referenceTables(eventsSource: string): ReadonlyMap<string, string> {
  const tables = new Map<string, string>()
  for (const group of OPTION_GROUPS) tables.set(`options ${group}`, optionTable(group))
  tables.set('rules', ruleTable())
  tables.set('environment', environmentTable())
  const exits = EXIT_NAMES.map((name) => [String(EXIT_CODES[name]), EXIT_MEANINGS[name]])
  tables.set('exit codes', table(['Code', 'Meaning'], exits))
  const errors = ERROR_CODES.map((name) => [
    code(name),
    String(new FetchyardError(name, '').exitCode),
    ERROR_MEANINGS[name],
  ])
  tables.set('error codes', table(['Error', 'Exit code', 'Meaning'], errors))
  const outcomes = OUTCOME_CODES.map((name) => [
    code(name),
    OUTCOMES[name].rule,
    OUTCOMES[name].meaning,
  ])
  tables.set('outcome codes', table(['Outcome', 'Then', 'Meaning'], outcomes))
  tables.set('events', eventTable(eventsSource))
  const metrics = METRICS.map(({ name, type, labels, help }) => [
    code(name),
    type,
    labels.map(code).join(', '),
    help,
  ])
  tables.set('metrics', table(['Metric', 'Type', 'Labels', 'Meaning'], metrics))
  return tables
}

function marks(name: string): { readonly begin: string; readonly end: string } {
  return { begin: `<!-- table: ${name} -->\n`, end: '<!-- end -->' }
}

/** The table of this name as it stands in the document; null when it has none. */
export function tableIn(document: string, name: string): string | null {
  const { begin, end } = marks(name)
  const from = document.indexOf(begin)
  const to = document.indexOf(end, from)
  return from === -1 || to === -1 ? null : document.slice(from + begin.length, to).trim()
}

/** The document with all its tables made anew. */
export function withTables(document: string, tables: ReadonlyMap<string, string>): string {
  let renewed = document
  for (const [name, text] of tables) {
    const { begin, end } = marks(name)
    const from = renewed.indexOf(begin)
    const to = renewed.indexOf(end, from)
    if (from === -1 || to === -1) continue
    renewed = `${renewed.slice(0, from + begin.length)}${text}\n${renewed.slice(to)}`
  }
  return renewed
}
