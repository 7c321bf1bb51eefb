// The site module of the test site, as a user of it would write one.

import type { Page } from 'playwright-core'
import { defineSite, FetchFailure, type Site } from '../../../src/documents/index.js'

export function makeSite(origin: string): Site {
  return defineSite({
    async login(page, { user, password }) {
      const response = await page.goto(`${origin}/login`)
      if (response?.ok() !== true)
        throw new Error(`HTTP ${response?.status()} from ${origin}/login`)
      await page.fill('[name=user]', user)
      await page.fill('[name=password]', password)
      await page.click('#enter')
      await page.waitForLoadState()
      if (new URL(page.url()).pathname !== '/login') return
      const words = (await page.locator('#words').textContent()) ?? ''
      if (words.startsWith('Wrong')) throw new FetchFailure('login_refused', words)
      throw new Error(`The login ended with: ${words}`)
    },
    isLoggedOut: (page) => new URL(page.url()).pathname === '/login',
    async open(page, reference) {
      await openDocument(page, `${origin}/documents/${encodeURIComponent(reference)}`)
    },
    async save(page, _reference, { download, tab }) {
      const way = await page.locator('[data-way]').getAttribute('data-way')
      const act = () => page.click('#get')
      return way === 'tab' ? tab(act) : download(act)
    },
    async recover(page) {
      await page.goto(`${origin}/inventory`)
    },
  })
}

async function openDocument(page: Page, url: string): Promise<void> {
  const response = await page.goto(url)
  const status = response?.status() ?? 0
  if (status === 404) throw new FetchFailure('http_4xx', `${url} is not there`)
  if (status >= 400) throw new Error(`HTTP ${status} from ${url}`)
  // What a page of the site cannot do by itself: end its own renderer at once.
  if ((await page.title()) === 'crash') await page.goto('chrome://crash')
}
