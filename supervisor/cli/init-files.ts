// What `init` writes: a configuration file, a workflow of its user's own, and something to work.

export interface InitFile {
  readonly path: string
  readonly text: string
}

const CONFIGURATION = `// Options of all workflows, and the workflows that \`fetchyard up\` works. Every option and its
// default: fetchyard up --help
export default {
  // databaseUrl: 'postgres://user:password@host:5432/database', or DATABASE_URL in the environment;
  // without one, an embedded Postgres under .fetchyard.
  workflows: [
    // Each has its own limits; what is said here counts before the options of the module.
    { module: './workflows/titles.mjs', concurrency: 10 },
    // 'contacts',
  ],
}
`

const WORKFLOW = `import { defineWorkflow, FetchFailure } from 'fetchyard'

/** Fetches a page and keeps its title. */
export default defineWorkflow({
  name: 'titles',

  // Where results go. Over the key the table has a unique constraint: a page is one row, however
  // often it is worked.
  sinks: {
    titles: {
      table: 'public.titles',
      columns: { url: 'text', title: 'text', characters: 'integer' },
      key: ['url'],
      onConflict: 'update',
      leaseColumn: 'lease_id',
    },
  },

  // Run at every start; creates what is missing.
  tables: [
    \`create table if not exists public.titles (
       url        text primary key,
       title      text,
       characters integer not null,
       lease_id   bigint,
       created_at timestamptz not null default now()
     )\`,
  ],

  // How it is worked, unless the configuration file or a flag says otherwise.
  options: { attempts: 3, itemTimeoutMs: '90s' },

  // Works one item. What it returns is written in the statement that proves the item is still ours;
  // what it throws is retried.
  work: async (item, context) => {
    const page = await context.fetchPage(item.payload.url)
    if (page.contentType !== 'text/html') {
      throw new FetchFailure('content_type', \`Expected HTML, got \${page.contentType}\`)
    }
    const title = /<title[^>]*>([^<]*)</i.exec(page.text)?.[1]?.trim() ?? null
    return { titles: [{ url: item.key, title, characters: page.text.length }] }
  },
})
`

const URLS = `https://example.com/
https://www.iana.org/help/example-domains
https://www.postgresql.org/
`

export const INIT_FILES: readonly InitFile[] = [
  { path: 'fetchyard.config.mjs', text: CONFIGURATION },
  { path: 'workflows/titles.mjs', text: WORKFLOW },
  { path: 'urls.txt', text: URLS },
]

/** Files that would count instead of ours, or beside it. */
export const OTHER_CONFIGURATIONS = ['fetchyard.config.js', 'fetchyard.config.json']
