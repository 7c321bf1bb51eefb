import type { Json } from '../core/outcome.js'
import type { Sql } from './client.js'

export interface StoredEvent {
  readonly level: 'info' | 'warn' | 'error'
  readonly name: string
  readonly workflowId: number | null
  readonly nodeId: string | null
  readonly message: string
  readonly fields: Json
}

/** Keeps a warning or an operator's action for the dashboard. */
export async function storeEvent(sql: Sql, event: StoredEvent): Promise<void> {
  await sql`
    insert into fetchyard.event (level, name, workflow_id, node_id, message, fields)
    values (${event.level}, ${event.name}, ${event.workflowId}, ${event.nodeId}, ${event.message},
            ${JSON.stringify(event.fields)}::text::jsonb)`
}
