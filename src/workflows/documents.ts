import { type DocumentRequest, DocumentWork } from '../documents/work.js'
import { FetchFailure } from '../fetch/failure.js'
import { defineWorkflow, type HandlerContext } from '../workflow/define.js'
import { DOCUMENT_TABLES } from './tables.js'

/** A row of `documents`, as far as the workflow reads it. */
export interface DocumentPayload {
  readonly reference: string
  readonly url: string | null
  /** `context://1/` for the first context; null: whichever is free. */
  readonly assigned: string | null
}

/** The browser and its contexts belong to the worker, not to an item. */
let work: DocumentWork | null = null

function workOf({ documents }: HandlerContext): DocumentWork {
  if (documents === null || documents === undefined) {
    throw new FetchFailure('handler', 'This worker was given no options for documents.')
  }
  work ??= new DocumentWork(documents)
  return work
}

function requestOf({ reference, url, assigned }: DocumentPayload): DocumentRequest {
  const number = /^context:\/\/(\d{1,4})\//.exec(assigned ?? '')?.[1]
  return { reference, url, assigned: number === undefined ? null : Number(number) - 1 }
}

/** References to files: each saved once, whole and checked, under its own name. */
export default defineWorkflow<DocumentPayload>({
  name: 'documents',
  // A browser is no company for a supervisor: its worker is a process of its own, and one of them
  // has all the contexts unless somebody asks for more.
  options: { executor: 'process', processes: 1, itemTimeoutMs: '10m' },
  source: {
    table: 'public.documents',
    key: 'reference',
    keyType: 'text',
    status: 'document_status',
    updatedAt: 'updated_at',
    payload: ['reference', 'url', 'assigned'],
    laneColumn: 'lane',
  },
  sinks: {
    files: {
      table: 'public.document_files',
      columns: {
        file: 'text',
        bytes: 'bigint',
        sha256: 'text',
        pages: 'integer',
        url: 'text',
        outcome: 'text',
        level: 'text',
        context: 'integer',
        attempt: 'integer',
        duration_ms: 'integer',
        browser_mb: 'integer',
        worker_mb: 'integer',
        saved_at: 'timestamptz',
      },
      key: ['reference'],
      onConflict: 'update',
      leaseColumn: 'lease_id',
      sourceKeyColumn: 'reference',
    },
  },
  tables: DOCUMENT_TABLES,
  work: async ({ payload }, context) => ({
    files: [await workOf(context).save(requestOf(payload), context)],
  }),
})
