import type { BrowserContext, Page } from 'playwright-core'

/**
 * Closes the tabs of a context beside one, as the browser itself counts them. The library tells of
 * a tab once its first page has come; one whose page never comes, since it was stopped or became a
 * download, it does not know, and each keeps a process of the browser.
 */
export async function closeStrayTabs(context: BrowserContext, page: Page): Promise<void> {
  const browser = context.browser()
  if (browser === null) return
  const session = await browser.newBrowserCDPSession()
  const tab = await context.newCDPSession(page)
  try {
    const { targetInfo: own } = await tab.send('Target.getTargetInfo')
    const { targetInfos } = await session.send('Target.getTargets')
    const strays = targetInfos.filter(
      ({ type, browserContextId, targetId }) =>
        type === 'page' && browserContextId === own.browserContextId && targetId !== own.targetId,
    )
    for (const { targetId } of strays) {
      // It may have closed itself meanwhile.
      await session.send('Target.closeTarget', { targetId }).catch(() => {})
    }
  } finally {
    await tab.detach().catch(() => {})
    await session.detach().catch(() => {})
  }
}
