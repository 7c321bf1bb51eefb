import { existsSync } from 'node:fs'
import type { Context } from 'mocha'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'

const CHROMIUM = '/usr/bin/chromium'

/**
 * A browser for a suite's `before`. Where there is none the suite is skipped with a word, except in
 * CI, where that is a failure.
 */
export async function openBrowser(suite: Context): Promise<Browser> {
  if (!existsSync(CHROMIUM)) {
    if (process.env.CI) throw new Error(`CI needs a Chromium at ${CHROMIUM}`)
    if (suite.test) suite.test.title = `skipped: there is no Chromium at ${CHROMIUM}`
    suite.skip()
  }
  return chromium.launch({
    executablePath: CHROMIUM,
    args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking'],
  })
}

/** A page with what it complained about. */
export interface WatchedPage {
  readonly page: Page
  readonly complaints: string[]
}

export async function openPage(
  browser: Browser,
  options: BrowserContextOptions = {},
): Promise<WatchedPage> {
  const page = await browser.newPage(options)
  const complaints: string[] = []
  page.setDefaultTimeout(15_000)
  page.on('pageerror', (error) => complaints.push(error.message))
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning')
      complaints.push(`${message.text()} ${message.location().url}`)
  })
  return { page, complaints }
}
