// Documents through kills: of the worker with all its contexts, and of the browser under it. Every
// file is there once and whole, whatever died.

import { existsSync } from 'node:fs'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { DocumentFiles } from '../../src/documents/document-files.js'
import { askForDocuments } from '../../src/store/documents.js'
import { migrate } from '../../src/store/migrate.js'
import { createStore } from '../../src/store/store.js'
import { ensureTables } from '../../src/store/tables.js'
import documents from '../../src/workflows/documents.js'
import { useAudit } from '../support/audited.js'
import { type NodeChild, startNodeChild } from '../support/cluster-child.js'
import { useDatabase } from '../support/database.js'
import { pdfOf, sha256Of } from '../support/document-site/pdf.js'
import { referenceAt } from '../support/document-site/plan.js'
import { browserOf } from '../support/document-site/processes.js'
import { PASSWORD, startDocumentSite, USER } from '../support/document-site/site.js'
import { writeSiteModule } from '../support/document-site/site-file.js'
import { CHROMIUM } from '../support/document-site/worker-part.js'
import { eventually } from '../support/poll.js'

const DEFINITION_URL = new URL('../../src/workflows/documents.js', import.meta.url).href
const DOCUMENTS = 24
const CONTEXTS = 3

describe('documents in a cluster', () => {
  const database = useDatabase()
  let home = ''
  let node: NodeChild | null = null

  before(function () {
    if (existsSync(CHROMIUM)) return
    if (process.env.CI) throw new Error(`CI needs a Chromium at ${CHROMIUM}`)
    this.skip()
  })
  beforeEach(async () => {
    home = await mkdtemp(join(tmpdir(), 'fetchyard-documents-'))
    await migrate(database.sql)
  })
  afterEach(async () => {
    node?.signal('SIGKILL')
    await node?.exited
    await rm(home, { recursive: true, force: true })
  })
  useAudit(database)

  async function workerPid(of: NodeChild): Promise<number> {
    return eventually({ words: 'a worker' }, async () => (await of.workerPids())[0])
  }

  it('are all there, once and whole, though workers and browsers are killed', async () => {
    const site = await startDocumentSite({ documents: DOCUMENTS, latencyMs: 50 })
    const siteModule = join(home, 'site.mjs')
    const directory = join(home, 'out')
    await writeSiteModule(siteModule, site.origin)
    await ensureTables(database.sql, documents.tables ?? [])
    await createStore(database.sql).openWorkflow(documents)
    const references = Array.from({ length: DOCUMENTS }, (_, index) => referenceAt(index))
    const wanted = references.map((reference) => ({ reference, url: null, assigned: null }))
    await askForDocuments(database.sql, wanted)

    const settings = {
      ...{ siteModule, documentDirectory: directory, browserPath: CHROMIUM, contexts: CONTEXTS },
      ...{ siteUser: USER, sitePassword: PASSWORD, stepTimeoutMs: 20_000, itemTimeoutMs: 120_000 },
    }
    const options = { databaseUrl: database.url, settings }
    const started = await startNodeChild(
      { ...options, workflows: [{ definitionUrl: DEFINITION_URL }] },
      new Set(),
    )
    node = started
    const served = (count: number) =>
      eventually(
        { words: `${count} documents`, patienceMs: 60_000 },
        () => site.served.size >= count,
      )

    await served(4)
    process.kill(await workerPid(started), 'SIGKILL')
    await served(9)
    const worker = await workerPid(started)
    const browser = await eventually({ words: 'a browser' }, () => browserOf(worker))
    process.kill(browser, 'SIGKILL')
    await served(14)
    process.kill(await workerPid(started), 'SIGKILL')
    await served(18)
    const last = await workerPid(started)
    process.kill(await eventually({ words: 'a browser' }, () => browserOf(last)), 'SIGKILL')

    await eventually({ words: 'an end', patienceMs: 60_000 }, async () => {
      const rows = await database.sql`select from documents where document_status <> 'Complete'`
      return rows.length === 0
    })
    const files = new DocumentFiles({ directory, bytesMin: 1, bytesMax: 1_000_000 })
    for (const reference of references) {
      const found = await files.findVerified(reference)
      expect(found?.sha256, reference).to.equal(sha256Of(pdfOf(reference)))
    }
    const names = (await readdir(directory)).filter((name) => name !== '.fetchyard')
    expect(names.filter((name) => name.endsWith('.pdf')).sort()).to.deep.equal(
      references.map((reference) => `${reference}.pdf`),
    )
    const [ledger] = await database.sql`
      select count(*)::int as rows, count(distinct sha256)::int as files from document_files`
    expect(ledger).to.deep.equal({ rows: DOCUMENTS, files: DOCUMENTS })
    // What was handed over again was in the hands of somebody who died.
    const again = [...site.served.values()].reduce((sum, times) => sum + times - 1, 0)
    expect(again).to.be.at.most(4 * CONTEXTS)
    const [repeated] = await database.sql<{ receipts: number }[]>`
      select count(*)::int as receipts from fetchyard.processing_log where status = 'success'`
    expect(repeated?.receipts).to.equal(DOCUMENTS)
    const { code } = await started.stop()
    expect(code).to.equal(0)
    await site.close()
  })
})
