// The main job on real pages: 210 saved contact pages, a `kill -9` of the run in the middle of them, and
// the same command again.

import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import { join } from 'node:path'
import { expect } from 'chai'
import { audit } from '../../src/store/audit.js'
import { runProgram, startProgram, useDirectory } from '../cli/program.js'
import { useAudit } from '../support/audited.js'
import { useDatabase } from '../support/database.js'

const CORPUS = join(process.cwd(), '..', 'shared', 'corpus', 'contact-pages', 'pages')
const LATENCY_MS = 100
const CONCURRENCY = 10

interface PageSite {
  readonly origin: string
  readonly visits: Map<string, number>
  /** Resolves when so many requests have come. */
  readonly visited: (count: number) => Promise<void>
  readonly close: () => void
}

async function servePages(names: readonly string[]): Promise<PageSite> {
  const pages = new Map(names.map((name) => [`/${name}`, readFileSync(join(CORPUS, name))]))
  const visits = new Map<string, number>()
  let requests = 0
  const waiting: { readonly count: number; readonly resolve: () => void }[] = []
  const server: Server = createServer((request, response) => {
    const path = request.url ?? '/'
    if (path === '/robots.txt') return void response.writeHead(404).end()
    visits.set(path, (visits.get(path) ?? 0) + 1)
    requests += 1
    for (const waiter of waiting) if (requests >= waiter.count) waiter.resolve()
    response.setHeader('content-type', 'text/html; charset=utf-8')
    setTimeout(() => response.end(pages.get(path)), LATENCY_MS)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  return {
    origin: `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`,
    visits,
    visited: (count) => new Promise((resolve) => waiting.push({ count, resolve })),
    close: () => {
      server.closeAllConnections()
      server.close()
    },
  }
}

describe('the main job on real pages', () => {
  const database = useDatabase()
  useAudit(database)
  const directory = useDirectory()

  it('loses nothing and applies nothing twice after a kill -9 in the middle', async function () {
    if (!existsSync(CORPUS)) {
      console.log(`      skipped: the labelled pages are not at ${CORPUS}`)
      this.skip()
    }
    const names = readdirSync(CORPUS).filter((name) => name.endsWith('.html'))
    const site = await servePages(names)
    try {
      const urls = names.map((name) => `${site.origin}/${name}`)
      await writeFile(join(directory.path, 'urls.txt'), `${urls.join('\n')}\n`)
      const options = { cwd: directory.path, environment: { DATABASE_URL: database.url } }
      const words = ['run', 'contacts', '--input', 'urls.txt', '--output', 'contacts.csv']
      words.push('--allow-ranges', 'loopback', '--port', 'off')
      words.push('--concurrency', String(CONCURRENCY))

      const killed = startProgram(words, options)
      await site.visited(names.length / 2)
      killed.child.kill('SIGKILL')
      await killed.ended
      const ended = await runProgram([...words, '--json'], options)

      expect(ended.exitCode, ended.stderr).to.equal(0)
      const report: unknown = JSON.parse(ended.stdout)
      expect(report).to.include({ items: names.length, ok: names.length, lost: 0, appliedTwice: 0 })
      expect(report).to.have.nested.property('results.contacts').above(names.length)
      expect(await audit(database.sql)).to.include({ isClean: true, finished: names.length })
      const again = [...site.visits.values()].filter((visits) => visits > 1).length
      // In flight, and answered in the same instant but not yet settled.
      expect(again, 'pages fetched again').to.be.at.most(2 * CONCURRENCY)
      const [doubled] = await database.sql<{ rows: number }[]>`
        select count(*)::int as rows
          from (select page_id from contacts group by page_id having count(distinct lease_id) > 1) as page`
      expect(doubled?.rows, 'pages with contacts of two leases').to.equal(0)
    } finally {
      site.close()
    }
  })
})
