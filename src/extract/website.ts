// A website, as somebody wrote it down, to the domain that is the business's own.

import { domainToUnicode } from 'node:url'
import { parse } from 'tldts'
import { parseUrl } from '../core/parse-url.js'
import { type PlatformCategory, platformOf } from './platforms.js'

export type Website =
  | {
      readonly kind: 'own'
      readonly host: string
      /** Registrable domain in ASCII, in lower case. */
      readonly domain: string
      /** The same for people: `müller.de` instead of `xn--mller-kva.de`. */
      readonly displayName: string
    }
  | {
      readonly kind: 'platform'
      readonly host: string
      readonly platform: string
      readonly category: PlatformCategory
    }
  | { readonly kind: 'unusable'; readonly reason: string }

const TEXT_MAX = 4_096
const UNWRAPPED_MAX = 3

/**
 * Suffixes that private registries sell names below, as registries of countries do: a name there is
 * somebody's own. Every other private suffix is a platform that lends names.
 */
const SOLD_SUFFIXES: ReadonlySet<string> = new Set(
  (
    'uk.com us.com eu.com de.com br.com cn.com ru.com sa.com za.com jpn.com mex.com co.com ' +
    'gb.net uk.net jp.net se.net hu.net in.net us.org ae.org com.de com.se za.net za.org ' +
    'co.nl co.no ltd.ng it.com'
  ).split(' '),
)

/** Reads a website. Never throws. */
export function readWebsite(text: string): Website {
  const written = parseWebsite(text)
  if (written === null) return { kind: 'unusable', reason: 'it is no web address' }
  const site = unwrap(written)
  const host = site.hostname.replace(/\.+$/, '')
  const icann = parse(host, { allowPrivateDomains: false })
  if (icann.isIp === true) return { kind: 'unusable', reason: 'it is an address, not a name' }
  if (icann.domain === null || icann.isIcann !== true) {
    return { kind: 'unusable', reason: `${host} is below no public suffix` }
  }
  const platform = platformOf(site, icann.domain)
  if (platform !== null) {
    return { kind: 'platform', host, platform: platform.name, category: platform.category }
  }
  return ownOrLent(host, icann.domain)
}

function ownOrLent(host: string, registered: string): Website {
  const { isPrivate, publicSuffix, domain } = parse(host, { allowPrivateDomains: true })
  if (isPrivate !== true || publicSuffix === null) return own(host, registered)
  if (!SOLD_SUFFIXES.has(publicSuffix)) {
    return { kind: 'platform', host, platform: publicSuffix, category: 'hosting' }
  }
  return domain === null ? { kind: 'unusable', reason: `${host} is a suffix` } : own(host, domain)
}

function own(host: string, domain: string): Website {
  return { kind: 'own', host, domain, displayName: domainToUnicode(domain) || domain }
}

const HAS_SCHEME = /^[a-z][a-z0-9+.-]*:/i
/** A scheme that was written twice, or with a slash too few or too many. */
const WEB_SCHEME = /^(?:\s*https?:?\/+)+(?=[^/])/i

/** The URL that a person meant; null when that cannot be told. */
function parseWebsite(text: string): URL | null {
  const trimmed = text.trim().slice(0, TEXT_MAX)
  if (trimmed === '' || /\s/.test(trimmed)) return null
  const bare = trimmed.replace(WEB_SCHEME, '').replace(/^\/\//, '')
  const isOther = HAS_SCHEME.test(bare) && !/^[^/:]+:\d+(?=[/?#]|$)/.test(bare)
  // A mail address is no website, although a parser takes it for a user name and a host.
  if (isOther || /^[^/?#]*@/.test(bare)) return null
  const url = parseUrl(`http://${bare}`)
  return url === null || !url.hostname.includes('.') ? null : url
}

/** Where links of these hosts lead, by a parameter of their own. */
const WRAPPERS: readonly (readonly [host: RegExp, path: RegExp, parameters: readonly string[]])[] =
  [
    [/^(www\.)?google\.(com|[a-z]{2}|com?\.[a-z]{2})$/, /^\/url$/, ['q', 'url']],
    [/^(l|lm)\.(facebook|instagram)\.com$/, /^\/(l\.php)?$/, ['u']],
    [/^(www\.)?youtube\.com$/, /^\/redirect$/, ['q']],
  ]

function unwrap(written: URL): URL {
  let site = written
  for (let layer = 0; layer < UNWRAPPED_MAX; layer += 1) {
    const wrapper = WRAPPERS.find(
      ([hosts, paths]) => hosts.test(site.hostname) && paths.test(site.pathname),
    )
    const inner = (wrapper?.[2] ?? [])
      .map((name) => parseWebsite(site.searchParams.get(name) ?? ''))
      .find((url) => url !== null)
    if (inner === undefined) return site
    site = inner
  }
  return site
}
