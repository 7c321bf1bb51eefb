import { domainToASCII, domainToUnicode } from 'node:url'
import { parse } from 'tldts'

const LOCAL_PART = /^[a-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*$/
/**
 * File names with an `@` in them: `logo@2x.png`, `icons@3x.webp`. Some are top-level domains too.
 */
const ASSET =
  /\.(?:png|jpe?g|gif|svg|webp|avif|ico|bmp|css|js|mjs|map|json|woff2?|ttf|eot|mp[34]|pdf|zip|mov)$/
/** Addresses that machines make up: keys of error trackers, message ids. */
const MACHINE_HOST = /(?:^|\.)(?:sentry\.io|wixpress\.com|sentry-next\.com|u003e\.com)$/
const MACHINE_LOCAL = /^(?:[0-9a-f]{20,}|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{20,})$/
/** What forms and templates show instead of an address. */
const PLACEHOLDER_LOCAL = new RegExp(
  [
    '^(?:you|your|your[._-]?(?:name|email|mail|address)|user(?:name)?|(?:first|',
    String.raw`last)?name|email|e-mail|someone|somebody|john\.?doe|jane\.?doe|xxx+)$`,
  ].join(''),
)
const PLACEHOLDER_HOST = new RegExp(
  [
    String.raw`^(?:(?:your|my|the)?-?(?:domain|company|website|site|email|mail)|yourdomain\w*|`,
    String.raw`domainname|address|xxx+|abc|test)\.\w+$`,
  ].join(''),
)
const RESERVED_HOST = new RegExp(
  [
    String.raw`^(?:(?:.+\.)?example\.(?:com|net|org|edu)|(?:.+\.)?(?:example|test|invalid|`,
    String.raw`localhost)|127\.\d+\.\d+\.\d+|\[::1\])$`,
  ].join(''),
)

/** Whether a host name is set aside for documentation and tests (RFC 2606), or is this machine. */
export function isReservedHost(host: string): boolean {
  return RESERVED_HOST.test(host)
}

function normalizeHost(written: string): string | null {
  const ascii = domainToASCII(written.toLowerCase().normalize('NFC'))
  if (ascii === '' || ascii.length > 253) return null
  return domainToUnicode(ascii)
}

/** Whether mail can go to the host: a registrable name under a public suffix of ICANN's list. */
function isPublicHost(host: string): boolean {
  const parsed = parse(host, { allowPrivateDomains: false })
  return parsed.isIp === false && parsed.isIcann === true && parsed.domain !== null
}

export interface EmailRules {
  /** Accept hosts set aside for documentation, because the page itself is on one. */
  readonly acceptReserved: boolean
}

/**
 * The normal form of an address: lower case, its host in Unicode. Null when it is none, or none
 * that anybody reads: file names, keys of error trackers, what forms show as an example.
 */
export function normalizeEmail(written: string, rules: EmailRules): string | null {
  const at = written.lastIndexOf('@')
  if (at < 1 || at > 64) return null
  const local = written.slice(0, at).toLowerCase()
  const host = normalizeHost(written.slice(at + 1))
  if (host === null || !LOCAL_PART.test(local) || ASSET.test(host)) return null
  if (MACHINE_HOST.test(host) || MACHINE_LOCAL.test(local)) return null
  if (PLACEHOLDER_HOST.test(host)) return null
  if (isReservedHost(host)) {
    const isMeant = rules.acceptReserved && !PLACEHOLDER_LOCAL.test(local)
    return isMeant && host.includes('.') ? `${local}@${host}` : null
  }
  return isPublicHost(host) ? `${local}@${host}` : null
}
