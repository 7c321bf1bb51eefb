import { expect } from 'chai'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { seededRandom } from '../../src/core/random.js'
import { openBrowser, openPage, type WatchedPage } from './support/browser.js'
import {
  clusterFigures,
  nodeFigures,
  STARTED,
  settled,
  WORKER,
  workflowFigures,
} from './support/events.js'
import { createManualClock } from './support/manual-clock.js'
import { QUIET_DESK, QUIET_OPERATOR } from './support/quiet-desk.js'
import { createSimulation } from './support/simulation.js'
import { openYard, TOKEN, type Yard } from './support/yard.js'

/** Waits until an element has exactly this text. */
async function reads(page: Page, id: string, text: string | RegExp): Promise<void> {
  const exact = typeof text === 'string' ? new RegExp(`^${escapeRegExp(text)}$`) : text
  await page.locator(`#${id}`).filter({ hasText: exact }).waitFor({ state: 'attached' })
}

/** Goes to a screen by its link. */
async function show(page: Page, screen: string): Promise<void> {
  await page.locator('nav a', { hasText: screen }).click()
  await page.locator(`#screen-${screen.toLowerCase()}`).waitFor()
}

function escapeRegExp(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
}

describe('web/dashboard', () => {
  let browser: Browser
  let yard: Yard
  let pages: WatchedPage[] = []
  let past: Yard | null = null
  const open = (options: Parameters<typeof openYard>[0] = {}) =>
    openYard({ desk: QUIET_DESK, operator: QUIET_OPERATOR, ...options })

  before(async function () {
    browser = await openBrowser(this)
  })
  after(async () => {
    await browser?.close()
  })
  beforeEach(async () => {
    pages = []
    yard = await open()
  })
  afterEach(async () => {
    for (const { page } of pages) await page.close()
    await yard.close()
    await past?.close()
    past = null
  })

  const visit = async (url = yard.web.url, options: BrowserContextOptions = {}) => {
    const watched = await openPage(browser, options)
    pages.push(watched)
    await watched.page.goto(url)
    return watched
  }

  it('draws the figures of the cluster as they change', async () => {
    const { page, complaints } = await visit()
    yard.bus.emit('supervisor.started', STARTED)
    yard.telemetry.live.setFigures(
      clusterFigures({ workflows: [workflowFigures({ queued: 1_234, complete: 5, error: 1 })] }),
    )
    await reads(page, 'state', 'running')
    await reads(page, 'queued', '1,234')
    await reads(page, 'connection-words', 'Live')

    yard.telemetry.live.setFigures(
      clusterFigures({ workflows: [workflowFigures({ queued: 1_000, complete: 239, error: 1 })] }),
    )
    await reads(page, 'queued', '1,000')
    await reads(page, 'complete', '239')
    await reads(page, 'ok', '100 %')
    expect(await page.title()).to.contain('running')
    expect(complaints).to.deep.equal([])
  })

  it('draws failures, workers, workflows and events, and takes no markup from them', async () => {
    const { page, complaints } = await visit()
    yard.bus.emit('supervisor.started', STARTED)
    yard.telemetry.live.setFigures(clusterFigures({ nodes: [nodeFigures()] }))
    yard.bus.emit('worker.started', { ...WORKER, pid: 4_720 })
    yard.bus.emit('worker.ready', { ...WORKER, pid: 4_720, slots: 10, startMs: 90 })
    const message = '<img src=x onerror="document.title=1"><b>bold</b>'
    yard.bus.emit('item.settled', settled({ state: 'discard', code: 'http_4xx', message }))

    await page.locator('#failures tr', { hasText: /http_4xx.*1.*100 %/ }).waitFor()
    await show(page, 'Nodes')
    await page.locator('#nodes tr.node', { hasText: 'yard-1 on alpha (this node)' }).waitFor()
    await page
      .locator('#nodes tr.worker', { hasText: /contacts-1.*process.*ready.*4720/ })
      .waitFor()
    await show(page, 'Workflows')
    await page.locator('#workflows tr', { hasText: 'contacts' }).waitFor()
    await show(page, 'Events')
    await page.locator('#events li', { hasText: message }).waitFor()
    expect(await page.locator('#events b, #events img').count()).to.equal(0)
    expect(complaints).to.deep.equal([])
  })

  it('takes the token out of the address and needs it no more within the tab', async () => {
    const { page } = await visit()
    await reads(page, 'connection-words', 'Live')
    expect(page.url()).to.equal(`${yard.base}/`)
    await page.reload()
    await reads(page, 'connection-words', 'Live')
  })

  it('asks for a token when it has none or a wrong one', async () => {
    const { page } = await visit(`${yard.base}/#token=not-the-token-at-all`)
    await reads(page, 'token-words', /wrong/)
    await page.locator('#token').fill(TOKEN)
    await page.locator('#token-form button').click()
    await reads(page, 'connection-words', 'Live')
    expect(await page.locator('#token-form').isVisible()).to.equal(false)
  })

  it('comes back by itself after the supervisor restarted', async () => {
    const { page } = await visit()
    await reads(page, 'connection-words', 'Live')
    await yard.web.close('restart')
    await reads(page, 'connection-words', 'Reconnecting: restarting')
    yard.telemetry.stop()
    yard = await open({ port: yard.web.port, epoch: 'boot-2' })
    await reads(page, 'footer', /boot-2/)
    await reads(page, 'connection-words', 'Live')
  })

  it('does not come back while it is hidden, and does once it is seen', async () => {
    const watched = await openPage(browser)
    pages.push(watched)
    const { page } = watched
    await page.clock.install()
    await page.addInitScript(
      "Object.defineProperty(document, 'hidden', { get: () => window.isHidden === true })",
    )
    let sockets = 0
    page.on('websocket', () => {
      sockets += 1
    })
    await page.goto(yard.web.url)
    await reads(page, 'connection-words', 'Live')
    await page.evaluate("isHidden = true; document.dispatchEvent(new Event('visibilitychange'))")
    await yard.web.close('restart')
    await reads(page, 'connection-words', /Reconnecting/)
    yard.telemetry.stop()
    yard = await open({ port: yard.web.port, epoch: 'boot-2' })
    await page.clock.fastForward(120_000)
    // A round trip, so that word of a socket that was opened would have come.
    await page.evaluate('0')
    expect(sockets).to.equal(1)
    await page.evaluate("isHidden = false; document.dispatchEvent(new Event('visibilitychange'))")
    await reads(page, 'footer', /boot-2/)
    expect(sockets).to.be.above(1)
  })

  const looks: readonly [string, BrowserContextOptions][] = [
    ['light and wide', { colorScheme: 'light', viewport: { width: 1_360, height: 900 } }],
    ['dark and wide', { colorScheme: 'dark', viewport: { width: 1_360, height: 900 } }],
    ['narrow', { viewport: { width: 360, height: 800 } }],
  ]
  for (const [look, options] of looks) {
    it(`shows a quarter of an hour at once, ${look}, and nothing runs over the edge`, async () => {
      const clock = createManualClock()
      past = await open({ clock })
      const simulation = createSimulation(past, seededRandom(7), clock.wallMs)
      for (let second = 0; second < 901; second += 1) {
        simulation.second()
        clock.advance(1_000)
      }
      const { page, complaints } = await visit(past.web.url, options)
      await page.locator('#chart-rate canvas').waitFor()
      const told = page.locator('#chart-rate[aria-label*="finished"]')
      await told.waitFor()
      for (const screen of ['Overview', 'Workflows', 'Nodes', 'Hosts', 'Items', 'Events']) {
        await show(page, screen)
        const wide = await page.evaluate('document.documentElement.scrollWidth - innerWidth')
        expect(wide, screen).to.equal(0)
      }
      expect(complaints).to.deep.equal([])
    })
  }
})
