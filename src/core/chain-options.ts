/** What workflows whose results are another workflow's work may choose. */
export interface ChainOptions {
  /**
   * Whether the rows a workflow writes are 'Queued' for the next one at once; otherwise they wait
   * until somebody selects them.
   */
  readonly selectsResults: boolean
  /** Whether a domain is asked for an answer before it is written down. */
  readonly checksDomains: boolean
  /** Sitemap files read of one domain. */
  readonly sitemapsMax: number
  /** Pages taken from one sitemap file. */
  readonly sitemapPagesMax: number
}
