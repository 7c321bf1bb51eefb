// The main job through a proxy API: real processes, and an API that keeps its own count of calls and
// credits. It is the referee.

import { once } from 'node:events'
import { readdir, readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { expect } from 'chai'
import { describe, it } from 'mocha'
import { WebSocket } from 'ws'
import { audit } from '../../src/store/audit.js'
import type { ProxyApi } from '../../supervisor/demo/proxy-api/proxy-api.js'
import { SUBPROTOCOL } from '../../supervisor/web/frames.js'
import { childrenOf } from '../support/cluster-child.js'
import { eventually } from '../support/poll.js'
import {
  type ItemCalls,
  KEY,
  readCalls,
  readEverything,
  readStatuses,
  useProxyRun,
} from '../support/proxy-run.js'

const PAGES = 120
/** Every tenth page is not there: billed, and failed for good. */
const MISSING = PAGES / 10
const SLOTS = 10
/** 70 s become 1.4 s. */
const BAD_DAY = { timeScale: 0.02, faults: { failPerMille: 30 } }

const urlsOf = (shop: string) =>
  Array.from({ length: PAGES }, (_, index) => {
    const path = index % 10 === 0 ? 'missing' : ''
    return `https://${shop}${index}-yard.com/${path}`
  })

const sum = (calls: readonly ItemCalls[], field: 'receipts' | 'reclaimed' | 'credits') =>
  calls.reduce((total, call) => total + call[field], 0)

/** Calls that took a slot, and their credits, by URL. */
function callsByUrl(api: ProxyApi): ReadonlyMap<string, { calls: number; credits: number }> {
  const found = new Map<string, { calls: number; credits: number }>()
  for (const { target, credits } of api.records()) {
    const one = found.get(target) ?? { calls: 0, credits: 0 }
    found.set(target, { calls: one.calls + 1, credits: one.credits + credits })
  }
  return found
}

describe('the main job through a proxy API', () => {
  const run = useProxyRun()

  it('makes as many calls as its receipts say, and writes down what they cost', async () => {
    const api = await run.open({ ...BAD_DAY, limit: 50 })
    const prefix = 'https://clean'
    const words = ['--port', 'off', '--log-level', 'info', '--log-format', 'json']
    const ended = await (await run.start(urlsOf('clean'), words)).ended

    expect(ended.exitCode, ended.stderr).to.equal(0)
    expect(JSON.parse(ended.stdout)).to.include({ ok: PAGES - MISSING, lost: 0, appliedTwice: 0 })
    expect(ended.stderr).to.contain('The plan of the upstream has room for 50 calls at once')
    const calls = await readCalls(run.database.sql, prefix)
    const counts = api.counts()
    expect(sum(calls, 'receipts')).to.equal(counts.calls)
    expect(sum(calls, 'credits')).to.equal(counts.credits).and.to.equal(PAGES)
    expect(counts.failed, 'the day was bad').to.be.above(0)
    expect(counts).to.include({ billed: PAGES, inFlightMax: SLOTS, hungUp: 0 })
    expect(counts.refused.limit).to.equal(0)
    // A socket for each slot, all to the one host, kept for the next call; one reads the account.
    expect(api.connections()[0]).to.be.at.most(SLOTS + 1)
    expect(await readStatuses(run.database.sql, prefix)).to.deep.equal({
      Complete: PAGES - MISSING,
      Error: MISSING,
    })
  })

  // The calls of the dead go on at the API, hold slots of the plan, and are billed. Each of them is
  // explained by the receipt of an item that was taken back.
  it('explains every billed call that a kill -9 of the worker lost', async () => {
    const api = await run.open({ ...BAD_DAY, limit: SLOTS })
    const prefix = 'https://killed'
    const program = await run.start(urlsOf('killed'), ['--port', 'off'])
    await eventually({ words: 'half of the calls' }, () => api.counts().ended > PAGES / 2)
    await eventually({ words: 'a call to lose' }, () => api.counts().inFlight > 0)
    const [workerPid] = await childrenOf(program.child.pid ?? 0)
    process.kill(workerPid ?? 0, 'SIGKILL')
    const ended = await program.ended
    await api.settled()

    expect(ended.exitCode, ended.stderr).to.equal(0)
    expect(JSON.parse(ended.stdout)).to.include({ ok: PAGES - MISSING, lost: 0, appliedTwice: 0 })
    const calls = await readCalls(run.database.sql, prefix)
    const counts = api.counts()
    const seen = callsByUrl(api)
    const unexplained = calls.filter(({ url, receipts, reclaimed, credits }) => {
      const { calls: made, credits: charged } = seen.get(url) ?? { calls: 0, credits: 0 }
      return made > receipts || charged > credits + reclaimed || charged < credits
    })
    expect(unexplained).to.deep.equal([])
    const lostCredits = counts.credits - sum(calls, 'credits')
    expect(lostCredits, 'credits lost to the crash').to.be.within(0, SLOTS)
    expect(sum(calls, 'reclaimed')).to.be.at.least(1)
    expect(counts.hungUp, 'calls that nobody waited for').to.be.within(1, SLOTS)
    expect(counts.inFlightMax).to.be.at.most(SLOTS)
    expect(await audit(run.database.sql)).to.include({ isClean: true })
  })

  it('goes on through another region while the first is down', async () => {
    const api = await run.open({ ...BAD_DAY, limit: SLOTS, regions: 2 })
    const program = await run.start(urlsOf('region'), ['--port', 'off', '--log-level', 'warn'])
    await eventually({ words: 'a third of the calls' }, () => api.counts().ended > PAGES / 3)
    await api.setOutage(0, 'refuse')
    const ended = await program.ended

    expect(ended.exitCode, ended.stderr).to.equal(0)
    expect(JSON.parse(ended.stdout)).to.include({ ok: PAGES - MISSING, lost: 0 })
    expect(ended.stderr).to.contain('"event":"upstream.endpoint_down"')
    expect(new Set(api.records().map(({ region }) => region))).to.deep.equal(new Set([0, 1]))
  })

  const crowd = (name: string) =>
    urlsOf(name)
      .slice(1, 60)
      .filter((url) => !url.endsWith('missing'))

  it('keeps to the plan that the account tells, although it has more slots', async () => {
    const api = await run.open({ timeScale: 0.1, limit: 2 })
    const urls = crowd('narrow')
    const ended = await (await run.start(urls, ['--port', 'off'])).ended

    expect(ended.exitCode, ended.stderr).to.equal(0)
    expect(JSON.parse(ended.stdout)).to.include({ ok: urls.length, failed: 0, lost: 0 })
    const counts = api.counts()
    expect(counts.refused.limit, 'calls without room').to.equal(0)
    expect(counts).to.include({ billed: urls.length, inFlightMax: 2 })
  })

  // Ten slots before two places, and a person who says that there are ten.
  it('finds the plan by its refusals when it is told a wrong one, and fails no page', async () => {
    const api = await run.open({ timeScale: 0.1, limit: 2 })
    const prefix = 'https://crowded'
    const urls = crowd('crowded')
    const words = ['--port', 'off', '--backoff-max', '2s', '--plan-concurrency', '10']
    const ended = await (await run.start(urls, words)).ended

    expect(ended.exitCode, ended.stderr).to.equal(0)
    expect(JSON.parse(ended.stdout)).to.include({ ok: urls.length, failed: 0, lost: 0 })
    const counts = api.counts()
    expect(counts.refused.limit, 'calls without room').to.be.within(1, 2 * urls.length)
    expect(counts).to.include({ billed: urls.length, inFlightMax: 2 })
    const calls = await readCalls(run.database.sql, prefix)
    expect(sum(calls, 'receipts')).to.equal(counts.calls)
    expect(sum(calls, 'credits')).to.equal(counts.credits)
  })

  it('pays only for the host that refuses us, and ends all its pages', async () => {
    const api = await run.open({ ...BAD_DAY, faults: {}, limit: 50 })
    const site = createServer((request, response) => {
      const isOurs = request.headers['user-agent']?.includes('Fetchyard') === true
      response.writeHead(isOurs ? 403 : 200, { 'content-type': 'text/html' })
      response.end('<a href="mailto:hello@tiered-shop.com">Mail</a>')
    }).listen(0, '127.0.0.1')
    await once(site, 'listening')
    const address = site.address()
    const prefix = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}/tier`
    const urls = Array.from({ length: 40 }, (_, index) => `${prefix}${index}`)
    const words = ['--port', 'off', '--tiers', 'direct,flat']
    const ended = await (await run.start(urls, words)).ended
    site.close()

    expect(ended.exitCode, ended.stderr).to.equal(0)
    expect(JSON.parse(ended.stdout)).to.include({ ok: urls.length, failed: 0 })
    const calls = await readCalls(run.database.sql, prefix)
    expect(api.counts()).to.include({ calls: urls.length, credits: urls.length })
    expect(sum(calls, 'credits')).to.equal(urls.length)
    // Those that were in flight before anybody knew.
    expect(sum(calls, 'receipts') - urls.length, 'refusals').to.be.within(1, SLOTS)
  })

  it('pauses at a refused key instead of turning the queue into errors', async () => {
    const api = await run.open({ ...BAD_DAY, key: 'another-key' })
    const prefix = 'https://refused'
    const ended = await (await run.start(urlsOf('refused'), ['--port', 'off'])).ended

    expect(ended.exitCode).to.equal(75)
    expect(ended.stderr).to.match(/contacts was paused \(key_refused: HTTP 401 of the API/)
    expect(ended.stderr).to.contain('put the right one into FETCHYARD_UPSTREAM_KEY')
    const counts = api.counts()
    expect(counts.calls).to.equal(counts.refused.key)
    expect(counts.calls, 'those in the slots, and few that were on their way').to.be.below(
      PAGES / 2,
    )
    expect(await readStatuses(run.database.sql, prefix)).to.deep.equal({ Queued: PAGES })

    await run.open(BAD_DAY)
    const mended = await (await run.start(urlsOf('refused'), ['--port', 'off'])).ended
    expect(mended.exitCode, mended.stderr).to.equal(0)
    expect(JSON.parse(mended.stdout)).to.include({ ok: PAGES - MISSING, lost: 0 })
  })

  it('leaves the key in nothing that a run writes, says, shows or lets others read', async () => {
    const api = await run.open({ ...BAD_DAY, limit: SLOTS - 2, regions: 2 })
    const plan = ['--plan-concurrency', `${SLOTS}`]
    const words = ['--log-level', 'debug', '--port', '0', '--executor', 'both', ...plan]
    const program = await run.start(urlsOf('secret'), words)
    await program.says('Dashboard: ')
    await eventually({ words: 'some calls' }, () => api.counts().ended > PAGES / 4)
    const shown = [await readProcesses(program.child.pid ?? 0), await readDashboard(program)]
    await api.setOutage(0, 'bad-gateway')
    const { stdout, stderr, exitCode } = await program.ended
    shown.push(stdout, stderr, await readEverything(run.database.sql))
    shown.push(await readFiles(run.directory))

    expect(exitCode, stderr).to.equal(0)
    expect(shown[0], 'the processes were seen').to.contain('process-entry.js')
    expect(shown[1], 'the dashboard was seen').to.contain('fetchyard_requests_total')
    expect(shown[1], 'the channel was seen').to.contain('"t":"snap"')
    expect(stderr).to.contain('endpoint_down').and.to.contain('rate_limited')
    const text = shown.join('\n')
    for (const spelling of [KEY, encodeURIComponent(KEY), encodeURI(KEY), 'k3y+of', 'k3y%2Bof']) {
      expect(text.includes(spelling), spelling).to.equal(false)
    }
  })
})

/** Command lines of a process and its children, and the environment of the children. */
async function readProcesses(pid: number): Promise<string> {
  const children = await childrenOf(pid)
  const read = (one: number, what: string) => readFile(`/proc/${one}/${what}`, 'utf8')
  const lines = [pid, ...children].map((one) => read(one, 'cmdline'))
  const environments = children.map((one) => read(one, 'environ'))
  return (await Promise.all([...lines, ...environments])).join('\n')
}

/** What the web of a node answers, page by page, and what its channel sends at first. */
async function readDashboard(program: {
  readonly says: (words: string) => Promise<void>
  readonly stderr: () => string
}): Promise<string> {
  const found = /Dashboard: (http:\/\/[^/]+)\/#token=(\S+)/.exec(program.stderr())
  const [, origin = '', token = ''] = found ?? []
  const headers = { authorization: `Bearer ${token}` }
  const paths = ['/', '/metrics', '/healthz', '/readyz', '/api/stats', '/api/workflows']
  const more = ['/api/nodes', '/api/events', '/api/history']
  const answers = await Promise.all(
    [...paths, ...more].map(async (path) => (await fetch(`${origin}${path}`, { headers })).text()),
  )
  return [...answers, await readChannel(`${origin.replace('http', 'ws')}/live`, headers)].join('\n')
}

function readChannel(url: string, headers: { readonly authorization: string }): Promise<string> {
  const socket = new WebSocket(url, [SUBPROTOCOL], { headers })
  const frames: string[] = []
  return new Promise((resolve, reject) => {
    socket.once('error', reject)
    socket.once('open', () =>
      socket.send(JSON.stringify({ t: 'sub', topics: ['stats', 'workflows', 'nodes', 'events'] })),
    )
    socket.on('message', (data) => {
      frames.push(String(data))
      if (frames.filter((frame) => frame.includes('"t":"snap"')).length < 4) return
      socket.close()
      resolve(frames.join('\n'))
    })
  })
}

/** Every file below a directory. */
async function readFiles(directory: string): Promise<string> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile())
  const texts = files.map((file) => readFile(join(file.parentPath, file.name), 'latin1'))
  return (await Promise.all(texts)).join('\n')
}
