import { expect } from 'chai'
import type { Browser, Page } from 'playwright-core'
import type { CohortFigures, Rollout } from '../../src/core/cohort-figures.js'
import { createSteeringDesk } from '../../supervisor/steering-desk.js'
import { FakeStore } from '../support/fake-store.js'
import { openBrowser, openPage } from './support/browser.js'
import { QUIET_OPERATOR } from './support/quiet-desk.js'
import { openYard, TOKEN, type Yard } from './support/yard.js'

const OPERATOR = 'an-operator-token-of-its-own'
const COHORT: CohortFigures = {
  ...{ step: 3, completed: 980, failed: 20, snoozed: 7, crashed: 1, credits: 1_470 },
  ...{ perSecond: 9.8, errorRate: 0.02, meanMs: 3_900, p50Ms: 3_000, p95Ms: 9_400 },
}

/** The page over a real desk and server; what the desk changes shows as a node's reader tells it. */
describe('web/steering', () => {
  let browser: Browser
  let yard: Yard
  let fake: FakeStore
  let page: Page
  let complaints: string[]

  before(async function () {
    browser = await openBrowser(this)
  })
  after(() => browser?.close())

  const rollouts = async (): Promise<readonly Rollout[]> => {
    const { mode, rollout, concurrency, step } = fake.steering
    return [...fake.workflows.values()].map(({ name, pausedBy }) => ({
      ...{ workflow: name, mode, rollout, concurrency, step, nodes: 2, pausedBy: [...pausedBy] },
      ...{ since: '2026-01-01T00:00:00.000Z', by: step === 0 ? null : 'anna' },
      ...{ ratePerMinute: null, successPauseMs: null },
      cohorts: { concurrent: { ...COHORT, step }, sequential: { ...COHORT, step: 1, failed: 0 } },
    }))
  }
  const tell = async () => yard.telemetry.live.setRollouts(await rollouts())

  beforeEach(async () => {
    fake = new FakeStore()
    fake.handle('contacts')
    fake.steering = { ...fake.steering, rollout: 50, step: 3 }
    const store = { ...fake.store, readRollouts: rollouts }
    const desk = createSteeringDesk(store)
    yard = await openYard({ operatorToken: OPERATOR, desk, operator: QUIET_OPERATOR })
    await tell()
  })
  afterEach(async () => {
    await page.close()
    await yard.close()
  })

  async function visit(token: string) {
    const watched = await openPage(browser, { viewport: { width: 1_000, height: 1_400 } })
    page = watched.page
    complaints = watched.complaints
    await page.goto(`${yard.base}/#token=${token}`)
    await page.locator('nav a', { hasText: 'Workflows' }).click()
    await page.getByRole('article', { name: 'Rollout of contacts' }).waitFor()
  }

  const cell = (label: string, column: number) =>
    page.locator('.cohorts tr', { hasText: label }).locator('td').nth(column)

  it('shows both cohorts side by side, and which step an older one is of', async () => {
    await visit(OPERATOR)
    expect(await cell('Attempts ended', 0).textContent()).to.equal('1,000')
    expect(await cell('Attempts ended', 1).textContent()).to.equal('980')
    expect(await cell('Failed', 0).textContent()).to.equal('2.0 %')
    expect(await cell('Credits a result', 0).textContent()).to.equal('1.5')
    await page.getByRole('columnheader', { name: 'Sequential (step 1)' }).waitFor()
    await page.getByText('Concurrent for 50 % of the items').waitFor()
    expect(complaints).to.deep.equal([])
  })

  it('gives orders by mouse, says what holds, and names who gave them', async () => {
    await visit(OPERATOR)
    await page.getByLabel('Your name, for the record').fill('Zoë')
    await page.getByRole('button', { name: '10 %', exact: true }).click()
    await page.locator('#said', { hasText: 'contacts is concurrent for 10 %' }).waitFor()
    expect(fake.steering).to.include({ mode: 'concurrent', rollout: 10 })
    await tell()
    const ten = page.getByRole('button', { name: '10 %', exact: true, pressed: true })
    await ten.waitFor()
    await page.getByRole('button', { name: 'Pause' }).click()
    await page.locator('#said', { hasText: 'contacts is paused' }).waitFor()
    await tell()
    await page.getByText('Paused by operator').waitFor()
    await page.getByRole('button', { name: 'Resume' }).click()
    await page.locator('#said', { hasText: 'contacts runs again' }).waitFor()
    expect(fake.storedEvents).to.deep.equal([
      ...['workflow.steered', 'workflow.paused', 'workflow.resumed'],
    ])
    expect(complaints).to.deep.equal([])
  })

  it('is worked by keyboard, and keeps its place while the figures change', async () => {
    await visit(OPERATOR)
    await page.getByLabel('Your name, for the record').focus()
    for (const _ of ['Pause', 'Sequential']) await page.keyboard.press('Tab')
    await page.keyboard.press('Enter')
    await page.locator('#said', { hasText: 'contacts is sequential' }).waitFor()
    await tell()
    await page.getByText('Sequential: one item at a time').waitFor()
    expect(await page.evaluate('document.activeElement.textContent')).to.equal('Sequential')
    await page.keyboard.press('Tab')
    await page.keyboard.press('Tab')
    await page.keyboard.press('Tab')
    await page.keyboard.press('Space')
    await page.locator('#said', { hasText: 'concurrent for all items' }).waitFor()
    expect(fake.steering).to.include({ mode: 'concurrent', rollout: 100 })
    expect(complaints).to.deep.equal([])
  })

  it('offers no order to who only reads, and says why', async () => {
    await visit(TOKEN)
    await page.getByText('This token only reads').waitFor()
    expect(await page.getByRole('button', { name: 'Pause' }).count()).to.equal(0)
    expect(await page.getByLabel('Your name, for the record').isVisible()).to.equal(false)
  })

  it('says in words why an order was refused', async () => {
    await visit(OPERATOR)
    await page.getByLabel('Your name, for the record').fill('<b>')
    await page.getByRole('button', { name: 'Pause' }).click()
    await page.locator('#said', { hasText: 'Expected `by` to be 1 to 80 letters' }).waitFor()
    expect(fake.workflows.get('contacts')?.pausedBy).to.deep.equal([])
  })
})
