import { connect } from '../../../src/store/client.js'
import { ensureReceiptPartitions } from '../../../src/store/housekeeping.js'
import type { Migration } from '../../../src/store/migrate.js'
import { migrate, pendingMigrations } from '../../../src/store/migrate.js'
import { startEmbedded } from '../../embedded/index.js'
import { loadWorkflow, SHIPPED_NAMES } from '../../workflows.js'
import { type Command, type Invocation, isGiven } from '../command.js'
import { databaseRequest, installWorkflow } from '../session.js'
import { print } from '../streams.js'

export const migrateCommand: Command = {
  syntax: 'migrate',
  summary: 'Bring the schema and the tables of the shipped workflows up to date',
  examples: [
    ['fetchyard migrate', 'also done by every command that needs it'],
    ['fetchyard migrate --dry-run', 'say what would be applied'],
  ],
  groups: ['database'],
  flags: { 'dry-run': { type: 'switch', sentence: 'Change nothing' } },
  run: runMigrate,
}

async function runMigrate(invocation: Invocation): Promise<number> {
  const request = databaseRequest(invocation, { purpose: 'migrate', exclusive: false })
  const { databaseUrl, pooling, poolMax } = request
  const embedded = databaseUrl === null ? await startEmbedded(request) : null
  try {
    const url = databaseUrl ?? embedded?.url ?? ''
    const database = await connect({
      url,
      poolMax,
      pooling: embedded === null ? pooling : 'direct',
    })
    try {
      const { sql } = database
      if (isGiven(invocation, 'dry-run')) {
        await tell(invocation, 'Would apply', await pendingMigrations(sql))
        return 0
      }
      const applied = await migrate(sql)
      if (applied.length > 0) await ensureReceiptPartitions(sql)
      for (const name of SHIPPED_NAMES) {
        await installWorkflow(sql, await loadWorkflow(name, invocation.cwd))
      }
      await tell(invocation, 'Applied', applied)
      return 0
    } finally {
      await database.close()
    }
  } finally {
    await embedded?.stop()
  }
}

async function tell(
  { streams }: Invocation,
  verb: string,
  migrations: readonly Migration[],
): Promise<void> {
  for (const { id, name } of migrations) {
    await print(streams, `${verb} ${String(id).padStart(4, '0')}_${name}.`)
  }
  if (migrations.length === 0) await print(streams, 'The schema is up to date.')
}
