// A run of the built program through a simulated proxy API, and what its tables say about it.

import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before } from 'mocha'
import type { Sql } from '../../src/store/client.js'
import {
  type ProxyApi,
  type ProxyApiOptions,
  startProxyApi,
} from '../../supervisor/demo/proxy-api/proxy-api.js'
import { type Program, startProgram, useDirectory } from '../cli/program.js'
import { type TestDatabase, useDatabase } from './database.js'

/** A key with characters that are spelt in another way in a URL. */
export const KEY = 'k3y+of/a=paid&account'

/** What one item's receipts add up to, beside what the API has for its URL. */
export interface ItemCalls {
  readonly url: string
  readonly receipts: number
  readonly reclaimed: number
  readonly credits: number
}

export interface ProxyRun {
  readonly database: TestDatabase
  readonly directory: string
  readonly api: ProxyApi
  /** Opens the API for one test; the one before is closed. */
  readonly open: (options?: ProxyApiOptions) => Promise<ProxyApi>
  /** Starts `run contacts` over these URLs, ten at once. */
  readonly start: (urls: readonly string[], words?: readonly string[]) => Promise<Program>
  /** Starts any command, with the database and the key in its environment. */
  readonly command: (words: readonly string[]) => Program
  /** Writes a list of URLs, for a command that is started more than once over it. */
  readonly write: (name: string, urls: readonly string[]) => Promise<void>
  /** Flags that send pages through the API. */
  readonly upstream: () => readonly string[]
}

export function useProxyRun(): ProxyRun {
  const database = useDatabase()
  const directory = useDirectory()
  let current: ProxyApi | null = null
  let serial = 0
  const api = () => {
    if (current === null) throw new Error('The API is opened by the test.')
    return current
  }
  const command = (words: readonly string[]) =>
    startProgram(words, {
      cwd: directory.path,
      environment: { DATABASE_URL: database.url, SCRAPER_API_KEY: KEY },
    })
  const write = (name: string, urls: readonly string[]) =>
    writeFile(join(directory.path, name), `${urls.join('\n')}\n`)
  const upstream = () => {
    const endpoints = api().endpoints.join(',')
    const where = ['--upstream', 'proxy-api', '--upstream-endpoints', endpoints]
    return [...where, '--allow-ranges', 'loopback', '--backoff', '20ms']
  }
  before(() => {
    serial = 0
  })
  after(() => current?.close())
  return {
    database,
    get directory() {
      return directory.path
    },
    get api() {
      return api()
    },
    open: async (options = {}) => {
      await current?.close()
      current = await startProxyApi({ key: KEY, ...options })
      return current
    },
    start: async (urls, words = []) => {
      serial += 1
      const input = `urls-${serial}.txt`
      await write(input, urls)
      const habits = ['--json', '--concurrency', '10', ...upstream()]
      return command(['run', 'contacts', '--input', input, ...habits, ...words])
    },
    command,
    write,
    upstream,
  }
}

/** Receipts and credits by URL, of the URLs that start with `prefix`. */
export function readCalls(sql: Sql, prefix: string): Promise<readonly ItemCalls[]> {
  return sql<ItemCalls[]>`
    select pages.url, count(*)::int as receipts,
           count(*) filter (where log.status = 'reclaimed')::int as reclaimed,
           coalesce(sum(log.credits), 0)::int as credits
      from fetchyard.processing_log as log
      join public.pages on pages.page_id::text = log.item_key
     where starts_with(pages.url, ${prefix})
     group by pages.url`
}

export async function readStatuses(sql: Sql, prefix: string): Promise<Record<string, number>> {
  const rows = await sql<{ status: string; pages: number }[]>`
    select page_processing_status as status, count(*)::int as pages from public.pages
     where starts_with(url, ${prefix}) group by 1`
  return Object.fromEntries(rows.map(({ status, pages }) => [status, pages]))
}

/** Every row of every table of ours and of the workflow, as text. */
export async function readEverything(sql: Sql): Promise<string> {
  const tables = await sql<{ name: string }[]>`
    select format('%I.%I', table_schema, table_name) as name from information_schema.tables
     where table_schema in ('fetchyard', 'public')`
  const texts = await Promise.all(
    tables.map(async ({ name }) => {
      const rows = await sql.unsafe<{ text: string }[]>(`select one::text as text from ${name} one`)
      return rows.map(({ text }) => text).join('\n')
    }),
  )
  return texts.join('\n')
}
