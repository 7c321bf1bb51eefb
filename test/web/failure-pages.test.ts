// Pages of failures in the item's page. What is kept is a foreign page, made by whoever runs the
// site: here it tries what such a page can try.

import { mkdir, mkdtemp, rm, symlink, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import type { Browser, Page } from 'playwright-core'
import { FailurePages } from '../../src/documents/failure-pages.js'
import { KeptFailures } from '../../src/documents/kept-failures.js'
import { createOperatorStore } from '../../src/store/operator-store.js'
import type { WorkflowHandle } from '../../src/store/store.js'
import { createOperatorDesk } from '../../supervisor/operator-desk.js'
import { createSteeringDesk } from '../../supervisor/steering-desk.js'
import { useYard } from '../support/factory.js'
import { settlement } from '../support/values.js'
import { openBrowser, openPage } from './support/browser.js'
import { clusterFigures } from './support/events.js'
import { openYard, TOKEN, type Yard } from './support/yard.js'

const PATH = '/api/items/failure-page'
const KEY = 'INV-1'
/** Marks the page it runs in, if it does. */
const HOSTILE =
  '<!doctype html><title>theirs</title><body style="margin:0;background:#f00">' +
  '<script>window.top.document.documentElement.dataset.ran = "script"</script>' +
  '<img src="data:," onerror="document.documentElement.dataset.ran = \'image\'">' +
  '</pre></textarea><h1 id="theirs">theirs</h1>'

describe('web/failure-pages', () => {
  const rows = useYard()
  let home = ''
  let folder = ''
  let yard: Yard
  let workflow: WorkflowHandle

  beforeEach(async () => {
    home = await mkdtemp(join(tmpdir(), 'fetchyard-failures-'))
    folder = join(home, '.fetchyard', 'failures')
    await mkdir(folder, { recursive: true })
    const operator = createOperatorDesk({
      store: createOperatorStore(rows.sql),
      nowMs: () => performance.now(),
    })
    workflow = await rows.workflow({ name: 'documents' })
    const desk = createSteeringDesk(rows.store)
    yard = await openYard({
      desk,
      operator,
      failures: new Map([['documents', new KeptFailures(home)]]),
    })
  })
  afterEach(async () => {
    await yard.close()
    await rm(home, { recursive: true, force: true })
  })

  async function post(path: string, body: object, headers: { [name: string]: string } = {}) {
    return fetch(`${yard.base}${path}`, {
      method: 'POST',
      headers: {
        ...{ authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' },
        ...headers,
      },
      body: JSON.stringify(body),
    })
  }
  const ask = (fields: object, headers = {}) =>
    post(PATH, { workflow: 'documents', key: KEY, attempt: 1, part: 'html', ...fields }, headers)
  const keep = (name: string, text = HOSTILE) => writeFile(join(folder, name), text)

  /** An item that failed, with words that name a page. */
  async function fail(error: string) {
    const nodeId = await rows.node({ name: 'yard-7' })
    // The tests share a database, in which the item has ended before.
    await rows.enqueue(workflow, [KEY], { again: 'when-finished' })
    const held = await rows.hold(workflow, nodeId)
    const how = { event: 'discard', code: 'browser', error } as const
    await rows.settle(
      workflow,
      nodeId,
      held.map((one) => settlement(one, how)),
    )
  }

  describe('over HTTP', () => {
    it('are told with the history of their item, and of no other one', async () => {
      await fail('no button')
      await keep(`${KEY}-attempt-1.html`)
      await keep(`${KEY}-attempt-1.png`, 'png')
      await keep(`${KEY}-attempt-12.html`, 'x')
      for (const name of [`${KEY}0-attempt-1.png`, `${KEY}-attempt-1-attempt-2.png`, 'INV-1.png']) {
        await keep(name)
      }
      const answer = await post('/api/items/history', { workflow: 'documents', key: KEY })
      const { pages } = (await answer.json()) as { pages: { attempt: number; parts: object }[] }
      expect(pages.map(({ attempt, parts }) => ({ attempt, parts }))).to.deep.equal([
        { attempt: 1, parts: { picture: 3, html: HOSTILE.length } },
        { attempt: 12, parts: { html: 1 } },
      ])
    })

    it('need the token, a POST, and a request of their own site', async () => {
      await keep(`${KEY}-attempt-1.html`)
      expect((await ask({})).status).to.equal(200)
      expect((await ask({}, { authorization: 'Bearer of something else' })).status).to.equal(401)
      expect((await ask({}, { origin: 'http://a.example' })).status).to.equal(403)
      expect((await ask({}, { 'sec-fetch-site': 'cross-site' })).status).to.equal(403)
      const bearer = { authorization: `Bearer ${TOKEN}` }
      expect((await fetch(`${yard.base}${PATH}`, { headers: bearer })).status).to.equal(405)
      expect((await fetch(`${yard.base}${PATH}`)).status).to.equal(401)
    })

    it('leave as text that no browser takes for a page', async () => {
      await keep(`${KEY}-attempt-1.html`)
      const { headers } = await ask({})
      expect(headers.get('content-type')).to.equal('text/plain; charset=utf-8')
      expect(headers.get('x-content-type-options')).to.equal('nosniff')
      expect(headers.get('content-disposition')).to.equal('attachment')
      const policy = headers.get('content-security-policy')
      expect(policy).to.equal("default-src 'none'; frame-ancestors 'none'; sandbox")
    })

    it('are found by what the folder lists, never by a path', async () => {
      await writeFile(join(home, 'secret.html'), 'secret')
      await writeFile(join(home, 'secret-attempt-1.html'), 'secret')
      await symlink(join(home, 'secret.html'), join(folder, 'LINK-attempt-1.html'))
      await keep('HUGE-attempt-1.html')
      await truncate(join(folder, 'HUGE-attempt-1.html'), 9_000_000)
      await mkdir(join(folder, 'FOLDER-attempt-1.html'))
      const keys = [
        ...['../../secret', '../secret', '..', '.', '/etc/passwd', `${home}/secret`, 'LINK'],
        ...['HUGE', 'FOLDER', '..%2f..%2fsecret', '..\\..\\secret', 'INV-1', '.*', '(.+)'],
      ]
      for (const key of keys) expect((await ask({ key })).status, key).to.equal(404)
      for (const name of ['constructor', 'contacts']) {
        expect((await ask({ workflow: name })).status, name).to.equal(404)
      }
    })

    for (const [fields, words] of [
      [{ attempt: '1' }, /`attempt` to be a number from 1 on/],
      [{ attempt: 1.5 }, /`attempt` to be a number from 1 on/],
      [{ part: '../html' }, /`part` to be one of picture, html/],
      [{ part: null }, /`part` to be picture or html/],
      [{ key: 'a\0b' }, /`key` to be a text/],
      [{ path: '/etc/passwd' }, /Unknown field/],
    ] as const) {
      it(`are not asked for by ${JSON.stringify(fields)}`, async () => {
        const answer = await ask(fields)
        expect(answer.status).to.equal(400)
        expect(await answer.text()).to.match(words)
      })
    }
  })

  describe('in a browser', function () {
    this.timeout(120_000)
    let browser: Browser
    let page: Page
    let complaints: string[]

    before(async function () {
      browser = await openBrowser(this)
    })
    after(() => browser?.close())
    afterEach(() => page?.close())

    async function visitItem() {
      yard.telemetry.live.setFigures(clusterFigures(await rows.store.readFigures()))
      const watched = await openPage(browser, { viewport: { width: 1_280, height: 900 } })
      page = watched.page
      complaints = watched.complaints
      await page.goto(`${yard.base}/#token=${TOKEN}`)
      await page.locator('#connection-words', { hasText: 'Live' }).waitFor()
      await page.evaluate(`location.hash = '#items?workflow=documents&key=${KEY}'`)
      await page.locator('#item .timeline').first().waitFor()
    }

    it('are shown as a picture and as text, and nothing of them runs', async () => {
      const theirs = await openPage(browser, { viewport: { width: 320, height: 200 } })
      await theirs.page.setContent(HOSTILE)
      const path = await new FailurePages(home).keep(theirs.page, KEY, 1)
      await theirs.page.close()
      await fail(`no button (page: ${path})`)
      await visitItem()
      await page.getByRole('button', { name: 'HTML' }).click()
      const shown = page.locator('#item-pages pre')
      await shown.waitFor()
      expect(await shown.textContent())
        .to.contain('<script>window.top')
        .and.contain('id="theirs"')
      await page.getByRole('button', { name: 'Picture' }).click()
      await page.locator('#item-pages canvas').waitFor()
      expect(
        await page.evaluate(`(() => {
          const canvas = document.querySelector('#item-pages canvas')
          const { data } = canvas.getContext('2d').getImageData(300, 190, 1, 1)
          return [canvas.width, canvas.height, ...data]
        })()`),
      ).to.deep.equal([320, 200, 255, 0, 0, 255])
      await page.getByRole('button', { name: 'Picture' }).click()
      expect(await page.locator('#item-pages canvas, #item-pages pre').count()).to.equal(0)
      expect(await page.locator('#theirs').count()).to.equal(0)
      expect(await page.evaluate('document.documentElement.dataset.ran ?? null')).to.equal(null)
      expect(complaints).to.deep.equal([])
    })

    it('that another machine keeps are said to be there', async () => {
      await fail('no button (page: .fetchyard/failures/INV-1-attempt-1.png)')
      await visitItem()
      await page
        .locator('#item-pages', { hasText: /kept by yard-7 on host: it is shown by/ })
        .waitFor()
      expect(await page.locator('#item-pages button').count()).to.equal(0)
    })

    it('that a kill cut off are told as such', async () => {
      await keep(`${KEY}-attempt-1.png`, 'half a picture')
      await fail('no button')
      await visitItem()
      await page.getByRole('button', { name: 'Picture' }).click()
      await page.locator('#item-pages', { hasText: 'The picture cannot be read' }).waitFor()
    })
  })
})
