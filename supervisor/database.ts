// The database of a command: the one that DATABASE_URL names, or the embedded one.

import type { Database, Pooling, Sql } from '../src/store/client.js'
import { connect } from '../src/store/client.js'
import { ensureReceiptPartitions } from '../src/store/housekeeping.js'
import { migrate } from '../src/store/migrate.js'
import { startEmbedded } from './embedded/index.js'

export interface DatabaseRequest {
  /** null: the embedded Postgres under `dataDir`. */
  readonly databaseUrl: string | null
  readonly dataDir: string
  readonly pooling: Pooling | 'auto'
  readonly poolMax: number
  /** The command, for whoever finds the data directory in use. */
  readonly purpose: string
  /** Whether this process is a supervisor, of which a data directory has one at a time. */
  readonly exclusive: boolean
  readonly onProgress: (message: string) => void
}

export interface OpenDatabase {
  readonly sql: Sql
  readonly openPool: Database['openPool']
  readonly pooling: Pooling
  readonly mode: 'embedded' | 'external'
  /** URL with its password: for the driver only, never for a message. */
  readonly url: string
  readonly close: () => Promise<void>
}

/** Opens the database and brings its schema up to date. */
export async function openDatabase(request: DatabaseRequest): Promise<OpenDatabase> {
  const { databaseUrl, pooling, poolMax } = request
  const embedded = databaseUrl === null ? await startEmbedded(request) : null
  const url = databaseUrl ?? embedded?.url ?? ''
  try {
    const database = await connect({
      url,
      poolMax,
      pooling: embedded === null ? pooling : 'direct',
    })
    const applied = await migrate(database.sql)
    if (applied.length > 0) await ensureReceiptPartitions(database.sql)
    return {
      sql: database.sql,
      openPool: database.openPool,
      pooling: database.pooling,
      mode: embedded === null ? 'external' : 'embedded',
      url,
      close: async () => {
        await database.close()
        await embedded?.stop()
      },
    }
  } catch (error) {
    await embedded?.stop()
    throw error
  }
}
