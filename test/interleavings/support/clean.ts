// An empty yard before every test: no rows, no bound table, an empty sink.

import { beforeEach } from 'mocha'
import type { SinkDefinition, SourceDefinition } from '../../../src/core/definition.js'
import type { Yard } from '../../support/factory.js'

/** The sink of these tests: who wrote a name, and under which lease. */
export const HARVEST: SinkDefinition = {
  table: 'public.harvest',
  columns: { name: 'text', item: 'text' },
  key: ['name'],
  onConflict: 'update',
  leaseColumn: 'lease_id',
}

/** The bound table of these tests. */
export const PAGES: SourceDefinition = {
  table: 'public.pages',
  key: 'page_id',
  keyType: 'bigint',
  status: 'status',
  where: "curation = 'Selected'",
  payload: ['url'],
}

export function useClean(yard: Yard): void {
  beforeEach(async () => {
    const { sql } = yard
    await sql`drop table if exists public.harvest, public.pages`
    await sql`
      truncate fetchyard.item, fetchyard.work_queue, fetchyard.processing_log, fetchyard.ending,
               fetchyard.tally, fetchyard.node, fetchyard.run, fetchyard.run_item,
               fetchyard.run_stretch,
               fetchyard.reserve, fetchyard.spend, fetchyard.known_failure`
    await sql`update fetchyard.housekeeping set turn_until = null, passed_at = null`
    await sql`update fetchyard.workflow set binding = null`
    await sql`create table public.harvest (name text primary key, item text, lease_id bigint)`
    await sql`
      create table public.pages (
        page_id    bigint primary key,
        url        text not null,
        curation   text not null default 'Selected',
        status     text,
        note       text
      )`
  })
}
