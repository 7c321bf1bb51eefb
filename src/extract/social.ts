// Links to profiles on social networks, as opposed to links that share, embed or quote something.

import { parseUrl } from '../core/parse-url.js'
import type { Page } from './page.js'
import { decodePercent } from './text.js'

interface Network {
  readonly name: string
  readonly hosts: readonly string[]
  /** The host every profile is written with. */
  readonly host: string
  /** Path of a profile; group 1 is what stays of it. */
  readonly paths: readonly RegExp[]
  /** First segments of paths that are no profile. */
  readonly refused: RegExp
  /** Names on this network mean the same in any case. */
  readonly ignoresCase: boolean
}

const NONE = /^$/
const path = (pattern: string): RegExp => new RegExp(`^/(${pattern})(?:/.*)?$`, 'iu')

const NETWORKS: readonly Network[] = [
  {
    name: 'linkedin',
    hosts: ['linkedin.com'],
    host: 'www.linkedin.com',
    paths: [path('(?:in|company|school|showcase)/[^/?#]{1,100}'), /^\/(pub\/[^?#]{1,120})$/iu],
    refused: NONE,
    ignoresCase: true,
  },
  {
    name: 'x',
    hosts: ['twitter.com', 'x.com'],
    host: 'x.com',
    paths: [path('\\w{1,15}')],
    refused: new RegExp(
      [
        '^(?:intent|share|home|search|hashtag|i|login|signup|about|tos|privacy|',
        'explore|settings|statuses|widgets|compose|messages|account|download|oauth|',
        String.raw`\w+\/status(?:es)?)$`,
      ].join(''),
      'i',
    ),
    ignoresCase: true,
  },
  {
    name: 'instagram',
    hosts: ['instagram.com', 'instagr.am'],
    host: 'www.instagram.com',
    paths: [path('[\\w.]{1,30}')],
    refused: new RegExp(
      [
        '^(?:p|reels?|tv|stories|explore|accounts|about|developer|legal|direct|share|',
        String.raw`web|embed\.js|static|oauth|sharer)$`,
      ].join(''),
      'i',
    ),
    ignoresCase: true,
  },
  {
    name: 'facebook',
    hosts: ['facebook.com', 'fb.com', 'fb.me'],
    host: 'www.facebook.com',
    paths: [
      path('(?:pages|pg|people|p)/[^/?#]{1,120}(?:/\\d{1,20})?'),
      path('groups/[\\w.-]{1,80}'),
      path('[\\w.-]{2,80}'),
    ],
    refused: new RegExp(
      [
        String.raw`^(?:sharer?|share\.php|sharer\.php|dialog|plugins|tr|login|login\.php|`,
        String.raw`recover|events?|hashtag|watch|photos?|photo\.php|videos?|video\.php|`,
        String.raw`story\.php|permalink\.php|posts|media|help|policies|policy|legal|privacy|`,
        String.raw`terms|home\.php|groups|pages|pg|people|business|ads|settings|marketplace|`,
        String.raw`gaming|reels?|l\.php|badges|connect|widgets|note\.php|notes|about|public|`,
        String.raw`\d{4}|[\w.]+\.php)$`,
      ].join(''),
      'i',
    ),
    ignoresCase: true,
  },
  {
    name: 'youtube',
    hosts: ['youtube.com'],
    host: 'www.youtube.com',
    paths: [path('(?:channel|c|user)/[^/?#]{1,100}'), path('@[^/?#]{1,60}')],
    refused: NONE,
    ignoresCase: false,
  },
  {
    name: 'tiktok',
    hosts: ['tiktok.com'],
    host: 'www.tiktok.com',
    paths: [path('@[\\w.]{1,30}')],
    refused: NONE,
    ignoresCase: true,
  },
  {
    name: 'pinterest',
    hosts: ['pinterest.com', 'pinterest.co.uk', 'pinterest.de', 'pinterest.fr', 'pinterest.ca'],
    host: 'www.pinterest.com',
    paths: [path('[\\w-]{2,40}')],
    refused: /^(?:pin|search|ideas|explore|business|about|login|today|categories|settings|_)$/i,
    ignoresCase: true,
  },
  {
    name: 'github',
    hosts: ['github.com'],
    host: 'github.com',
    paths: [path('(?:orgs/)?[\\w-]{1,39}')],
    refused: new RegExp(
      [
        '^(?:about|features|pricing|login|join|search|topics|explore|marketplace|',
        'sponsors|settings|site|security|enterprise|collections|trending|events|apps|',
        'orgs|notifications|issues|pulls|contact|customer-stories|readme|new)$',
      ].join(''),
      'i',
    ),
    ignoresCase: true,
  },
  {
    name: 'xing',
    hosts: ['xing.com'],
    host: 'www.xing.com',
    paths: [path('(?:profile|pages|companies|company)/[^/?#]{1,100}')],
    refused: NONE,
    ignoresCase: true,
  },
  {
    name: 'threads',
    hosts: ['threads.net', 'threads.com'],
    host: 'www.threads.net',
    paths: [path('@[\\w.]{1,30}')],
    refused: NONE,
    ignoresCase: true,
  },
  {
    name: 'bluesky',
    hosts: ['bsky.app'],
    host: 'bsky.app',
    paths: [path('profile/[\\w.:-]{3,100}')],
    refused: NONE,
    ignoresCase: true,
  },
  {
    name: 'telegram',
    hosts: ['t.me', 'telegram.me', 'telegram.dog'],
    host: 't.me',
    paths: [path('\\w{4,32}'), path('\\+[\\w-]{6,40}')],
    refused: /^(?:share|iv|joinchat|addstickers|proxy|socks|login|msg_url)$/i,
    ignoresCase: true,
  },
]

const BY_HOST = new Map(NETWORKS.flatMap((network) => network.hosts.map((host) => [host, network])))
/** Paths that quote one post of a profile: a post is no contact. */
const POST =
  /^\/[^/]+\/(?:status(?:es)?|posts?|photos?|videos?|reels?|p|permalink|pin|video|post)(?:\/|$)/i
/** Servers of the fediverse carry any name; a link says of itself that it is one. */
const FEDIVERSE_PATH = /^\/(@\w{1,64})\/?$/
const FEDIVERSE_HOST =
  /(?:^|\.)(?:mastodon|mstdn|fosstodon|hachyderm|mas|toot|social|chaos|infosec)\./

export interface SocialSighting {
  readonly value: string
  readonly network: string
  readonly shown: string
  readonly offset: number
}

function readWhatsApp(url: URL): string | null {
  const host = url.hostname.replace(/^www\./, '')
  if (host !== 'wa.me' && !host.endsWith('whatsapp.com')) return null
  const channel = /^\/(channel\/\w+)/.exec(url.pathname)?.[1]
  if (channel !== undefined) return `https://whatsapp.com/${channel}`
  const written = host === 'wa.me' ? url.pathname.slice(1) : (url.searchParams.get('phone') ?? '')
  const digits = decodePercent(written)
    .replace(/[\s+()-]/g, '')
    .replace(/\/$/, '')
  return /^\d{7,15}$/.test(digits) ? `https://wa.me/${digits}` : null
}

function readFediverse(url: URL, isMe: boolean): string | null {
  const handle = FEDIVERSE_PATH.exec(url.pathname)?.[1]
  if (handle === undefined || BY_HOST.has(bareHost(url))) return null
  return isMe || FEDIVERSE_HOST.test(url.hostname) ? `https://${url.hostname}/${handle}` : null
}

/** The host without what marks a language or a device: `de-de.facebook.com`, `m.facebook.com`. */
function bareHost(url: URL): string {
  const labels = url.hostname.toLowerCase().split('.')
  for (let first = 0; first < labels.length - 1; first += 1) {
    const host = labels.slice(first).join('.')
    if (BY_HOST.has(host)) return host
  }
  return url.hostname
}

function readNetwork(url: URL): { value: string; network: string } | null {
  const network = BY_HOST.get(bareHost(url))
  if (network === undefined) return null
  const pathname = decodePercent(url.pathname)
    .replace(/^\/#!\//, '/')
    .replace(/\/{2,}/g, '/')
  if (network.name === 'facebook' && pathname === '/profile.php') {
    const id = url.searchParams.get('id') ?? ''
    return /^\d{3,20}$/.test(id) ? found(network, `profile.php?id=${id}`) : null
  }
  if (POST.test(pathname)) return null
  const first = pathname.split('/')[1] ?? ''
  for (const pattern of network.paths) {
    const kept = pattern.exec(pathname)?.[1]
    if (kept === undefined) continue
    if (!kept.includes('/') && network.refused.test(first)) continue
    return found(network, network.ignoresCase ? kept.toLowerCase() : kept)
  }
  return null
}

function found(network: Network, profile: string): { value: string; network: string } {
  const clean = encodeURI(profile.replace(/\/+$/, ''))
  return { value: `https://${network.host}/${clean}`, network: network.name }
}

/** The profile a link leads to, in its normal form; null when it leads to none. */
export function readProfile(
  href: string,
  isMe = false,
): { readonly value: string; readonly network: string } | null {
  const written = href.trim().replace(/^\/\//, 'https://')
  if (!/^https?:/i.test(written) || parseUrl(written) === null) return null
  const url = new URL(written.replace('/#!/', '/'))
  const whatsApp = readWhatsApp(url)
  if (whatsApp !== null) return { value: whatsApp, network: 'whatsapp' }
  const network = readNetwork(url)
  if (network !== null) return network
  const fediverse = readFediverse(url, isMe)
  return fediverse === null ? null : { value: fediverse, network: 'mastodon' }
}

/** Profiles that a page links to. */
export function findProfiles(page: Page): SocialSighting[] {
  const sightings: SocialSighting[] = []
  for (const element of page.elements) {
    const href = element.attributes.href
    if (href === undefined || (element.name !== 'a' && element.name !== 'link')) continue
    const profile = readProfile(href, /\bme\b/.test(element.attributes.rel ?? ''))
    if (profile !== null) sightings.push({ ...profile, shown: href.trim(), offset: element.start })
  }
  return sightings
}
