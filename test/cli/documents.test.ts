import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { expect } from 'chai'
import { ownOwner } from '../../src/documents/owner.js'
import { audit } from '../../src/store/audit.js'
import { useDatabase } from '../support/database.js'
import { pdfOf, sha256Of } from '../support/document-site/pdf.js'
import { everyThird, referenceAt, type SitePlan } from '../support/document-site/plan.js'
import { processesWith } from '../support/document-site/processes.js'
import {
  type DocumentSite,
  PASSWORD,
  startDocumentSite,
  USER,
} from '../support/document-site/site.js'
import { writeSiteModule } from '../support/document-site/site-file.js'
import { CHROMIUM } from '../support/document-site/worker-part.js'
import { eventually } from '../support/poll.js'
import { type Ended, runProgram, useDirectory } from './program.js'

const LOCAL = ['--allow-ranges', 'loopback', '--port', 'off', '--backoff', '100ms']

describe('fetchyard documents', function () {
  // A browser needs its time on a machine that has other work.
  this.timeout(180_000)
  const database = useDatabase()
  const directory = useDirectory()
  const closing: (() => Promise<unknown>)[] = []

  afterEach(async () => {
    for (const close of closing.splice(0)) await close()
    expect((await audit(database.sql)).isClean).to.equal(true)
    await database.sql`drop schema fetchyard cascade`
    await database.sql`drop table if exists public.documents, public.document_files`
    await rm(join(directory.path, 'documents'), { recursive: true, force: true })
  })

  function run(
    words: readonly string[],
    environment: { readonly [name: string]: string } = {},
  ): Promise<Ended> {
    return runProgram(['documents', ...words], {
      cwd: directory.path,
      environment: { DATABASE_URL: database.url, ...environment },
    })
  }

  const report = async (ended: Promise<Ended>): Promise<{ readonly [field: string]: unknown }> => {
    const { stdout, stderr } = await ended
    expect(stdout, stderr).to.match(/^\{/)
    return JSON.parse(stdout)
  }

  const pathOf = (name: string) => join(directory.path, 'documents', name)
  const saved = async () =>
    (await readdir(join(directory.path, 'documents'))).filter((name) => name.endsWith('.pdf'))

  async function startFiles(): Promise<{ readonly origin: string; readonly asked: string[] }> {
    const asked: string[] = []
    const server = createServer((request, response) => {
      const name = (request.url ?? '').slice(1)
      asked.push(name)
      if (name === 'gone') response.writeHead(404).end()
      else response.end(pdfOf(name))
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    closing.push(() => {
      server.closeAllConnections()
      return new Promise((resolve) => server.close(resolve))
    })
    const { port } = server.address() as AddressInfo
    return { origin: `http://127.0.0.1:${port}`, asked }
  }

  it('saves plain URLs without a browser, and does again only what is no longer right', async () => {
    const { origin, asked } = await startFiles()
    const rows = ['a', 'b', 'c/d', 'gone'].map((name) => `${name},${origin}/${name}`)
    await writeFile(join(directory.path, 'urls.csv'), `reference,url\n${rows.join('\n')}\n`)
    const words = ['run', 'urls.csv', '--robots', 'ignore', '--alert-errors', '40', ...LOCAL]
    const first = await run(words)
    expect(first.exitCode, first.stderr).to.equal(0)
    expect(first.stdout).to.match(/saved +3 of 4/)
    const [own] = await database.sql`select alerts from fetchyard.workflow`
    expect(own?.alerts).to.include({ errorPercent: 40 })
    expect(first.stdout).to.contain('gone: http_4xx, HTTP 404')
    expect(asked.sort()).to.deep.equal(['a', 'b', 'c/d', 'gone'])
    expect(await readFile(pathOf('a.pdf'))).to.deep.equal(pdfOf('a'))
    const [row] = await database.sql`
      select file, bytes::int, sha256, pages from document_files where reference = 'a'`
    const bytes = pdfOf('a').length
    expect(row).to.deep.equal({ file: 'a.pdf', bytes, sha256: sha256Of(pdfOf('a')), pages: 1 })

    const ledger = await run(['verify', ...LOCAL])
    expect([ledger.exitCode, ledger.stdout]).to.deep.equal([
      0,
      '3 files are as they were saved.\n0 are missing, shortened or altered.\n',
    ])
    await truncate(pathOf('a.pdf'), 1_000)
    await rm(pathOf('b.pdf'))
    // Pids end far below.
    const owner = ownOwner().replace(/-.*/, '-4294967295-1')
    const draft = `${'d'.repeat(32)}.json.${owner}.${'a'.repeat(12)}.tmp`
    await writeFile(pathOf(join('.fetchyard', 'ledger', draft)), '{')
    expect((await run(['verify', ...LOCAL])).exitCode).to.equal(3)
    asked.length = 0
    const second = await report(run([...words, '--json']))
    expect(second).to.include({ there: 1, spoilt: 2, asked: 3, saved: 2, failed: 1, lost: 0 })
    expect(asked.sort()).to.deep.equal(['a', 'b', 'gone'])
    expect(await readdir(pathOf(join('.fetchyard', 'ledger')))).to.not.include(draft)
    expect(await readFile(pathOf('a.pdf'))).to.deep.equal(pdfOf('a'))
  })

  it('asks for no more documents than it may', async () => {
    const { origin, asked } = await startFiles()
    const lines = Array.from({ length: 5 }, (_, n) =>
      JSON.stringify({ reference: n, url: `${origin}/${n}` }),
    )
    await writeFile(join(directory.path, 'urls.jsonl'), lines.join('\n'))
    const words = ['run', 'urls.jsonl', '--robots', 'ignore', '--json', ...LOCAL]
    expect(await report(run(words, { MAX_DOWNLOADS: '2' }))).to.include({ saved: 2, beyond: 3 })
    expect(asked).to.have.members(['0', '1'])
    expect(await report(run(words))).to.include({ there: 2, saved: 3, beyond: 0 })
  })

  it('says which package to install where there is no browser, before it begins', async () => {
    await writeFile(join(directory.path, 'list.txt'), 'DOC-1\n')
    await writeFile(join(directory.path, 'site.mjs'), '')
    const words = ['--site', 'site.mjs', '--browser', '/nowhere/chromium', ...LOCAL]
    const ended = await run(['run', 'list.txt', ...words])
    expect(ended.exitCode).to.equal(78)
    expect(ended.stderr).to.contain('Install the package chromium')
    const up = await runProgram(['up', 'documents', ...words], {
      cwd: directory.path,
      environment: { DATABASE_URL: database.url },
    })
    expect([up.exitCode, up.stderr.includes('Install the package chromium')]).to.deep.equal([
      78,
      true,
    ])
    // Nothing was begun: the audit after each test needs a schema.
    await runProgram(['migrate'], {
      cwd: directory.path,
      environment: { DATABASE_URL: database.url },
    })
  })

  describe('through a browser', () => {
    before(function () {
      if (existsSync(CHROMIUM)) return
      if (process.env.CI) throw new Error(`CI needs a Chromium at ${CHROMIUM}`)
      this.skip()
    })

    async function startSite(plan: Partial<SitePlan>): Promise<DocumentSite> {
      const site = await startDocumentSite(plan)
      closing.push(() => site.close())
      await writeSiteModule(join(directory.path, 'site.mjs'), site.origin)
      const references = Array.from({ length: plan.documents ?? 0 }, (_, n) => referenceAt(n))
      await writeFile(join(directory.path, 'list.txt'), references.join('\n'))
      return site
    }

    const WORDS = ['run', 'list.txt', '--site', 'site.mjs', '--json', ...LOCAL]
    const LOGIN = { FETCHYARD_SITE_USER: USER, FETCHYARD_SITE_PASSWORD: PASSWORD }

    it('saves 30 references in 2 contexts through faults, and leaves nothing behind', async () => {
      const lost = 10
      const site = await startSite({
        documents: 30,
        faultOf: (index) => (index < 20 ? everyThird(index) : null),
        isLost: (index) => index === lost,
      })
      const home = join(directory.path, 'home')
      await mkdir(home)
      const words = [...WORDS, '--assign', 'round-robin', '--step-timeout', '4s', '--attempts', '2']
      const environment = { ...LOGIN, CONCURRENT_CONTEXTS: '2', HEADLESS: 'true', TMPDIR: home }
      const figures = await report(run(words, environment))
      expect(figures).to.include({ asked: 30, saved: 29, failed: 1, lost: 0, appliedTwice: 0 })
      expect(figures.failedByCode).to.deep.equal({ truncated: 1 })
      // Each context had the half that was its own.
      expect(figures.byContext).to.deep.equal({ 1: 14, 2: 15 })
      expect(await saved()).to.have.length(29)
      for (const name of await saved()) {
        expect(await readFile(pathOf(name))).to.deep.equal(pdfOf(name.slice(0, -4)))
      }
      // In no case was a document got twice: what was handed over in whole was saved.
      expect(site.served.size).to.equal(29)
      expect([...site.served].filter(([, times]) => times > 1)).to.deep.equal([])
      // What tidies up after the browser needs a moment of its own.
      let left: readonly number[] = []
      await eventually({ words: 'the end of all processes', seen: () => left }, async () => {
        left = await processesWith(`TMPDIR=${home}`)
        return left.length === 0
      })
    })

    it('is paused by a login that is refused, and goes on with the right one', async () => {
      const site = await startSite({ documents: 6 })
      const words = [...WORDS, '--contexts', '3']
      const refused = await run(words, { ...LOGIN, FETCHYARD_SITE_PASSWORD: 'another' })
      expect(refused.exitCode).to.equal(75)
      expect(refused.stderr).to.contain('Wrong user or password')
      expect(refused.stderr).to.contain('mend FETCHYARD_SITE_USER, FETCHYARD_SITE_PASSWORD')
      expect(refused.stderr + refused.stdout).to.not.contain('another')
      // Three contexts were about to log in.
      expect(site.refusedLogins()).to.equal(1)
      expect(await report(run(words, LOGIN))).to.include({ asked: 6, saved: 6 })
    })
  })
})
