// The tables of the shipped workflows, each made when it is missing. A table that two workflows
// share is named by both, so that either runs alone.
//
// Every table that is a queue has two columns for people and for the queue. The status is the
// queue's word. The curation status is a person's: a row that is set to 'Selected' and was never
// queued becomes 'Queued' by a trigger, and nothing else that a person writes there matters to us.

const STATUS_CHECK = "in ('Queued', 'Processing', 'Complete', 'Error', 'Cancelled')"

const queueColumns = (status: string, curation = 'curation_status') => `
  ${curation} text not null default 'New',
  ${status} text check (${status} ${STATUS_CHECK}),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()`

/** The index that serves the counts by status that operators run. */
const statusIndex = (table: string, status: string) => `
create index if not exists ${table}_status_idx on public.${table} (${status}) include (updated_at)`

/**
 * The trigger by which a person's 'Selected' queues a row. Made once: to replace one that is there
 * would lock the table at every start.
 */
const selectTrigger = (table: string, status: string, curation = 'curation_status') => `
do $$
begin
  -- As "if not exists" would.
  if exists (select from pg_trigger where tgrelid = 'public.${table}'::regclass
                                      and tgname = '${table}_selected') then
    return;
  end if;
  create or replace function public.${table}_selected() returns trigger language plpgsql as $body$
  begin
    new.${status} := 'Queued';
    new.updated_at := now();
    return new;
  end $body$;
  create trigger ${table}_selected before insert or update of ${curation} on public.${table}
    for each row when (new.${curation} = 'Selected' and new.${status} is null)
    execute function public.${table}_selected();
end $$`

/** Adds a column to a table of an earlier version, without a lock when it is there. */
const addColumn = (table: string, column: string, type: string) => `
do $$
begin
  -- As "if not exists", which would lock the table first.
  if not exists (select from pg_attribute
                  where attrelid = 'public.${table}'::regclass
                    and attname = '${column}' and not attisdropped) then
    alter table public.${table} add column ${column} ${type};
  end if;
end $$`

export const PLACE_TABLES = [
  `
create table if not exists public.place (
  place_id text primary key check (length(place_id) between 1 and 512),
  ${queueColumns('deep_scan_status')}
)`,
  statusIndex('place', 'deep_scan_status'),
  selectTrigger('place', 'deep_scan_status'),
]

export const LOCAL_BUSINESS_TABLES = [
  `
create table if not exists public.local_business (
  business_id         bigint generated always as identity primary key,
  place_id            text not null unique,
  current_place_id    text,
  name                text,
  formatted_address   text,
  short_address       text,
  street_number       text,
  street              text,
  city                text,
  region              text,
  postal_code         text,
  country_code        text,
  latitude            double precision,
  longitude           double precision,
  plus_code           text,
  phone               text,
  international_phone text,
  website             text,
  maps_url            text,
  primary_type        text,
  types               jsonb,
  business_status     text,
  rating              real,
  rating_count        integer,
  price_level         text,
  opening_hours       jsonb,
  utc_offset_minutes  integer,
  raw                 jsonb not null,
  scanned_at          timestamptz,
  lease_id            bigint,
  ${queueColumns('domain_extraction_status')}
)`,
  statusIndex('local_business', 'domain_extraction_status'),
  selectTrigger('local_business', 'domain_extraction_status'),
  `
do $$
begin
  -- As "if not exists" would.
  if exists (select from pg_trigger where tgrelid = 'public.local_business'::regclass
                                      and tgname = 'local_business_moved') then
    return;
  end if;
  create or replace function public.local_business_moved() returns trigger language plpgsql as $body$
  begin
    new.domain_extraction_status := 'Queued';
    new.updated_at := now();
    return new;
  end $body$;
  -- Another website than the one that was looked at is looked at again.
  create trigger local_business_moved before update of website on public.local_business
    for each row when (new.website is distinct from old.website and new.website is not null
                       and old.domain_extraction_status in ('Processing', 'Complete', 'Error'))
    execute function public.local_business_moved();
end $$`,
]

export const DOMAIN_TABLES = [
  `
create table if not exists public.domains (
  domain_id    bigint generated always as identity primary key,
  domain       text not null unique check (length(domain) between 1 and 253),
  display_name text not null,
  lease_id     bigint,
  ${queueColumns('sitemap_status')}
)`,
  statusIndex('domains', 'sitemap_status'),
  selectTrigger('domains', 'sitemap_status'),
]

/** What was found out about the website of each business. */
export const BUSINESS_DOMAIN_TABLES = [
  `
create table if not exists public.business_domain (
  business_id       bigint primary key references public.local_business on delete cascade,
  website           text not null,
  host              text not null,
  kind              text not null check (kind in ('own', 'platform')),
  domain            text,
  platform          text,
  platform_category text,
  lease_id          bigint,
  extracted_at      timestamptz not null default now(),
  constraint own_has_a_domain check ((kind = 'own') = (domain is not null)),
  constraint platform_has_a_name check ((kind = 'platform') = (platform is not null))
)`,
  `
create index if not exists business_domain_domain_idx on public.business_domain (domain)`,
  `
create table if not exists public.domain_check (
  domain       text primary key,
  is_alive     boolean not null,
  outcome_code text not null,
  http_status  integer,
  final_url    text,
  lease_id     bigint,
  checked_at   timestamptz not null
)`,
]

export const SITEMAP_TABLES = [
  `
create table if not exists public.sitemaps (
  sitemap_id    bigint generated always as identity primary key,
  run           bigint  not null,
  domain        text    not null,
  url           text    not null check (length(url) between 1 and 2083),
  skip          integer not null default 0 check (skip >= 0),
  found_in      text    not null check (found_in in ('robots', 'guess', 'index', 'part')),
  depth         integer not null default 0,
  files_left    integer not null default 0 check (files_left >= 0),
  lease_id      bigint,
  ${queueColumns('file_status')},
  unique (domain, url, skip, run)
)`,
  statusIndex('sitemaps', 'file_status'),
  selectTrigger('sitemaps', 'file_status'),
  `
create table if not exists public.sitemap_read (
  sitemap_id bigint primary key references public.sitemaps on delete cascade,
  kind       text    not null,
  entries    integer not null,
  pages      integer not null,
  sitemaps   integer not null,
  foreigners integer not null,
  unusable   integer not null,
  bytes      bigint  not null,
  is_cut     boolean not null,
  problem    text,
  lease_id   bigint,
  read_at    timestamptz not null
)`,
]

const CREATE_PAGES = `
create table if not exists public.pages (
  page_id                bigint generated always as identity primary key,
  url                    text        not null unique check (length(url) between 1 and 2083),
  domain                 text,
  lastmod                timestamptz,
  lease_id               bigint,
  page_curation_status   text        not null default 'New',
  page_processing_status text
                           check (page_processing_status in
                             ('Queued', 'Processing', 'Complete', 'Error', 'Cancelled')),
  created_at             timestamptz not null default now(),
  updated_at             timestamptz not null default now()
)`

/** Serves the counts by status that operators run, from the index alone but for `updated_at`. */
const INDEX_PAGES = `
create index if not exists pages_status_idx
    on public.pages (page_curation_status, page_processing_status) include (updated_at)`

export const PAGE_TABLES = [
  CREATE_PAGES,
  INDEX_PAGES,
  addColumn('pages', 'domain', 'text'),
  addColumn('pages', 'lastmod', 'timestamptz'),
  addColumn('pages', 'lease_id', 'bigint'),
  selectTrigger('pages', 'page_processing_status', 'page_curation_status'),
]

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

/** Serves the contacts of the last minutes, and the latest of all. */
const INDEX_CONTACTS = `
create index if not exists contacts_created_at_idx on public.contacts (created_at)`

export const CONTACT_TABLES = [...PAGE_TABLES, CREATE_CONTACTS, INDEX_CONTACTS]

export const DOCUMENT_TABLES = [
  `
create table if not exists public.documents (
  reference       text primary key check (length(reference) between 1 and 2048),
  url             text,
  assigned        text check (assigned ~ '^context://[1-9][0-9]{0,3}/$'),
  -- What takes turns: the context that it was assigned to, or the host of its URL.
  lane            text generated always as (coalesce(assigned, url)) stored,
  document_status text check (document_status ${STATUS_CHECK}),
  created_at      timestamptz not null default now(),
  updated_at      timestamptz not null default now()
)`,
  statusIndex('documents', 'document_status'),
  `
create table if not exists public.document_files (
  reference   text primary key references public.documents (reference) on delete cascade,
  file        text        not null,
  bytes       bigint      not null,
  sha256      text        not null,
  pages       integer,
  url         text,
  outcome     text        not null check (outcome in ('saved', 'skipped')),
  level       text,
  context     integer,
  attempt     integer,
  duration_ms integer     not null,
  browser_mb  integer,
  worker_mb   integer     not null,
  saved_at    timestamptz not null,
  lease_id    bigint,
  created_at  timestamptz not null default now()
)`,
]
