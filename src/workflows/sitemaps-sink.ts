// Files of sitemaps still to be read: what both workflows of sitemaps write.

export const SITEMAPS_SINK = {
  table: 'public.sitemaps',
  columns: {
    run: 'bigint',
    domain: 'text',
    url: 'text',
    skip: 'integer',
    found_in: 'text',
    depth: 'integer',
    files_left: 'integer',
    curation_status: 'text',
    file_status: 'text',
  },
  key: ['domain', 'url', 'skip', 'run'],
  onConflict: 'ignore',
  leaseColumn: 'lease_id',
} as const
