// Reading how the queue stands. States of queued items come from the packs, totals of finished ones
// from the tallies, rates, latencies and errors from the tally of ends: nothing counts items one by
// one.

import type { ClusterFigures, NodeFigures, RaisedAlert, WorkflowFigures } from '../core/figures.js'
import type { Sql } from './client.js'
import { FIGURES_QUERY } from './figures-query.js'

interface FiguresRow {
  readonly workflows: readonly WorkflowFigures[] | null
  readonly nodes: readonly NodeFigures[] | null
  readonly raised: readonly RaisedAlert[] | null
  readonly readAt: string
}

/** All workflows and nodes as of one snapshot. */
export async function readFigures(sql: Sql): Promise<ClusterFigures> {
  const rows = await sql.unsafe<FiguresRow[]>(FIGURES_QUERY)
  const row = rows[0]
  return {
    readAt: row?.readAt ?? '',
    workflows: row?.workflows ?? [],
    nodes: row?.nodes ?? [],
    raised: row?.raised ?? [],
  }
}
