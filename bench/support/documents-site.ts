// The site of documents, a list of references to get from it, and a node that gets them.

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Settings } from '../../config/settings.js'
import { DocumentFiles } from '../../src/documents/document-files.js'
import type { Sql } from '../../src/store/client.js'
import { askForDocuments } from '../../src/store/documents.js'
import { createStore } from '../../src/store/store.js'
import documents from '../../src/workflows/documents.js'
import { pdfOf, sha256Of } from '../../test/support/document-site/pdf.js'
import { referenceAt, type SitePlan } from '../../test/support/document-site/plan.js'
import {
  type DocumentSite,
  PASSWORD,
  startDocumentSite,
  USER,
} from '../../test/support/document-site/site.js'
import { writeSiteModule } from '../../test/support/document-site/site-file.js'
import { type BenchDatabase, emptyBenchDatabase } from './bench-database.js'
import { type BenchNode, benchSettings, forkBenchNode } from './fork-bench-node.js'

const SLICE = 1_000

export interface DocumentsRound {
  readonly site: DocumentSite
  readonly node: BenchNode
  readonly directory: string
  readonly close: () => Promise<void>
}

/** A node that begins to get all documents of a site, from an empty database. */
export async function startRound(
  database: BenchDatabase,
  plan: Partial<SitePlan> & { readonly documents: number },
  changes: Partial<Settings>,
): Promise<DocumentsRound> {
  await emptyBenchDatabase(database.sql, 'documents')
  const home = await mkdtemp(join(tmpdir(), 'fetchyard-bench-documents-'))
  const site = await startDocumentSite(plan)
  const siteModule = join(home, 'site.mjs')
  const directory = join(home, 'out')
  await writeSiteModule(siteModule, site.origin)
  await createStore(database.sql).openWorkflow(documents)
  await ask(database.sql, plan.documents, changes)
  const settings = benchSettings({
    ...{ databaseUrl: database.url, siteModule, documentDirectory: directory },
    ...{ siteUser: USER, sitePassword: PASSWORD, executor: 'process', processes: 1 },
    ...{ itemTimeoutMs: 600_000, stepTimeoutMs: 30_000 },
    ...changes,
  })
  const node = await forkBenchNode({ settings, workflow: 'documents' })
  return {
    site,
    node,
    directory,
    close: async () => {
      await node.stop()
      await site.close()
      await rm(home, { recursive: true, force: true })
    },
  }
}

async function ask(sql: Sql, count: number, { assign, contexts = 5 }: Partial<Settings>) {
  const wanted = Array.from({ length: count }, (_, index) => ({
    reference: referenceAt(index),
    url: null,
    assigned: assign === 'round-robin' ? `context://${(index % contexts) + 1}/` : null,
  }))
  for (let at = 0; at < count; at += SLICE) await askForDocuments(sql, wanted.slice(at, at + SLICE))
}

/** Documents that are finished. */
export async function countFinished(sql: Sql): Promise<number> {
  const [row] = await sql<{ n: number }[]>`
    select count(*)::int as n from public.documents where document_status in ('Complete', 'Error')`
  return row?.n ?? 0
}

export async function untilFinished(sql: Sql, count: number): Promise<void> {
  while ((await countFinished(sql)) < count) await new Promise((done) => setTimeout(done, 100))
}

/** Documents a minute, once every context is at work: the first ones of each are not counted. */
export async function ratePerMinute(sql: Sql, contexts: number): Promise<number> {
  const rows = await sql<{ at: number }[]>`
    select extract(epoch from saved_at)::float8 as at
      from public.document_files where outcome = 'saved' order by saved_at`
  const from = 2 * contexts - 1
  const seconds = (rows.at(-1)?.at ?? 0) - (rows[from]?.at ?? 0)
  return ((rows.length - 1 - from) * 60) / seconds
}

/** Documents that are on disk as the site has them. */
export async function countRight(directory: string, count: number, bytes: number): Promise<number> {
  const files = new DocumentFiles({ directory, bytesMin: 1, bytesMax: 10_000_000 })
  let right = 0
  for (let index = 0; index < count; index += 1) {
    const reference = referenceAt(index)
    const found = await files.findVerified(reference)
    if (found?.sha256 === sha256Of(pdfOf(reference, bytes))) right += 1
  }
  return right
}

/** Documents that a site handed over in whole more than once. */
export function countServedAgain(site: DocumentSite): number {
  return [...site.served.values()].filter((times) => times > 1).length
}
