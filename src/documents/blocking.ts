// Requests that a page may do without: by type, and by parts of their URLs.

import type { BrowserContext } from 'playwright-core'
import type { DocumentOptions } from '../core/document-options.js'

type Blocked = Pick<DocumentOptions, 'blockedTypes' | 'blockedPatterns'>

/** Whether a request is one of those that are left out. */
export function createBlocker(options: Blocked): (type: string, url: string) => boolean {
  const types: ReadonlySet<string> = new Set(options.blockedTypes)
  const patterns = options.blockedPatterns.map(toExpression)
  return (type, url) => types.has(type) || patterns.some((pattern) => pattern.test(url))
}

/** `*` stands for any characters; everything else for itself, anywhere in the URL. */
function toExpression(pattern: string): RegExp {
  const parts = pattern.split('*').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
  return new RegExp(parts.join('.*'))
}

/** Without anything to block, requests are not looked at, and the browser's cache works. */
export async function blockRequests(context: BrowserContext, options: Blocked): Promise<void> {
  if (options.blockedTypes.length === 0 && options.blockedPatterns.length === 0) return
  const isBlocked = createBlocker(options)
  await context.route('**/*', async (route) => {
    const request = route.request()
    const done = isBlocked(request.resourceType(), request.url())
      ? route.abort('blockedbyclient')
      : route.fallback()
    // The page may be gone by now, and its request with it.
    await done.catch(() => {})
  })
}
