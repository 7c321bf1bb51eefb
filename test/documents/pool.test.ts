// Documents through a real browser: one worker's part, against the site with all its faults.

import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import type { DocumentOptions } from '../../src/core/document-options.js'
import { blocksOf } from '../docs/blocks.js'
import { pdfOf, sha256Of } from '../support/document-site/pdf.js'
import { FAULTS, type Fault, referenceAt, type SitePlan } from '../support/document-site/plan.js'
import { browserOf, processesWith } from '../support/document-site/processes.js'
import { type DocumentSite, startDocumentSite } from '../support/document-site/site.js'
import { CHROMIUM, startWorkerPart, type WorkerPart } from '../support/document-site/worker-part.js'
import { eventually } from '../support/poll.js'

const ROOT = fileURLToPath(new URL('../../../', import.meta.url))
const MAKER = new URL('../support/document-site/make-site.js', import.meta.url).href
const CHILD = fileURLToPath(new URL('../support/documents-child.js', import.meta.url))

/** A fault for every document but the first. */
const faultOf = (index: number): Fault | null => (index === 0 ? null : (FAULTS[index - 1] ?? null))

async function codeOf(failing: Promise<unknown>): Promise<unknown> {
  const error: unknown = await failing.then(
    () => null,
    (thrown: unknown) => thrown,
  )
  return typeof error === 'object' && error !== null && 'code' in error ? error.code : error
}

describe('documents through a browser', function () {
  // A browser needs its time on a machine that has other work.
  this.timeout(180_000)
  const closing: (() => Promise<unknown>)[] = []

  before(function () {
    if (existsSync(CHROMIUM)) return
    if (process.env.CI) throw new Error(`CI needs a Chromium at ${CHROMIUM}`)
    if (this.test) this.test.title = `skipped: there is no Chromium at ${CHROMIUM}`
    this.skip()
  })
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close()
  })

  async function open(
    plan: Partial<SitePlan>,
    options: Partial<DocumentOptions> = {},
    moduleFor?: (origin: string) => string,
  ): Promise<{ readonly site: DocumentSite; readonly part: WorkerPart }> {
    const site = await startDocumentSite(plan)
    closing.push(() => site.close())
    const part = await startWorkerPart(site.origin, options, moduleFor?.(site.origin))
    closing.push(() => part.close())
    return { site, part }
  }

  it('are saved whatever goes wrong the first time, and say what helped', async () => {
    const documents = FAULTS.length + 1
    const stepTimeoutMs = 4_000
    const { site, part } = await open(
      { documents, faultOf },
      { stepTimeoutMs, keepsFailurePages: true },
    )
    const references = Array.from({ length: documents }, (_, index) => referenceAt(index))
    const rows = await Promise.all(references.map((reference) => part.save(reference)))
    for (const [index, reference] of references.entries()) {
      expect(rows[index]).to.include({
        outcome: 'saved',
        file: `${reference}.pdf`,
        sha256: sha256Of(pdfOf(reference)),
      })
      expect(await readFile(join(part.directory, `${reference}.pdf`))).to.deep.equal(
        pdfOf(reference),
      )
    }
    const levelOf = (fault: Fault) => rows[FAULTS.indexOf(fault) + 1]?.level
    // Dialogs and sessions are no failures of a try.
    for (const fault of ['error', 'truncated', 'html', 'crash', 'hang', 'limited'] as const) {
      expect(levelOf(fault), fault).to.not.equal('first')
    }
    expect(levelOf('crash')).to.equal('tab')
    expect(site.logins()).to.be.above(2)
    expect(await readdir(join(part.directory, '.fetchyard', 'failures'))).to.include.members([
      `${referenceAt(1)}-attempt-1.html`,
      `${referenceAt(1)}-attempt-1.png`,
    ])
  })

  it('keep a login through new contexts, and skip what is there', async () => {
    const { site, part } = await open({}, { contexts: 1, contextPages: 2 })
    for (let index = 0; index < 5; index += 1) await part.save(referenceAt(index))
    expect(site.logins()).to.equal(1)
    const asked = site.requestsOf(/./)
    expect(await part.save(referenceAt(0))).to.include({ outcome: 'skipped' })
    expect(site.requestsOf(/./)).to.equal(asked)
  })

  it('ask once with a login that is refused, however many contexts wait for it', async () => {
    const { site, part } = await open({}, { password: 'another' })
    const codes = await Promise.all([0, 1].map((index) => codeOf(part.save(referenceAt(index)))))
    expect(codes).to.deep.equal(['login_refused', 'login_refused'])
    expect(site.refusedLogins()).to.equal(1)
    expect(site.logins()).to.equal(0)
  })

  it('are not begun with a module that is no site', async () => {
    for (const text of ['export default {}', 'export default { open() {}, save() {}, log() {} }']) {
      const { site, part } = await open({}, {}, () => text)
      expect(await codeOf(part.save(referenceAt(0)))).to.equal('site_refused')
      expect(site.requestsOf(/./)).to.equal(0)
    }
  })

  it('survive the death of their browser, each by itself', async () => {
    const { site, part } = await open({ generationMs: 1_500 })
    // Both are being made when their browser dies.
    const saving = [2, 5].map((index) => part.save(referenceAt(index)))
    await eventually({ words: 'two documents in the making' }, () => site.requestsOf(/^.state/) > 2)
    const browser = await eventually({ words: 'a browser' }, () => browserOf(process.pid))
    process.kill(browser, 'SIGKILL')
    for (const row of await Promise.all(saving)) expect(row).to.include({ level: 'browser' })
    expect(await browserOf(process.pid)).to.not.equal(browser)
  })

  // Nobody else closes a context that is idle, and its browser would stay for it.
  it('leave no browser behind for a context that nobody works in', async () => {
    const { site, part } = await open({}, {}, (origin) =>
      [
        `import { makeSite } from ${JSON.stringify(MAKER)}`,
        `const site = makeSite(${JSON.stringify(origin)})`,
        'const open = (page, reference, tools) => {',
        `  if (reference === ${JSON.stringify(referenceAt(2))}) throw new Error('another browser')`,
        '  return site.open(page, reference, tools)',
        '}',
        'export default { ...site, open }',
      ].join('\n'),
    )
    const saveTwo = (from: number) =>
      Promise.all([from, from + 1].map((index) => part.save(referenceAt(index))))
    await saveTwo(0)
    const first = await browserOf(process.pid)
    // Its last level is another browser, while the other context is idle in the old one.
    expect(await codeOf(part.save(referenceAt(2)))).to.equal('browser')
    await eventually({ words: 'the end of the browser of before' }, async () => {
      const browser = await browserOf(process.pid)
      return browser !== null && browser !== first
    })
    // Both begin where they ended, in the new one.
    await saveTwo(3)
    expect(site.logins()).to.equal(2)
  })

  it('come from nowhere that the guard does not let them', async () => {
    const { site, part } = await open({}, { allowedRanges: [] })
    expect(await codeOf(part.save(referenceAt(0)))).to.equal('ssrf')
    expect(site.requestsOf(/./)).to.equal(0)
  })

  // A module that does not look at the answer would wait for a form until its step is over.
  it('are refused at once by the guard, and not by a page that says so', async () => {
    const { part } = await open({}, { allowedRanges: [] }, (origin) =>
      [
        'export default {',
        '  async open(page) {',
        `    await page.goto(${JSON.stringify(origin)})`,
        "    throw Object.assign(new Error('a page came'), { code: 'http_4xx' })",
        '  },',
        '  save() {},',
        '}',
      ].join('\n'),
    )
    expect(await codeOf(part.save(referenceAt(0)))).to.equal('ssrf')
  })

  it('are saved by the module that docs/documents.md shows', async () => {
    const blocks = blocksOf('', await readFile(join(ROOT, 'docs/documents.md'), 'utf8'))
    const example = blocks.find(({ language }) => language === 'js')?.text ?? ''
    const { part } = await open({}, { contexts: 1 }, (origin) =>
      example
        .replaceAll('https://archive.example', origin)
        .replace(
          'fetchyard/documents',
          new URL('../../src/documents/index.js', import.meta.url).href,
        ),
    )
    // One of each way, and one that is not there.
    for (const index of [0, 1, 2]) {
      expect(await part.save(referenceAt(index))).to.include({ outcome: 'saved', level: 'first' })
    }
    expect(await codeOf(part.save(referenceAt(99)))).to.equal('http_4xx')
  })

  it('cost fewer requests when pages do without their furniture', async () => {
    const furniture = /^.furniture/
    const plain = await open({ hasFurniture: true }, { contexts: 1 })
    await plain.part.save(referenceAt(0))
    const blocked = await open(
      { hasFurniture: true },
      {
        contexts: 1,
        blockedTypes: ['stylesheet', 'image', 'media'],
        blockedPatterns: ['/f*.woff'],
      },
    )
    await blocked.part.save(referenceAt(0))
    expect(plain.site.requestsOf(furniture)).to.be.above(0)
    expect(blocked.site.requestsOf(furniture)).to.equal(0)
  })

  it('leave no process behind when their worker is killed and their browser stands still', async () => {
    const home = await mkdtemp(join(tmpdir(), 'fetchyard-doomed-'))
    closing.push(() => rm(home, { recursive: true, force: true }))
    const site = await startDocumentSite({ faultOf: () => 'hang' })
    closing.push(() => site.close())
    const environment = { PATH: process.env.PATH, HOME: process.env.HOME, TMPDIR: home }
    const child = spawn(process.execPath, [CHILD, site.origin, referenceAt(0)], {
      env: environment,
      stdio: 'ignore',
    })
    const pid = child.pid ?? 0
    await eventually({ words: 'a page that hangs' }, () => site.requestsOf(/^.documents/) > 0)
    const browser = await eventually({ words: 'a browser' }, () => browserOf(pid))
    const token = `TMPDIR=${home}`
    expect((await processesWith(token)).length).to.be.above(3)
    // One that stands still cannot notice that its worker is gone.
    process.kill(-browser, 'SIGSTOP')
    child.kill('SIGKILL')
    let left: readonly number[] = []
    await eventually({ words: 'the end of all of it', seen: () => left }, async () => {
      left = await processesWith(token)
      return left.length === 0
    })
    // Profile and downloads, which hold cookies and documents, are gone as well.
    const names = (await readdir(home)).filter((name) => /profile|browser/.test(name))
    expect(names).to.deep.equal([])
  })
})
