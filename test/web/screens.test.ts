import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { expect } from 'chai'
import type { Browser, Page } from 'playwright-core'
import { OUTCOME_CODES } from '../../src/core/outcome.js'
import { createOperatorStore } from '../../src/store/operator-store.js'
import type { WorkflowHandle } from '../../src/store/store.js'
import { createOperatorDesk } from '../../supervisor/operator-desk.js'
import { createSteeringDesk } from '../../supervisor/steering-desk.js'
import { useYard } from '../support/factory.js'
import { eventually } from '../support/poll.js'
import { nextTry, settlement } from '../support/values.js'
import { openBrowser, openPage } from './support/browser.js'
import {
  clusterFigures,
  nodeFigures,
  STARTED,
  settled,
  WORKER,
  workflowFigures,
} from './support/events.js'
import { openYard, TOKEN, type Yard } from './support/yard.js'

const OPERATOR = 'an-operator-token-of-its-own'
const NAME = 'contacts'
const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js')

/** The page over real tables: 10,000 items, of which some failed, some wait, and one is held. */
describe('web/screens', () => {
  const rows = useYard()
  let browser: Browser
  let yard: Yard
  let page: Page
  let complaints: string[]
  /** What the page was sent on the channel. */
  let frames: string[] = []
  let workflow: WorkflowHandle
  let axe = ''

  before(async function () {
    browser = await openBrowser(this)
    axe = await readFile(AXE, 'utf8')
    workflow = await fill()
  })
  after(() => browser?.close())

  async function fill(): Promise<WorkflowHandle> {
    const filled = await rows.workflow({ name: NAME })
    const nodeId = await rows.node({ name: 'yard-1' })
    const url = (n: number) => `https://${n % 10 === 0 ? 'slow' : 'shop'}.example/page/${n}`
    const all = Array.from({ length: 10_000 }, (_, n) => url(n))
    for (let from = 0; from < all.length; from += 2_500) {
      const slice = all.slice(from, from + 2_500)
      for (const host of ['slow.example', 'shop.example']) {
        const own = slice.filter((key) => key.includes(`//${host}/`))
        await rows.enqueue(filled, own, { lane: host, payload: { url: own[0] ?? '' } })
      }
    }
    const load = { workflow: NAME, slots: 20, inFlight: 8, limit: 8, reason: 'operator' }
    const stats = { workflows: [load] }
    await rows.store.sendHeartbeat({ nodeId, leaseMs: 600_000, gapMs: 600_000, stats })
    const held = await rows.hold(filled, nodeId, { itemsMax: 300 })
    const next = nextTry({ attempt: 1, delayMs: 3_600_000 })
    await rows.settle(
      filled,
      nodeId,
      held.slice(0, 290).map((one, n) => {
        if (n < 120) return settlement(one)
        if (n < 200) {
          return settlement(one, {
            ...{ event: 'discard', code: 'http_4xx', httpStatus: 404, error: 'HTTP 404' },
          })
        }
        return settlement(one, {
          ...{ event: 'retry', code: 'http_5xx', httpStatus: 503, error: 'HTTP 503', next },
        })
      }),
    )
    return filled
  }

  beforeEach(async () => {
    const operator = createOperatorDesk({
      store: createOperatorStore(rows.sql),
      nowMs: () => performance.now(),
    })
    const desk = createSteeringDesk(rows.store)
    yard = await openYard({ operatorToken: OPERATOR, operator, desk })
    await tell()
  })
  afterEach(async () => {
    await page?.close()
    await yard.close()
    await rows.sql`update fetchyard.workflow set paused_by = '{}', concurrency = null`
  })

  /** Says on the channel what a supervisor would. */
  async function tell() {
    yard.bus.emit('supervisor.started', STARTED)
    yard.bus.emit('worker.started', { ...WORKER, pid: 4_720 })
    yard.bus.emit('worker.ready', { ...WORKER, pid: 4_720, slots: 10, startMs: 90 })
    const thread = { ...WORKER, workerId: 'contacts-t1', kind: 'thread', pid: 4_711 } as const
    yard.bus.emit('worker.started', thread)
    yard.bus.emit('worker.ready', { ...thread, slots: 10, startMs: 40 })
    const figures = await rows.store.readFigures()
    yard.telemetry.live.setFigures(clusterFigures({ ...figures, nodes: [nodeFigures()] }))
    yard.telemetry.live.setRollouts(await rows.store.readRollouts())
    yard.telemetry.live.setAudit({ lost: 0, appliedTwice: 0, fetchedAgain: 3 })
  }

  async function visit(screen: string, options: Parameters<typeof openPage>[1] = {}) {
    const { token = OPERATOR, ...rest } = options as { token?: string }
    const size = { viewport: { width: 1_280, height: 900 } }
    const watched = await openPage(browser, { ...size, ...rest })
    page = watched.page
    complaints = watched.complaints
    frames = []
    page.on('websocket', (socket) => {
      socket.on('framereceived', ({ payload }) => frames.push(String(payload)))
    })
    await page.goto(`${yard.base}/#token=${token}`)
    await page.locator('#connection-words', { hasText: 'Live' }).waitFor()
    await go(screen)
  }
  const go = async (hash: string) => {
    await page.evaluate(`location.hash = ${JSON.stringify(`#${hash}`)}`)
  }
  const find = async (filter: string) => {
    await go(`items?workflow=${NAME}&${filter}`)
    await said(/all that match|so far/)
  }
  const said = (words: RegExp) => page.locator('#items-said', { hasText: words }).waitFor()
  const ordered = (words: string | RegExp) => page.locator('#said', { hasText: words }).waitFor()
  const items = () => page.locator('#items tr')
  const countOf = async (state: string) => {
    const [row] = await rows.sql<{ items: number }[]>`
      select count(*)::int as items from fetchyard.work_items
       where workflow = ${NAME} and status = ${state}`
    return row?.items ?? 0
  }
  const lastEvent = async () => {
    const [row] = await rows.sql`
      select name, message from fetchyard.event order by event_id desc limit 1`
    return `${row?.name} ${row?.message}`
  }

  it('says on Overview how it stands, what holds it back, and that nothing was lost', async () => {
    await visit('overview')
    await page.locator('#whys', { hasText: `${NAME}` }).waitFor()
    await page.locator('#whys', { hasText: /that an operator set: 8 of 8 in flight/ }).waitFor()
    await page.locator('#slots', { hasText: '0 / 8' }).waitFor()
    expect(await page.locator('#slots-note').textContent()).to.equal('20 slots')
    expect(await page.locator('#lost').textContent()).to.equal('0')
    expect(await page.locator('#applied-twice').textContent()).to.equal('0')
    await page.locator('#errors tr', { hasText: /http_4xx.*contacts.*80/ }).waitFor()
    const label = page.locator('#chart-latency[aria-label*="p50"]')
    await label.waitFor()
    await page.locator('#errors a', { hasText: 'http_4xx' }).click()
    await said(/50 items so far|all that match/)
    expect(await page.locator('#items-state').inputValue()).to.equal('Error')
    expect(complaints).to.deep.equal([])
  })

  it('shows history after a reload and after a restart of the supervisor', async () => {
    await visit('overview')
    await page.locator('#chart-latency[aria-label*="p50"]').waitFor()
    await yard.web.close('restart')
    yard.telemetry.stop()
    const operator = createOperatorDesk({
      store: createOperatorStore(rows.sql),
      nowMs: () => performance.now(),
    })
    const desk = createSteeringDesk(rows.store)
    const { port } = yard.web
    yard = await openYard({ port, epoch: 'boot-2', operatorToken: OPERATOR, operator, desk })
    await tell()
    await page.locator('#footer', { hasText: 'boot-2' }).waitFor()
    await page.reload()
    await page.locator('#connection-words', { hasText: 'Live' }).waitFor()
    // The new supervisor has seen nothing yet; the minute is the database's.
    await page.locator('#chart-latency[aria-label*="p50"]').waitFor()
  })

  it('shows supervisors, workers and threads as a tree that folds', async () => {
    await visit('nodes')
    await page.locator('#nodes tr.worker', { hasText: /contacts-1.*process.*ready/ }).waitFor()
    await page.locator('#nodes tr.group', { hasText: '1 threads in the supervisor' }).waitFor()
    await page.locator('#nodes tr.thread', { hasText: /contacts-t1.*thread/ }).waitFor()
    const fold = page.locator('#nodes button.fold')
    await fold.press('Enter')
    await page.locator('#nodes button.fold[aria-expanded="false"]').waitFor()
    expect(await page.locator('#nodes tr.worker').count()).to.equal(0)
    expect(complaints).to.deep.equal([])
  })

  it('shows hosts with how attempts ended, which wait, and leads to their items', async () => {
    for (let n = 0; n < 8; n += 1) {
      yard.bus.emit('item.settled', settled({ lane: 'shop.example' }))
      yard.bus.emit(
        'item.settled',
        settled({ lane: 'slow.example', state: 'retry', code: 'http_5xx', durationMs: 900 }),
      )
    }
    const breaker = { workflow: NAME, lane: 'slow.example', state: 'open' } as const
    const fields = { failures: 5, code: 'http_5xx', coolDownMs: 60_000 } as const
    yard.bus.emit('breaker.changed', { ...breaker, ...fields })
    await visit('hosts')
    const slow = page.locator('#hosts tr', { hasText: 'slow.example' })
    await slow.filter({ hasText: /open.*0\.0 % ok, 8 http_5xx/ }).waitFor()
    await page.locator('#hosts tr', { hasText: /shop\.example.*closed.*8 ok/ }).waitFor()
    await page.getByLabel('Only those that wait or fail').check()
    await page.locator('#hosts tr', { hasText: 'shop.example' }).waitFor({ state: 'detached' })
    await page.locator('#hosts-filter').fill('nobody')
    await page.locator('#hosts-empty').waitFor()
    await page.locator('#hosts-filter').fill('slow')
    await slow.locator('a').click()
    await said(/items/)
    expect(await page.locator('#items-host').inputValue()).to.equal('slow.example')
    expect(complaints).to.deep.equal([])
  })

  it('finds items by state, code, host and text, and goes further page by page', async () => {
    await visit('items')
    await find('state=Error')
    expect(await items().count()).to.equal(50)
    await page.locator('#items-more').click()
    await said(/80 items: all that match/)
    await find('code=http_4xx')
    await said(/50 items so far/)
    await find('host=slow.example&state=Queued')
    expect(await items().first().textContent()).to.contain('slow.example')
    await page.locator('#items-text').fill('page/99')
    await page.locator('#items-form button').click()
    await said(/items/)
    expect(page.url()).to.contain('text=page%2F99')
    for (const row of await items().allTextContents()) expect(row).to.contain('page/99')
    await page.goBack()
    await page.locator('#items-text').and(page.locator('[value=""], :not([value])')).waitFor()
    expect(await page.locator('#items-text').inputValue()).to.equal('')
    await find('text=no-such-page')
    await page.locator('#items-empty', { hasText: 'Nothing matches.' }).waitFor()
    expect(complaints).to.deep.equal([])
  })

  it('offers every outcome code there is, and keeps one that it does not know', async () => {
    await visit('items')
    const options = page.locator('#items-code option')
    const values = await options.evaluateAll((all) => all.map((one) => one.getAttribute('value')))
    expect([...values].sort()).to.deep.equal(['', ...OUTCOME_CODES].sort())
    await go('items?state=Error&code=of_the_future')
    const code = page.locator('#items-code')
    await eventually(
      { words: 'the code of the address', seen: () => code.inputValue() },
      async () => (await code.inputValue()) === 'of_the_future',
    )
  })

  it('goes on page by page among 10,000 items', async function () {
    this.timeout(120_000)
    await visit('items')
    await find('')
    for (let pages = 1; pages < 8; pages += 1) {
      await page.locator('#items-more').click()
      await said(new RegExp(`${(pages + 1) * 50} items`))
    }
    expect(await items().count()).to.equal(400)
    await find('text=page/9999')
    await said(/1 item: all that match/)
    expect(complaints).to.deep.equal([])
  })

  it('tells the attempts of an item, and retries it', async () => {
    await visit('items')
    await find('state=Error')
    await items().first().locator('a').click()
    await page
      .locator('#item .timeline', { hasText: /Attempt 1: error · http_4xx · HTTP 404/ })
      .waitFor()
    const key = (await page.locator('#item-key').textContent()) ?? ''
    await page.locator('#item-orders button', { hasText: 'Retry' }).click()
    await ordered('Asked again for 1 item of contacts')
    await page.locator('#item-rounds h3', { hasText: 'Round 2: Queued' }).waitFor()
    expect(await lastEvent())
      .to.contain('items.retried')
      .and.contain(key)
    expect(await countOf('Error')).to.equal(80)
    expect(complaints).to.deep.equal([])
  })

  it('cancels an item only once it was asked', async () => {
    await visit('items')
    await find('state=Delayed')
    await items().first().locator('a').click()
    const cancel = page.locator('#item-orders button', { hasText: 'Cancel' })
    await cancel.click()
    await page.locator('#ask-no').click()
    expect(await countOf('Cancelled')).to.equal(0)
    await cancel.click()
    await page.locator('#ask-yes').click()
    await ordered('Cancelled 1 item of contacts')
    await page.locator('#item-rounds h3', { hasText: 'Cancelled' }).waitFor()
    expect(await countOf('Cancelled')).to.equal(1)
    expect(await lastEvent()).to.contain('items.cancelled')
    expect(complaints).to.deep.equal([])
  })

  it('runs delayed items now, one by one and all that match', async () => {
    await visit('items')
    await find('state=Delayed')
    const before = await countOf('Delayed')
    await items().first().locator('a').click()
    await page.locator('#item-orders button', { hasText: 'Run now' }).click()
    await ordered('Made ready now 1 item')
    await page.locator('#items-orders button', { hasText: 'Run delayed now' }).click()
    await page.locator('#ask-title', { hasText: `Run now ${before - 1} items?` }).waitFor()
    await page.locator('#ask-yes').click()
    await ordered(`Made ready now ${before - 1} items.`)
    expect(await countOf('Delayed')).to.equal(0)
  })

  it('retries all that match, after telling how many they are', async () => {
    await visit('items')
    await find('state=Error&code=http_4xx')
    await page.locator('#items-orders button', { hasText: 'Retry' }).click()
    await page.locator('#ask-title', { hasText: /Retry 79 items\?/ }).waitFor()
    await page.locator('#ask-no').click()
    const before = await countOf('Queued')
    await page.locator('#items-orders button', { hasText: 'Retry' }).click()
    await page.locator('#ask-yes').click()
    await ordered('Asked again for 79 items.')
    expect(await countOf('Queued')).to.equal(before + 79)
    expect(await lastEvent()).to.contain('ended by http_4xx')
  })

  it('wants the workflow typed before it cancels thousands', async () => {
    await visit('items')
    await find('state=Queued&host=shop.example')
    await page.locator('#items-orders button', { hasText: 'Cancel' }).click()
    await page.locator('#ask-type').waitFor()
    expect(await page.locator('#ask-yes').isDisabled()).to.equal(true)
    await page.locator('#ask-input').fill(NAME)
    const queued = await countOf('Queued')
    await page.locator('#ask-yes').click()
    await ordered(/Cancelled [\d,]+ items\./)
    const left = await countOf('Queued')
    expect(left).to.be.below(queued).and.above(0)
    await find('state=Queued&host=shop.example')
    await said(/^0 items: all that match/)
    expect(complaints).to.deep.equal([])
  })

  it('steers a workflow: pause, resume, rollout, concurrency and rate', async () => {
    await visit('workflows')
    await page.getByLabel('Your name, for the record').fill('Zoë')
    await page.getByRole('button', { name: 'Pause' }).click()
    await ordered('contacts is paused')
    expect(await lastEvent()).to.contain('by Zoë')
    await tell()
    await page.getByRole('button', { name: 'Resume' }).click()
    await ordered('contacts runs again')
    await tell()
    await page.getByRole('button', { name: '10 %', exact: true }).click()
    await ordered('contacts is concurrent for 10 %')
    await page.getByLabel('At once on a node').fill('7')
    await page.getByLabel('At once on a node').press('Enter')
    await ordered('7 items at once')
    await page.getByLabel('Items a minute').fill('120')
    await page.getByLabel('Items a minute').press('Enter')
    await ordered(/120/)
    const [row] = await rows.sql`
      select mode, rollout, concurrency, rate_per_minute from fetchyard.workflow
       where name = ${NAME}`
    expect(row).to.deep.equal({
      ...{ mode: 'concurrent', rollout: 10, concurrency: 7, rate_per_minute: 120 },
    })
    expect(complaints).to.deep.equal([])
  })

  it('shows schedules, opens an instance, and shows housekeeping', async () => {
    await rows.store.schedules.putSchedule({
      ...{ workflowId: workflow.workflowId, definition: { every: '6h' } },
      firstAt: new Date(Date.now() + 3_600_000),
    })
    await visit('workflows')
    await page.getByText(/Works every 6h: next in (59|60) min/).waitFor()
    await page.getByRole('button', { name: 'Run now' }).click()
    await ordered('works what is ready now')
    await page.locator('#chores tr', { hasText: 'finished items' }).waitFor()
    await rows.sql`delete from fetchyard.schedule`
    await rows.sql`delete from fetchyard.instance`
  })

  it('lists warnings and orders, and narrows them', async () => {
    await rows.store.storeEvent({
      ...{ level: 'warn', name: 'a.warning', workflowId: null, nodeId: null, fields: {} },
      message: '<b>something</b> is odd',
    })
    await visit('events')
    await page.locator('#stored li', { hasText: '<b>something</b> is odd' }).waitFor()
    await page.locator('#events-level').selectOption('error')
    await page.locator('#stored-empty').waitFor()
    await page.locator('#events-level').selectOption('warn')
    await page.locator('#stored li', { hasText: 'is odd' }).waitFor()
    expect(complaints).to.deep.equal([])
  })

  it('offers no order to who only reads', async () => {
    await visit('items', { token: TOKEN } as object)
    await find('state=Error')
    expect(await page.locator('#items-orders').isVisible()).to.equal(false)
    await items().first().locator('a').click()
    await page.locator('#item .timeline').first().waitFor()
    expect(await page.locator('#item-orders').isVisible()).to.equal(false)
  })

  it('is worked by keys alone', async () => {
    await visit('overview')
    await page.keyboard.press('5')
    await page.locator('#screen-items').waitFor()
    await page.locator('#items tr').first().waitFor()
    await page.keyboard.press('j')
    await page.keyboard.press('j')
    expect(await page.evaluate("document.activeElement.closest('tbody')?.id")).to.equal('items')
    await page.keyboard.press('Enter')
    await page.locator('#item .timeline').first().waitFor()
    await page.keyboard.press('/')
    await page.keyboard.type('page/1')
    expect(await page.locator('#items-text').inputValue()).to.equal('page/1')
    await page.keyboard.press('Escape')
    await page.locator('#items-text').blur()
    await page.keyboard.press('?')
    await page.locator('#help[open]').waitFor()
    await page.keyboard.press('Escape')
    await page.locator('#help:not([open])').waitFor({ state: 'attached' })
    await page.keyboard.press('t')
    await page.locator('html[data-theme="light"]').waitFor()
    await page.keyboard.press('r')
    await page.locator('#freeze[aria-pressed="true"]').waitFor()
    await page.keyboard.press('z')
    await page.locator('#zone', { hasText: 'UTC' }).waitFor()
    expect(complaints).to.deep.equal([])
  })

  it('stands still while it is frozen', async () => {
    await visit('overview')
    await page.locator('#state', { hasText: /./ }).waitFor()
    const shown = await page.locator('#complete').textContent()
    await page.keyboard.press('r')
    yard.telemetry.live.setFigures(
      clusterFigures({ workflows: [workflowFigures({ complete: 777_777 })] }),
    )
    await eventually({ words: 'the frame of the new figures' }, () =>
      frames.some((frame) => frame.includes('777777')),
    )
    // The page has drawn, or not, once its next picture is made.
    await page.evaluate('new Promise((done) => requestAnimationFrame(() => setTimeout(done)))')
    expect(await page.locator('#complete').textContent()).to.equal(shown)
    await page.keyboard.press('r')
    await page.locator('#complete', { hasText: '777,777' }).waitFor()
  })

  for (const colorScheme of ['light', 'dark'] as const) {
    it(`has no fault that axe finds, on any screen, ${colorScheme}`, async function () {
      this.timeout(120_000)
      await visit('overview', { colorScheme })
      await page.evaluate(axe)
      const screens = ['overview', 'workflows', 'nodes', 'hosts', 'items', 'events']
      for (const screen of screens) {
        await go(screen)
        await page.locator(`#screen-${screen}`).waitFor()
        if (screen === 'items') {
          await find('state=Cancelled')
          await items().first().locator('a').click()
          await page.locator('#item .timeline').first().waitFor()
        }
        const found = (await page.evaluate('axe.run(document)')) as {
          violations: { id: string; nodes: { html: string; failureSummary: string }[] }[]
        }
        const faults = found.violations.flatMap(({ id, nodes }) =>
          nodes.map(({ html, failureSummary }) => `${screen} ${id}: ${html} ${failureSummary}`),
        )
        expect(faults).to.deep.equal([])
      }
    })
  }
})
