// A bound table as a user would bring it.

import type { SourceDefinition } from '../../../src/core/definition.js'
import type { WorkflowHandle } from '../../../src/store/store.js'
import type { Yard } from '../../support/factory.js'

export const PAGES: SourceDefinition = {
  table: 'public.pages',
  key: 'page_id',
  keyType: 'bigint',
  status: 'status',
  where: "curation = 'Selected'",
  updatedAt: 'updated_at',
  payload: ['url'],
  urlColumn: 'url',
  insert: { curation: 'Selected', status: 'Queued' },
  laneColumn: 'url',
}

/** Makes the table anew, with nothing bound to it. */
export async function createPages(yard: Yard): Promise<void> {
  await yard.sql`update fetchyard.workflow set binding = null`
  await yard.sql`drop table if exists public.pages`
  await yard.sql`
    create table public.pages (
      page_id    bigint generated always as identity primary key,
      url        text not null unique,
      curation   text not null default 'New',
      status     text,
      updated_at timestamptz not null default '2000-01-01Z'
    )`
}

/** Inserts selected rows that are 'Queued'. @returns their keys. */
export async function insertPages(yard: Yard, count: number): Promise<readonly string[]> {
  const rows = await yard.sql<{ page_id: string }[]>`
    insert into public.pages (url, curation, status)
    select 'https://host-' || n % 7 || '.example/' || n || '/' || gen_random_uuid(),
           'Selected', 'Queued'
      from generate_series(1, ${count}::int) as n
    returning page_id`
  return rows.map((row) => row.page_id)
}

/** How many rows carry each word. */
export async function countWords(yard: Yard): Promise<{ readonly [word: string]: number }> {
  const rows = await yard.sql<{ word: string; count: number }[]>`
    select coalesce(status, 'none') as word, count(*)::int as count
      from public.pages group by status`
  return Object.fromEntries(rows.map((row) => [row.word, row.count]))
}

/** Items that were ever enqueued. */
export async function countItems(yard: Yard, workflow: WorkflowHandle): Promise<number> {
  const rows = await yard.sql<{ count: number }[]>`
    select count(*)::int as count from fetchyard.item where workflow_id = ${workflow.workflowId}`
  return rows[0]?.count ?? 0
}
