// The two helpers of a site module that get a file out of a page.

import type { BrowserContext, Download, Page, Route } from 'playwright-core'
import type { DocumentSource } from './site.js'

/** Runs `act` and waits for the download that it starts, in this tab or in one that it opens. */
export async function takeDownload(
  page: Page,
  act: () => Promise<unknown>,
  abortSignal: AbortSignal,
): Promise<DocumentSource> {
  const context = page.context()
  const watched = new Set<Page>()
  const [taken, take] = awaited<Download>(abortSignal)
  const watch = (tab: Page) => {
    watched.add(tab)
    tab.on('download', take)
  }
  for (const tab of context.pages()) watch(tab)
  context.on('page', watch)
  try {
    await act()
    return await taken
  } finally {
    context.off('page', watch)
    for (const tab of watched) tab.off('download', take)
  }
}

/** Runs `act` and takes the URL of the tab that it opens, before the tab asks for it. */
export async function takeTab(
  page: Page,
  act: () => Promise<unknown>,
  abortSignal: AbortSignal,
): Promise<DocumentSource> {
  const context: BrowserContext = page.context()
  const [taken, take] = awaited<string>(abortSignal)
  const onRoute = async (route: Route) => {
    const request = route.request()
    if (!request.isNavigationRequest() || isOfPage(route, page) || request.method() !== 'GET') {
      await route.fallback().catch(() => {})
      return
    }
    await route.abort('aborted').catch(() => {})
    take(request.url())
  }
  await context.route('**/*', onRoute)
  try {
    await act()
    return { url: await taken }
  } finally {
    await context.unroute('**/*', onRoute).catch(() => {})
  }
}

/**
 * Something that comes once. After the step it comes no more: whoever still waited would take what
 * belongs to the next one.
 */
function awaited<Found>(
  abortSignal: AbortSignal,
): readonly [taken: Promise<Found>, take: (found: Found) => void] {
  let take: (found: Found) => void = () => {}
  const taken = new Promise<Found>((resolve, reject) => {
    take = resolve
    abortSignal.addEventListener('abort', () => reject(abortSignal.reason), { once: true })
  })
  taken.catch(() => {})
  return [taken, (found) => take(found)]
}

/** Requests of a tab that is being opened have no frame yet. */
function isOfPage(route: Route, page: Page): boolean {
  try {
    return route.request().frame().page() === page
  } catch {
    return false
  }
}
