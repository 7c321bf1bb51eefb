// The shipped workflows as a chain, place -> business -> domain -> pages -> contacts, worked by the
// built program through a simulated places API and a simulated proxy API with a small Internet
// behind it. Both know what is to be found.

import { expect } from 'chai'
import { after, before, describe, it } from 'mocha'
import { audit } from '../../src/store/audit.js'
import { type PlacesApi, startPlacesApi } from '../../supervisor/demo/places-api/places-api.js'
import { type ProxyApi, startProxyApi } from '../../supervisor/demo/proxy-api/proxy-api.js'
import { createSiteWeb } from '../../supervisor/demo/site-web/site-web.js'
import { type Program, runProgram, startProgram, useDirectory } from '../cli/program.js'
import { useAudit } from '../support/audited.js'
import { useDatabase } from '../support/database.js'
import { eventually } from '../support/poll.js'

const PLACES_KEY = 'AIza-pl4ces+key/of=all'
const PROXY_KEY = 'k3y-of-the-proxy'
const WEB = createSiteWeb()

/** Websites of places beside those of the sites. */
const OTHERS: Readonly<Record<string, string | null>> = {
  ChIJ_on_a_platform: 'https://www.facebook.com/joes.pizza',
  ChIJ_without_website: null,
  ChIJ_odd_website: 'n/a',
}
const GONE = 'ChIJ_place_is_gone'
const NO_ID = 'short'
const SITE_PLACES = WEB.sites.map(({ domain }) => `ChIJ_${domain.replaceAll('.', '_')}`)
const PLACES = [...SITE_PLACES, ...Object.keys(OTHERS), GONE, NO_ID]

function websiteOf(placeId: string): string | null | undefined {
  const site = WEB.sites[SITE_PLACES.indexOf(placeId)]
  if (site !== undefined) return `http://www.${site.domain.toUpperCase()}/welcome?utm_source=maps`
  return OTHERS[placeId]
}

const PAGES = WEB.sites.flatMap(({ pages }) => pages)
const sorted = (texts: readonly string[]) => [...texts].sort()

describe('the chain of the shipped workflows', () => {
  const database = useDatabase()
  const directory = useDirectory()
  let places: PlacesApi
  let proxy: ProxyApi
  let program: Program | null = null

  const environment = () => ({
    DATABASE_URL: database.url,
    SCRAPER_API_KEY: PROXY_KEY,
    GOOGLE_MAPS_API_KEY: PLACES_KEY,
  })

  const start = (workflows: readonly string[], words: readonly string[] = []) => {
    const upstream = ['--upstream', 'proxy-api', '--upstream-endpoints', proxy.endpoints.join(',')]
    const habits = ['--allow-ranges', 'loopback', '--backoff', '20ms', '--backoff-max', '500ms']
    const log = ['--port', 'off', '--log-format', 'json', '--log-level', 'debug']
    const api = ['--places-endpoint', places.endpoint]
    program = startProgram(['up', ...workflows, ...upstream, ...api, ...habits, ...log, ...words], {
      cwd: directory.path,
      environment: environment(),
    })
    return program
  }

  const stop = async () => {
    program?.child.kill('SIGTERM')
    const ended = await program?.ended
    program = null
    return ended
  }

  before(async () => {
    places = await startPlacesApi({ key: PLACES_KEY, perMinute: 8, minuteMs: 500, websiteOf })
    proxy = await startProxyApi({
      key: PROXY_KEY,
      timeScale: 0.01,
      limit: 20,
      faults: { failPerMille: 30 },
      web: WEB.answer,
    })
  })
  after(async () => {
    program?.child.kill('SIGKILL')
    await places.close()
    await proxy.close()
  })
  useAudit(database)

  const insertPlaces = (ids: readonly string[]) => database.sql`
    insert into public.place (place_id, deep_scan_status)
    select unnest(${[...ids]}::text[]), 'Queued'`

  async function statuses(table: string, column: string): Promise<Record<string, number>> {
    const rows = await database.sql.unsafe<{ word: string | null; count: number }[]>(
      `select ${column} as word, count(*)::int as count from public.${table} group by 1`,
    )
    return Object.fromEntries(rows.map(({ word, count }) => [word ?? 'none', count]))
  }

  /** What a stage writes is queued by the statement that ends its own item: no gap in between. */
  const untilEmpty = () =>
    eventually({ words: 'an empty queue', patienceMs: 90_000 }, async () => {
      const packs = await database.sql`select pack_id from fetchyard.work_queue limit 1`
      return packs.length === 0
    })

  const readAll = async (statement: string) => {
    const rows = await database.sql.unsafe<{ text: string }[]>(statement)
    return rows.map(({ text }) => text)
  }

  it('leads from places to contacts, through a kill -9 of a worker', async () => {
    const running = start([])
    await running.says('"workflow":"contacts"')
    await eventually({ words: 'the tables' }, async () => {
      const [found] = await database.sql`
        select to_regclass('public.place') as place from fetchyard.workflow
         where name = 'deep-scan' and binding is not null`
      return found?.place
    })
    await insertPlaces(PLACES)
    await eventually({ words: 'the first contacts', patienceMs: 60_000 }, async () => {
      const [found] = await database.sql`select from public.contacts limit 1`.catch(() => [])
      return found !== undefined
    })
    const pids = [
      ...running.stderr().matchAll(/"worker\.ready".*?"workflow":"contacts".*?"pid":(\d+)/g),
    ]
    const pid = Number(pids.at(-1)?.[1])
    expect(pid, 'the pid of the worker').to.be.above(1)
    process.kill(pid, 'SIGKILL')
    await untilEmpty()
    const ended = await stop()

    expect(ended?.exitCode, ended?.stderr).to.equal(0)
    expect(ended?.stderr).to.contain('worker.exited')
    expect(await statuses('place', 'deep_scan_status')).to.deep.equal({
      Complete: PLACES.length - 2,
      Error: 2,
    })
    expect(await statuses('local_business', 'domain_extraction_status')).to.deep.equal({
      Complete: WEB.sites.length + 1,
      Error: 1,
      none: 1,
    })
    expect(await statuses('domains', 'sitemap_status')).to.deep.equal({
      Complete: WEB.sites.length,
    })
    expect(await statuses('pages', 'page_processing_status')).to.deep.equal({
      Complete: PAGES.length,
    })
    expect(sorted(await readAll('select url as text from public.pages'))).to.deep.equal(
      sorted(PAGES),
    )
  })

  it('finds what there is to be found, and marks what is not the business’s own', async () => {
    const found = await readAll(
      `select pages.url || ' ' || contacts.value as text from public.contacts
         join public.pages using (page_id) where kind = 'email'`,
    )
    const expected = WEB.sites.flatMap(({ pages, email }) => pages.map((url) => `${url} ${email}`))
    expect(sorted(found)).to.deep.equal(sorted(expected))
    const platforms = await readAll(
      `select platform || ' ' || platform_category as text from public.business_domain
        where kind = 'platform'`,
    )
    expect(platforms).to.deep.equal(['facebook.com social'])
    const codes = await readAll(
      `select distinct flow.name || ' ' || outcome_code as text
         from fetchyard.processing_log join fetchyard.workflow as flow using (workflow_id)
        where status = 'error'`,
    )
    expect(sorted(codes)).to.deep.equal([
      'deep-scan http_4xx',
      'domain-extraction url',
      // The page that a site serves in place of a sitemap, and a file that an index names in vain.
      'sitemap-file http_4xx',
      'sitemap-file parse',
    ])
  })

  it('reads every file of a loop once, and dates what it finds', async () => {
    const files = await readAll(
      `select url || ' ' || skip as text from public.sitemaps where domain = 'loop0-yard.com'`,
    )
    expect(sorted(files)).to.deep.equal([
      'https://loop0-yard.com/one.xml 0',
      'https://loop0-yard.com/pages.xml 0',
      'https://loop0-yard.com/two.xml 0',
    ])
    const dates = await readAll(
      `select distinct (lastmod at time zone 'utc')::date::text as text from public.pages
        where lastmod is not null and url like '%/contact'`,
    )
    expect(dates).to.deep.equal(['2024-05-06'])
  })

  it('pays for each place once, waits for the quota, and keeps the keys to itself', async () => {
    const counts = places.counts()
    expect(counts.told).to.equal(PLACES.length - 2)
    expect(counts.refused.minute, 'calls beyond the quota').to.be.at.least(1)
    expect(proxy.counts().refused.key).to.equal(0)
    const tables = await readAll(
      `select format('%I.%I', table_schema, table_name) as text from information_schema.tables
        where table_schema in ('fetchyard', 'public')`,
    )
    const texts = await Promise.all(
      tables.map((table) => readAll(`select one::text as text from ${table} as one`)),
    )
    for (const key of [PLACES_KEY, encodeURIComponent(PLACES_KEY), PROXY_KEY]) {
      expect(texts.flat().join('\n').includes(key)).to.equal(false)
    }
    expect(await audit(database.sql)).to.include({ isClean: true, lost: 0, appliedTwice: 0 })
  })

  it('pauses with the reason when the quota of the day is used up, and loses no place', async () => {
    places.change({ perDay: 0, perMinute: 1_000 })
    const running = start(['deep-scan'])
    await running.says('"workflow":"deep-scan"')
    await insertPlaces(['ChIJ_of_another_day'])
    await eventually({ words: 'a pause' }, async () => {
      const [flow] = await database.sql`
        select from fetchyard.workflow where name = 'deep-scan' and 'budget' = any (paused_by)`
      return flow !== undefined
    })
    await running.says('per day')
    places.change({ perDay: 1_000, websiteOf: () => null })
    const resumed = await runProgram(['resume', 'deep-scan'], {
      cwd: directory.path,
      environment: environment(),
    })
    expect(resumed.exitCode, resumed.stderr).to.equal(0)
    await untilEmpty()
    const ended = await stop()
    expect(ended?.stderr.includes(PLACES_KEY), 'the key in the log').to.equal(false)
    const [place] = await database.sql`
      select deep_scan_status as word from public.place where place_id = 'ChIJ_of_another_day'`
    expect(place?.word).to.equal('Complete')
  })

  it('leaves the next stage to a person when it is told to', async () => {
    places.change({ websiteOf: (id) => `https://${id.toLowerCase().replaceAll('_', '-')}.com/` })
    start(['deep-scan', 'domain-extraction'], ['--select-results', 'off'])
    await insertPlaces(['ChIJ_first_choice', 'ChIJ_second_choice'])
    const businesses = () => database.sql<{ words: string }[]>`
      select concat_ws(' ', place_id, curation_status, domain_extraction_status) as words
        from public.local_business where place_id like '%_choice' order by 1`
    await eventually({ words: 'two businesses' }, async () => (await businesses()).length === 2)
    await database.sql`
      update public.local_business set curation_status = 'Selected'
       where place_id = 'ChIJ_first_choice'`
    await eventually({ words: 'the domain that was asked for' }, async () => {
      const found = await database.sql`select from public.domains where domain like '%-choice.com'`
      return found.length > 0
    })
    await stop()

    expect((await businesses()).map(({ words }) => words)).to.deep.equal([
      'ChIJ_first_choice Selected Complete',
      'ChIJ_second_choice New',
    ])
    const domains = await database.sql`
      select domain, curation_status, sitemap_status from public.domains
       where domain like '%-choice.com'`
    expect([...domains]).to.deep.equal([
      { domain: 'chij-first-choice.com', curation_status: 'New', sitemap_status: null },
    ])
  })
})
