import { defineWorkflow } from '../../src/workflow/define.js'
import { extractLight } from '../support/light-extract.js'

/** A row a page with what two patterns find on it: the work that peers are given as well. */
export default defineWorkflow({
  name: 'light-contacts',
  sinks: {
    found: {
      table: 'public.light_contact',
      columns: { url: 'text', emails: 'text', phones: 'text' },
      key: ['url'],
      leaseColumn: 'lease_id',
    },
  },
  tables: [
    `create table if not exists public.light_contact (
       url      text   primary key,
       emails   text   not null,
       phones   text   not null,
       lease_id bigint not null
     )`,
  ],
  work: async (item, context) => {
    const page = await context.fetchPage(item.payload.url)
    return { found: [{ url: item.payload.url, ...extractLight(page.text) }] }
  },
})
