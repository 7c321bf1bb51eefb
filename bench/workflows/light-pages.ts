import { defineWorkflow } from '../../src/workflow/define.js'

/** A page to fetch, and nothing to do with it: what is measured then is the engine. */
export default defineWorkflow({
  name: 'light-pages',
  sinks: {
    pages: {
      table: 'public.light_page',
      columns: { url: 'text', characters: 'integer' },
      key: ['url'],
      leaseColumn: 'lease_id',
    },
  },
  tables: [
    `create table if not exists public.light_page (
       url        text    primary key,
       characters integer not null,
       lease_id   bigint  not null
     )`,
  ],
  work: async (item, context) => {
    const page = await context.fetchPage(item.payload.url)
    return { pages: [{ url: item.payload.url, characters: page.text.length }] }
  },
})
