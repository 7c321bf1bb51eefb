import { LIMITS } from '../../core/limits.js'
import { canonicalUrl } from './canonical-url.js'

/**
 * The sitemaps that a robots.txt names, in its order, each once. They belong to no group of the
 * file, and some write them relative to it.
 *
 * @param base URL of the robots.txt itself.
 */
export function robotsSitemaps(text: string, base: string): readonly string[] {
  const found = new Set<string>()
  for (const line of text.slice(0, LIMITS.robotsBytesMax).split(/\r\n|\r|\n/)) {
    const named = /^[\s\uFEFF]*site-?maps?\s*:\s*([^\s#]\S*)/i.exec(line)?.[1]
    const url = named === undefined ? null : canonicalUrl(named, base)
    if (url !== null) found.add(url)
    if (found.size === LIMITS.robotsSitemapsMax) break
  }
  return [...found]
}
