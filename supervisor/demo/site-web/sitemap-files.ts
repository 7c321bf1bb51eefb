// Sitemaps as sites really serve them: every format, and every way of getting it wrong.

import { gzipSync } from 'node:zlib'

/** A file as a site answers with it. */
export interface SiteFile {
  readonly body: Buffer
  readonly contentType: string
}

const DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>'
const NAMESPACE = 'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"'

const LASTMOD = '2024-05-06'

const escaped = (url: string) => url.replaceAll('&', '&amp;')

export function urlset(urls: readonly string[]): string {
  const entries = urls.map(
    (url) => `<url><loc>${escaped(url)}</loc><lastmod>${LASTMOD}</lastmod></url>`,
  )
  return `${DECLARATION}\n<urlset ${NAMESPACE}>\n${entries.join('\n')}\n</urlset>\n`
}

export function sitemapIndex(urls: readonly string[]): string {
  const entries = urls.map((url) => `<sitemap><loc>${escaped(url)}</loc></sitemap>`)
  return `${DECLARATION}\n<sitemapindex ${NAMESPACE}>${entries.join('\n')}</sitemapindex>`
}

export function rss(urls: readonly string[]): string {
  const items = urls.map(
    (url) =>
      `<item><title>A page</title><link>${escaped(url)}</link>` +
      '<pubDate>Mon, 06 May 2024 00:00:00 GMT</pubDate></item>',
  )
  return `${DECLARATION}<rss version="2.0"><channel><link>https://nowhere.com/</link>${items.join('')}</channel></rss>`
}

export function atom(urls: readonly string[]): string {
  const entries = urls.map(
    (url) =>
      `<entry><link rel="self" href="https://nowhere.com/"/><link href="${escaped(url)}"/>` +
      '<updated>2024-05-06T00:00:00Z</updated></entry>',
  )
  return `${DECLARATION}<feed xmlns="http://www.w3.org/2005/Atom">${entries.join('')}</feed>`
}

export const xml = (text: string): SiteFile => ({
  body: Buffer.from(text),
  contentType: 'application/xml',
})

export const packed = (text: string): SiteFile => ({
  body: gzipSync(text),
  contentType: 'application/octet-stream',
})

export const words = (text: string): SiteFile => ({
  body: Buffer.from(text),
  contentType: 'text/plain; charset=utf-8',
})

/** Markup in UTF-16, as an editor on some desk saved it. */
export const wide = (text: string): SiteFile => ({
  body: Buffer.from(`\uFEFF${text}`, 'utf16le'),
  contentType: 'text/xml',
})
