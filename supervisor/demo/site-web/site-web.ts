// A small Internet: sites of a few pages, each with a sitemap of another kind. Which pages and
// addresses are to be found there is known, so that what was found can be held against it.

import { gzipSync } from 'node:zlib'
import type { FoundPage } from '../proxy-api/target.js'
import {
  atom,
  packed,
  rss,
  type SiteFile,
  sitemapIndex,
  urlset,
  wide,
  words,
  xml,
} from './sitemap-files.js'

const SITE_KINDS = [
  'plain',
  'index',
  'packed',
  'text',
  'rss',
  'atom',
  'guessed',
  'none',
  'html',
  'broken',
  'loop',
  'elsewhere',
  'wide',
  'www',
] as const
type SiteKind = (typeof SITE_KINDS)[number]

export interface Site {
  readonly kind: SiteKind
  readonly domain: string
  /** Scheme and host of its pages. */
  readonly origin: string
  /** Pages that a reader of its sitemaps finds, the home page included. */
  readonly pages: readonly string[]
  /** Address that stands on each of its pages. */
  readonly email: string
}

interface SiteWeb {
  readonly sites: readonly Site[]
  /** What somebody who asks for a URL is answered; 404 for what is not there. */
  readonly answer: (url: URL) => FoundPage
}

/** Host of the files that sites leave to others. */
const FILE_HOST = 'files-yard.com'
const PATHS = ['/contact', '/about?lang=en', '/team/%C3%BCber-uns']

/** @param rounds sites of each kind. */
export function createSiteWeb(rounds = 1): SiteWeb {
  const sites = Array.from({ length: rounds }, (_, round) =>
    SITE_KINDS.map((kind) => makeSite(kind, round)),
  ).flat()
  const byDomain = new Map(sites.map((site) => [site.domain, site]))
  return { sites, answer: (url) => answerOf(url, byDomain) }
}

/** Pages of these are not told by any sitemap. */
const SILENT: ReadonlySet<SiteKind> = new Set(['none', 'html'])

function makeSite(kind: SiteKind, round: number): Site {
  const domain = `${kind}${round}-yard.com`
  const origin = kind === 'www' ? `https://www.${domain}` : `https://${domain}`
  const told = SILENT.has(kind) ? [] : kind === 'broken' ? PATHS.slice(0, 2) : PATHS
  const pages = [`${origin}/`, ...told.map((path) => `${origin}${path}`)]
  return { kind, domain, origin, pages, email: `hello@${domain}` }
}

function answerOf(url: URL, sites: ReadonlyMap<string, Site>): FoundPage {
  const host = url.hostname.replace(/^www\./, '')
  const site = sites.get(host)
  if (host === FILE_HOST) return fileOf(url, sites.get(url.pathname.slice(1, -4)))
  if (site === undefined) return missing(url)
  const { origin } = site
  const path = `${url.pathname}${url.search}`
  const file = sitemapFile(site, path)
  // Where redirects lead is the address under which the answer is given.
  const finalUrl = new URL(path, origin)
  if (file !== null) return found(finalUrl, file)
  const isPage = path === '/' || PATHS.includes(path)
  return isPage ? found(finalUrl, pageOf(site, path)) : missing(finalUrl)
}

const found = (url: URL, file: SiteFile): FoundPage => ({ status: 200, url: url.href, ...file })

function missing(url: URL): FoundPage {
  const body = Buffer.from('<!DOCTYPE html><title>Not found</title><p>There is no such page.')
  return { status: 404, url: url.href, contentType: 'text/html', body }
}

function fileOf(url: URL, site: Site | undefined): FoundPage {
  if (site === undefined) return missing(url)
  return found(url, xml(urlset([...listed(site), 'https://files-yard.com/not-theirs'])))
}

/** Its pages as the sitemap spells them, some twice, and what else stands there. */
function listed({ origin, domain }: Site): readonly string[] {
  return [
    ...PATHS.map((path) => `${origin}${path}`),
    `${origin.toUpperCase()}/contact#form`,
    `${origin}/contact?utm_source=sitemap`,
    `${origin}/menu.pdf`,
    `https://not-${domain}/`,
    'mailto:hello@nowhere.com',
  ]
}

function pageOf({ email, domain }: Site, path: string): SiteFile {
  const html =
    `<!DOCTYPE html><html lang="en"><title>${domain}</title><h1>${domain}${path}</h1>` +
    `<p>Write to <a href="mailto:${email}">us</a>.</p></html>`
  return { body: Buffer.from(html), contentType: 'text/html; charset=utf-8' }
}

const robots = (...sitemaps: readonly string[]) =>
  words(
    `User-agent: *\nDisallow: /admin/\n\n${sitemaps.map((url) => `Sitemap: ${url}\n`).join('')}`,
  )

/** What each kind of site has, by its path; null for what it does not have. */
function sitemapFile(site: Site, path: string): SiteFile | null {
  const { kind, origin, domain } = site
  const urls = listed(site)
  const [first = ''] = urls
  const at = (name: string) => `${origin}${name}`
  const files: Readonly<Record<SiteKind, Readonly<Record<string, () => SiteFile>>>> = {
    plain: {
      '/robots.txt': () => robots(at('/sitemap.xml')),
      '/sitemap.xml': () => xml(urlset(urls)),
    },
    index: {
      '/robots.txt': () => robots('/sitemap_index.xml'),
      '/sitemap_index.xml': () => xml(sitemapIndex([at('/a.xml'), at('/b.xml.gz'), at('/c.xml')])),
      '/a.xml': () => xml(urlset([first])),
      '/b.xml.gz': () => packed(urlset(urls.slice(1))),
    },
    packed: {
      '/robots.txt': () => robots(at('/sitemap.xml.gz')),
      '/sitemap.xml.gz': () => ({
        body: gzipSync(packed(urlset(urls)).body),
        contentType: 'text/html',
      }),
    },
    text: {
      '/robots.txt': () => robots(at('/pages.txt')),
      '/pages.txt': () => words(`\uFEFF${urls.join('\r\n')}`),
    },
    rss: { '/robots.txt': () => robots(at('/feed')), '/feed': () => xml(rss(urls)) },
    atom: { '/robots.txt': () => robots(at('/atom')), '/atom': () => xml(atom(urls)) },
    guessed: { '/sitemap_index.xml': () => xml(urlset(urls)) },
    none: {},
    html: {
      '/robots.txt': () => robots(at('/sitemap.xml')),
      '/sitemap.xml': () => pageOf(site, '/'),
    },
    broken: {
      '/robots.txt': () => robots(at('/sitemap.xml')),
      '/sitemap.xml': () => {
        const text = urlset(urls).replaceAll('&amp;', '&')
        return { body: Buffer.from(text.slice(0, text.indexOf('/team'))), contentType: 'text/json' }
      },
    },
    loop: {
      '/robots.txt': () => robots(at('/one.xml'), at('/one.xml')),
      '/one.xml': () =>
        xml(sitemapIndex([at('/one.xml'), at('/two.xml'), 'https://nowhere.com/x.xml'])),
      '/two.xml': () => xml(sitemapIndex([at('/one.xml'), at('/pages.xml')])),
      '/pages.xml': () => xml(urlset(urls)),
    },
    elsewhere: { '/robots.txt': () => robots(`https://${FILE_HOST}/${domain}.xml`) },
    wide: {
      '/robots.txt': () => robots(at('/sitemap.xml')),
      '/sitemap.xml': () => wide(urlset(urls)),
    },
    www: {
      '/robots.txt': () => robots(at('/sitemap.xml')),
      '/sitemap.xml': () => xml(urlset(urls)),
    },
  }
  return files[kind][path]?.() ?? null
}
