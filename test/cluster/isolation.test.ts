// All that can be wrong with a workflow, on one node with two that are well: these drain, and each
// of those is found out, held, and says why.

import { createServer, type Server } from 'node:net'
import { expect } from 'chai'
import { after, before, describe, it } from 'mocha'
import type { Settings } from '../../config/settings.js'
import { enqueueItems } from '../../src/store/enqueue.js'
import { readLoads } from '../../src/store/loads.js'
import { type Pause, readPauses } from '../../src/store/pauses.js'
import { registerWorkflow } from '../../src/store/workflows.js'
import { runProgram, useDirectory } from '../cli/program.js'
import { useCluster } from '../support/cluster.js'
import sick, { SICK_WAYS, type SickWay } from '../support/handlers/sick.js'
import { eventually } from '../support/poll.js'

const STEADY_URL = new URL('../support/handlers/steady-pages.js', import.meta.url).href
const SICK_URL = new URL('../support/handlers/sick.js', import.meta.url).href
const HEALTHY_NAMES = ['chaos-pages', 'steady-pages']
/** Some sixteen workers have to die before the last of them is found out. */
const PATIENCE_MS = 120_000
const HEALTHY = 200
const SICK = 120

/** Soon found out, so that the test is short. */
const OVERRIDES: { readonly [way in SickWay]: Partial<Settings> } = {
  hangs: { headersTimeoutMs: 200, totalTimeoutMs: 1_000 },
  throws: {},
  blocks: { silentMs: 1_000, executor: 'thread', threads: 2, concurrency: 2 },
  leaks: { memoryMb: 600, concurrency: 1 },
  kills: { concurrency: 2 },
  refused: {},
}

/** The word it is held by, and what is said of it. */
const REASONS: { readonly [way in SickWay]: readonly [word: string, message: RegExp] | null } = {
  hangs: null,
  throws: ['failing', /attempts in a row failed .* TypeError: nothing can be done about/],
  blocks: ['restart_intensity', /(?:killed their workers|workers died) .* gave no answer for 1 s/],
  leaks: ['restart_intensity', /workers within a minute grew beyond their memory of 600 MB/],
  kills: ['restart_intensity', /(?:killed their workers|workers died) .* died of SIGKILL/],
  refused: ['results_refused', /takes_no_row/],
}

interface Status {
  readonly workflows: readonly { workflow: string; pausedBy: readonly string[] }[]
  readonly pauses: readonly { workflow: string; reason: string; message: string | null }[]
}

describe('cluster/isolation', () => {
  const cluster = useCluster()
  const directory = useDirectory()
  let silent: Server

  before(async () => {
    // Takes every connection and every request, and answers none.
    silent = createServer((socket) => socket.on('error', () => {}))
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
  })
  after(() => silent.close())

  const silentUrl = (n: number) => {
    const address = silent.address()
    const port = typeof address === 'object' && address !== null ? address.port : 0
    return `http://127.0.0.1:${port}/${n}`
  }

  const fill = async (name: string, count: number, url: (n: number) => string, lane = '') => {
    const { workflowId } = await registerWorkflow(cluster.sql, name)
    const items = Array.from({ length: count }, (_, n) => {
      return { key: `${name}-${n}`, payload: { url: url(n) }, lane }
    })
    // A pack each for some, so that workers that die at once die of different packs.
    for (const item of items.splice(0, 6)) {
      await enqueueItems(cluster.sql, { workflowId, items: [item], again: 'never' })
    }
    await enqueueItems(cluster.sql, { workflowId, items, again: 'never' })
  }

  const readStatus = async (): Promise<Status> => {
    const environment = { DATABASE_URL: cluster.url }
    const ended = await runProgram(['status', '--json'], { cwd: directory.path, environment })
    expect(ended.exitCode, ended.stderr).to.equal(0)
    return JSON.parse(ended.stdout)
  }

  it('lets healthy workflows drain, and holds each sick one with its reason', async function () {
    this.timeout(2 * PATIENCE_MS)
    await cluster.sql`drop table if exists public.sick_row`
    for (const statement of sick.tables ?? []) await cluster.sql.unsafe(statement)
    await cluster.enqueue(HEALTHY)
    await fill('steady-pages', HEALTHY, (n) => cluster.origin.urlOf(`steady-${n}`))
    for (const way of SICK_WAYS) {
      await fill(`sick-${way}`, SICK, silentUrl, way === 'hangs' ? '127.0.0.1' : '')
    }

    const alsoWorks = SICK_WAYS.map((way) => {
      return { definitionUrl: `${SICK_URL}?way=${way}`, overrides: OVERRIDES[way] }
    })
    const node = await cluster.start({}, { alsoWorks: [STEADY_URL, ...alsoWorks] })

    let held: readonly Pause[] = []
    const words = 'healthy workflows that are done and sick ones that are held'
    await eventually({ words, patienceMs: PATIENCE_MS, seen: () => held }, async () => {
      held = await readPauses(cluster.sql)
      const loads = await readLoads(cluster.sql)
      const hanging = loads.find(({ workflow }) => workflow === 'sick-hangs')
      return (hanging?.lanesOpen ?? 0) > 0 && held.length >= SICK_WAYS.length - 1
    })
    await eventually({ words: 'healthy workflows that are done' }, async () => {
      const left = await cluster.sql`
        select from fetchyard.work_queue join fetchyard.workflow using (workflow_id)
         where name = any (${HEALTHY_NAMES}::text[])`
      return left.length === 0
    })

    const { pauses, workflows } = await readStatus()
    for (const way of SICK_WAYS) {
      const reason = REASONS[way]
      if (reason === null) continue
      const [word, message] = reason
      const pause = pauses.find(({ workflow }) => workflow === `sick-${way}`)
      expect(pause?.reason, way).to.equal(word)
      expect(pause?.message, way).to.match(message)
    }
    const paused = workflows.filter(({ pausedBy }) => pausedBy.length > 0)
    expect(paused).to.have.length(SICK_WAYS.length - 1)
    for (const { workflow } of paused) expect(HEALTHY_NAMES).to.not.include(workflow)
    const [done] = await cluster.sql<{ items: number; receipts: number }[]>`
      select count(distinct item_id)::int as items, count(*)::int as receipts
        from fetchyard.processing_log join fetchyard.workflow using (workflow_id)
       where name = any (${HEALTHY_NAMES}::text[]) and status = 'success'`
    expect(done).to.deep.equal({ items: 2 * HEALTHY, receipts: 2 * HEALTHY })
    await node.stop()
    expect((await cluster.audit()).isClean).to.equal(true)
    const plain = await runProgram(['status'], {
      cwd: directory.path,
      environment: { DATABASE_URL: cluster.url },
    })
    expect(plain.stdout).to.match(/sick-throws is paused since \S+, failing: 50 attempts in a row/)
  })
})
