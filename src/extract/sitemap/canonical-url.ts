import { LIMITS } from '../../core/limits.js'
import { parseUrl } from '../../core/parse-url.js'

/** Parameters by which visitors are told apart, not pages. */
const TRACKING =
  /^(utm_\w+|gclid|gbraid|wbraid|fbclid|msclkid|dclid|yclid|twclid|mc_[ce]id|_ga|_gl|igshid)$/i

/**
 * One spelling for each page: scheme and host in lower case, no default port, no fragment, no
 * tracking parameters, percent-encoding only where it is needed and in upper case.
 *
 * @returns null for what is no http or https URL, holds a user name, or is too long.
 */
export function canonicalUrl(text: string, base?: string): string | null {
  const url = parseUrl(base === undefined ? text : resolve(text, base))
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:')) return null
  if (url.username !== '' || url.password !== '' || url.hostname === '') return null
  url.hash = ''
  if (url.hostname.endsWith('.')) url.hostname = url.hostname.replace(/\.+$/, '')
  url.pathname = canonicalEscapes(url.pathname)
  const kept = url.search.slice(1).split('&').filter(isPageParameter)
  url.search = kept.length === 0 ? '' : `?${kept.map(canonicalEscapes).join('&')}`
  return url.href.length <= LIMITS.urlMax ? url.href : null
}

function resolve(text: string, base: string): string {
  try {
    return new URL(text, base).href
  } catch {
    return ''
  }
}

function isPageParameter(pair: string): boolean {
  return pair !== '' && !TRACKING.test(pair.split('=', 1)[0] ?? '')
}

const UNRESERVED = /[A-Za-z0-9._~-]/

function canonicalEscapes(text: string): string {
  return text.replace(/%([0-9a-f]{2})/gi, (written, hex: string) => {
    const character = String.fromCharCode(Number.parseInt(hex, 16))
    // A dot that was escaped would become a step up the path.
    return UNRESERVED.test(character) && character !== '.' ? character : written.toUpperCase()
  })
}

/** Files that are no pages: whoever reads pages would fetch them in vain. */
const NO_PAGE =
  /\.(jpe?g|png|gif|webp|avif|svg|ico|bmp|tiff?|css|js|json|xml|pdf|docx?|xlsx?|pptx?|zip|gz|rar|7z|tar|mp3|mp4|m4a|m4v|avi|mov|wmv|webm|ogg|wav|woff2?|ttf|eot|exe|dmg|apk|ics|csv)$/i

/** Whether a URL names a file of another kind than a page. */
export function isNoPage(url: string): boolean {
  return NO_PAGE.test(new URL(url).pathname)
}

/** Whether a URL is below a domain, at whichever host. */
export function isBelow(url: string, domain: string): boolean {
  const { hostname } = new URL(url)
  return hostname === domain || hostname.endsWith(`.${domain}`)
}
