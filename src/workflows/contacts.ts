import { extractContacts } from '../extract/extract-contacts.js'
import { FetchFailure } from '../fetch/failure.js'
import { defineWorkflow, type FetchedPage, type WorkItem } from '../workflow/define.js'
import { CONTACT_TABLES } from './tables.js'

/** A row of `pages`, as far as the workflow reads it. */
export interface ContactsPayload {
  readonly url: string
}

const HTML_TYPES = new Set(['text/html', 'application/xhtml+xml'])

/**
 * Refuses what is no HTML. A server that names no type is believed when the body begins like
 * markup.
 */
function assertHtml(page: FetchedPage): void {
  const isHtml =
    page.contentType === '' ? /^\s*</.test(page.text) : HTML_TYPES.has(page.contentType)
  if (isHtml) return
  const named = page.contentType === '' ? 'no content type' : page.contentType
  throw new FetchFailure('content_type', `Expected an HTML page, got ${named} from ${page.url}`, {
    httpStatus: page.status,
  })
}

function readRows(page: FetchedPage) {
  const language = page.headers['content-language']
  const source = language === undefined ? { url: page.url } : { url: page.url, language }
  return extractContacts(page.text, source).map((contact) => ({
    kind: contact.kind,
    value: contact.value,
    name: contact.name,
    role: contact.role,
    found_in: contact.foundIn,
    confidence: contact.confidence,
  }))
}

/** Pages to contacts: fetches each selected page and writes the contacts that stand on it. */
export default defineWorkflow({
  name: 'contacts',
  source: {
    table: 'public.pages',
    key: 'page_id',
    keyType: 'bigint',
    status: 'page_processing_status',
    where: "page_curation_status = 'Selected'",
    updatedAt: 'updated_at',
    payload: ['url'],
    urlColumn: 'url',
    insert: { page_curation_status: 'Selected', page_processing_status: 'Queued' },
    laneColumn: 'url',
  },
  sinks: {
    contacts: {
      table: 'public.contacts',
      columns: {
        kind: 'text',
        value: 'text',
        name: 'text',
        role: 'text',
        found_in: 'text',
        confidence: 'real',
      },
      key: ['page_id', 'kind', 'value'],
      onConflict: 'ignore',
      leaseColumn: 'lease_id',
      sourceKeyColumn: 'page_id',
    },
  },
  tables: CONTACT_TABLES,
  work: async (item: WorkItem<ContactsPayload>, context) => {
    const page = await context.fetchPage(item.payload.url)
    assertHtml(page)
    return { contacts: readRows(page) }
  },
})
