import { FetchyardError } from '../../../src/core/errors.js'
import type { Sql } from '../../../src/store/client.js'
import type { Budgets, Spent } from '../../../src/store/money.js'
import { readBudgets, readSpent } from '../../../src/store/money.js'
import type { SpendRow } from '../../../src/store/spend.js'
import { readItemSpend, readSpendByItem, readSpendByRun } from '../../../src/store/spend.js'
import { readWorkflows } from '../../../src/store/workflows.js'
import { printable } from '../../../src/telemetry/redact.js'
import type { Command, Invocation } from '../command.js'
import { isGiven, textGiven } from '../command.js'
import { showCount } from '../progress.js'
import { databaseRequest, givenWorkflowRow, withDatabase } from '../session.js'
import { print, printJson } from '../streams.js'
import { tableLines } from '../table.js'

export const spendCommand: Command = {
  syntax: 'spend [workflow]',
  summary: 'Show what calls cost: useful, failed, lost to crashes, and what is left of budgets',
  examples: [
    ['fetchyard spend', 'today and in all, by workflow'],
    ['fetchyard spend contacts --by run', 'by run, the newest first'],
    ['fetchyard spend contacts --by item', 'the dearest items'],
    ['fetchyard spend contacts --item 17 --json', 'one item, for programs'],
  ],
  groups: ['database'],
  flags: {
    by: { type: 'text', sentence: 'run or item: the latest runs or the dearest items, up to 50' },
    item: { type: 'text', sentence: 'Key of one item' },
    json: { type: 'switch', sentence: 'Print the ledger as JSON' },
  },
  run: runSpend,
}

const ROWS_MAX = 50

interface Ledger {
  readonly workflow: string
  readonly today: readonly Spent[]
  readonly ever: readonly Spent[]
  readonly budget: Budgets | null
}

async function runSpend(invocation: Invocation): Promise<number> {
  const by = textGiven(invocation, 'by')
  if (by !== null && by !== 'run' && by !== 'item') {
    throw new FetchyardError('USAGE', `Expected --by to be run or item, got \`${by}\`.`)
  }
  if (by !== null || textGiven(invocation, 'item') !== null) return spendOf(invocation, by)
  const { streams } = invocation
  const request = databaseRequest(invocation, { purpose: 'spend', exclusive: false })
  const ledgers = await withDatabase(request, async ({ sql }) => {
    const only = textGiven(invocation, 'workflow')
    const workflows =
      only === null ? await readWorkflows(sql) : [await givenWorkflowRow(sql, invocation)]
    return Promise.all(workflows.map((row) => readLedger(sql, row)))
  })
  if (isGiven(invocation, 'json')) await printJson(streams, { schema: 1, workflows: ledgers })
  else for (const line of spendLines(ledgers)) await print(streams, line)
  return 0
}

async function readLedger(
  sql: Sql,
  { workflowId, name }: { readonly workflowId: number; readonly name: string },
): Promise<Ledger> {
  return {
    workflow: name,
    today: await readSpent(sql, { workflowId, since: 'today' }),
    ever: await readSpent(sql, { workflowId, since: 'ever' }),
    budget: await readBudgets(sql, workflowId),
  }
}

/** By run, by item, or of one item. */
async function spendOf(invocation: Invocation, by: 'run' | 'item' | null): Promise<number> {
  if (textGiven(invocation, 'workflow') === null) {
    throw new FetchyardError(
      'USAGE',
      'Expected the name of a workflow. For example: fetchyard spend contacts --by run',
    )
  }
  const { streams } = invocation
  const request = databaseRequest(invocation, { purpose: 'spend', exclusive: false })
  const { workflow, rows } = await withDatabase(request, async ({ sql }) => {
    const row = await givenWorkflowRow(sql, invocation)
    return { workflow: row.name, rows: await readRows(sql, row, invocation, by) }
  })
  const what = by === 'run' ? 'runs' : 'items'
  if (isGiven(invocation, 'json')) await printJson(streams, { schema: 1, workflow, [what]: rows })
  else for (const line of rowLines(rows, what)) await print(streams, line)
  return 0
}

async function readRows(
  sql: Sql,
  { workflowId, name }: { readonly workflowId: number; readonly name: string },
  invocation: Invocation,
  by: 'run' | 'item' | null,
): Promise<readonly SpendRow[]> {
  const key = textGiven(invocation, 'item')
  if (key !== null) {
    const row = await readItemSpend(sql, { workflowId, key })
    if (row !== null) return [row]
    throw new FetchyardError(
      'ITEM_UNKNOWN',
      printable(`The workflow ${name} has no item \`${key}\`.`),
    )
  }
  const read = by === 'run' ? readSpendByRun : readSpendByItem
  return read(sql, { workflowId, rowsMax: ROWS_MAX })
}

const WORDS = [
  '',
  'Credits. Useful: of items that were completed. Failed: billed, and the attempt failed.',
  'Crashed: lost with a worker or node, or given up in the middle. Unsure: of all these, what calls',
  'may have cost whose end nobody knows, at the most.',
]

/** The dearest items or the latest runs, as lines of words. */
export function rowLines(rows: readonly SpendRow[], what: 'runs' | 'items'): readonly string[] {
  if (rows.length === 0) return [`No ${what} that cost anything yet.`]
  const heading = what === 'runs' ? 'run' : 'item'
  const cells = rows.map(({ name, calls, credits, useful, failed, crashed, unsure }) => [
    printable(name),
    ...[calls, credits, useful, failed, crashed, unsure].map(showCount),
  ])
  const headings = [heading, 'calls', 'credits', 'useful', 'failed', 'crashed', 'unsure']
  return [...tableLines(headings, cells), ...WORDS]
}

const HEADINGS = [
  ...['workflow', 'period', 'calls', 'credits', 'useful', 'failed', 'crashed', 'unsure', 'left'],
]

function rowOf(ledger: Ledger, period: 'today' | 'ever') {
  const spent = ledger[period]
  const sum = (figure: (one: Spent) => number) => spent.reduce((all, one) => all + figure(one), 0)
  const creditsOf = (kind: Spent['kind']) =>
    showCount(spent.find((one) => one.kind === kind)?.credits ?? 0)
  const left = ledger.budget?.left ?? null
  return [
    ledger.workflow,
    period === 'today' ? 'today' : 'in all',
    showCount(sum(({ calls }) => calls)),
    showCount(sum(({ credits }) => credits)),
    creditsOf('useful'),
    creditsOf('failed'),
    creditsOf('crashed'),
    showCount(sum(({ unsure }) => unsure)),
    period === 'today' && left !== null ? showCount(left) : '',
  ]
}

/** The ledger as lines of words. What crashes cost is a bound: nobody knows what was billed. */
function spendLines(ledgers: readonly Ledger[]): readonly string[] {
  if (ledgers.length === 0) return ['No workflow yet.']
  const rows = ledgers.flatMap((ledger) => [rowOf(ledger, 'today'), rowOf(ledger, 'ever')])
  return [...tableLines(HEADINGS, rows), ...WORDS]
}
