import type { Sql } from '../../../src/store/client.js'
import type { Budgets, Spent } from '../../../src/store/money.js'
import { readBudgets, readSpent } from '../../../src/store/money.js'
import { readWorkflows } from '../../../src/store/workflows.js'
import type { Command, Invocation } from '../command.js'
import { isGiven } from '../command.js'
import { showCount } from '../progress.js'
import { databaseRequest, withDatabase } from '../session.js'
import { print, printJson } from '../streams.js'
import { tableLines } from '../table.js'

export const spendCommand: Command = {
  syntax: 'spend',
  summary: 'Show what calls cost: useful, failed, lost to crashes, and what is left of budgets',
  examples: [
    ['fetchyard spend', 'today and in all, by workflow'],
    ['fetchyard spend --json', 'the same for programs'],
  ],
  groups: ['database'],
  flags: { json: { type: 'switch', sentence: 'Print the ledger as JSON' } },
  run: runSpend,
}

interface Ledger {
  readonly workflow: string
  readonly today: readonly Spent[]
  readonly ever: readonly Spent[]
  readonly budget: Budgets | null
}

async function runSpend(invocation: Invocation): Promise<number> {
  const { streams } = invocation
  const request = databaseRequest(invocation, { purpose: 'spend', exclusive: false })
  const ledgers = await withDatabase(request, async ({ sql }) => {
    const workflows = await readWorkflows(sql)
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

const HEADINGS = ['workflow', 'period', 'calls', 'credits', 'useful', 'failed', 'crashed', 'left']

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
    period === 'today' && left !== null ? showCount(left) : '',
  ]
}

/** The ledger as lines of words. What crashes cost is a bound: nobody knows what was billed. */
function spendLines(ledgers: readonly Ledger[]): readonly string[] {
  if (ledgers.length === 0) return ['No workflow yet.']
  const rows = ledgers.flatMap((ledger) => [rowOf(ledger, 'today'), rowOf(ledger, 'ever')])
  return [
    ...tableLines(HEADINGS, rows),
    '',
    'Credits. Useful: of items that were completed. Failed: billed, and the attempt failed.',
    'Crashed: calls under way when a worker or node was lost, at the most they may have cost.',
  ]
}
