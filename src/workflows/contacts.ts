import { extractContacts } from '../extract/extract-contacts.js'
import { FetchFailure } from '../fetch/failure.js'
import { defineWorkflow, type FetchedPage, type WorkItem } from '../workflow/define.js'

/** A row of `pages`, as far as the workflow reads it. */
export interface ContactsPayload {
  readonly url: string
}

const CREATE_PAGES = `
create table if not exists public.pages (
  page_id                bigint generated always as identity primary key,
  url                    text        not null unique check (length(url) between 1 and 2083),
  page_curation_status   text        not null default 'New',
  page_processing_status text
                           check (page_processing_status in
                             ('Queued', 'Processing', 'Complete', 'Error', 'Cancelled')),
  created_at             timestamptz not null default now(),
  updated_at             timestamptz not null default now()
)`

const CREATE_CONTACTS = `
create table if not exists public.contacts (
  contact_id bigint generated always as identity primary key,
  page_id    bigint      not null references public.pages (page_id) on delete cascade,
  kind       text        not null,
  value      text        not null,
  name       text,
  role       text,
  found_in   text        not null,
  confidence real        not null check (confidence between 0 and 1),
  lease_id   bigint,
  created_at timestamptz not null default now(),
  unique (page_id, kind, value)
)`

/** Serves the counts by status that operators run, from the index alone but for `updated_at`. */
const INDEX_PAGES = `
create index if not exists pages_status_idx
    on public.pages (page_curation_status, page_processing_status) include (updated_at)`

/** Serves the contacts of the last minutes, and the latest of all. */
const INDEX_CONTACTS = `
create index if not exists contacts_created_at_idx on public.contacts (created_at)`

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
  tables: [CREATE_PAGES, CREATE_CONTACTS, INDEX_PAGES, INDEX_CONTACTS],
  work: async (item: WorkItem<ContactsPayload>, context) => {
    const page = await context.fetchPage(item.payload.url)
    assertHtml(page)
    return { contacts: readRows(page) }
  },
})
