// Why workflows are paused, in words: the reason is in the workflow's row, and what was said when
// it was put there is in the events.

import type { Sql } from './client.js'
import { ISO_FORMAT } from './instants.js'

export interface Pause {
  readonly workflow: string
  readonly reason: string
  /** What was said with it; null for a reason that nobody explained, or whose event has gone. */
  readonly message: string | null
  /** When it was, as an ISO instant; null likewise. */
  readonly since: string | null
}

export async function readPauses(sql: Sql): Promise<readonly Pause[]> {
  return sql<Pause[]>`
    select flow.name as workflow, given.reason, event.message,
           to_char(event.happened_at at time zone 'UTC', ${ISO_FORMAT}) as since
      from fetchyard.workflow as flow
     cross join lateral unnest(flow.paused_by) with ordinality as given (reason, n)
      left join lateral (
             select happened_at, message from fetchyard.event
              where event.workflow_id = flow.workflow_id
                and event.name = 'workflow.paused'
                and event.fields ->> 'reason' = given.reason
              order by happened_at desc
              limit 1) as event on true
     order by flow.name, given.n`
}
