/** What a file turned out to be, whatever it was said to be. */
export type SitemapKind = 'index' | 'urlset' | 'rss' | 'atom' | 'text' | 'html' | 'unknown'

/** A page or a further sitemap, as the file names it. */
export interface SitemapEntry {
  readonly url: string
  /** As it stands in the file; '' when there is none. */
  readonly lastmod: string
}

/** Receives what a reader of a format finds. */
export interface EntryTaker {
  readonly onKind: (kind: SitemapKind) => void
  readonly onEntry: (entry: SitemapEntry) => void
}

/** Reads the text of one format, piece by piece. */
export interface FormatReader {
  readonly write: (text: string) => void
  /** The text is over. @returns what is wrong with it, in words; null when it is whole. */
  readonly end: () => string | null
}

/** A file that cannot be read on: its own fault, not that of the way it came. */
export class FileFault extends Error {
  override readonly name = 'FileFault'
}
