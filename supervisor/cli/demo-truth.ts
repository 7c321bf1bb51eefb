import type { Sql } from '../../src/store/client.js'
import { exportStatement, readExport } from '../../src/store/export.js'
import { readRunItems } from '../../src/store/results.js'
import type { WorkflowHandle } from '../../src/store/store.js'
import { compareWithTruth, type FoundContact } from '../demo/compare.js'
import type { DemoSite } from '../demo/site/demo-site.js'
import type { LoadedWorkflow } from '../node.js'
import type { TruthFigures } from './report.js'

export interface DemoTruthRequest {
  readonly sql: Sql
  readonly workflow: LoadedWorkflow
  readonly handle: WorkflowHandle
  readonly runId: number
  readonly site: DemoSite
}

/** What was found of what the demo's site planted; null for a workflow without contacts. */
export async function demoTruth(request: DemoTruthRequest): Promise<TruthFigures | null> {
  const { sql, workflow, handle, runId, site } = request
  const { sinks, source = null } = workflow.definition
  const sink = sinks.contacts
  if (sink === undefined) return null
  const { workflowId } = handle
  const statement = exportStatement({ workflowId, source, sink, runId })
  const contacts: FoundContact[] = []
  for await (const slice of readExport(sql, statement)) {
    for (const { url, kind, value } of slice) {
      contacts.push({ url: String(url), kind: String(kind), value: String(value) })
    }
  }
  return compareWithTruth(site.truth(), await readRunItems(sql, runId), contacts)
}
