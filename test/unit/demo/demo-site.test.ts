import { expect } from 'chai'
import { hasCode } from '../../../src/core/errors.js'
import type { BehaviourKind } from '../../../supervisor/demo/site/behaviours.js'
import { startDemoSite } from '../../../supervisor/demo/site/demo-site.js'
import {
  type DemoPage,
  htmlOf,
  makeDirectory,
  type Site,
} from '../../../supervisor/demo/site/directory.js'
import { ENCODINGS } from '../../../supervisor/demo/site/encodings.js'
import { makeRoutes } from '../../../supervisor/demo/site/routes.js'
import { decode, get, getOrLeave, makeHeldClock, until, useDemoSite } from './client.js'

const SEED = 3
const SITES = 250

describe('demo/site/demo-site', () => {
  const { site } = useDemoSite({ seed: SEED, sites: SITES })
  const directory = makeDirectory(SEED, SITES)

  /** Pages of a site without a concurrency limit, with their URLs. */
  function entries(): { url: string; page: DemoPage }[] {
    const place = { seed: SEED, host: '127.0.0.1', port: site().port }
    const unlimited = directory.filter((one: Site) => one.concurrencyMax > 1)
    return [...makeRoutes(unlimited, place).entries]
  }

  function find(
    kind: BehaviourKind,
    isWanted: (page: DemoPage) => boolean = () => true,
  ): { url: string; page: DemoPage } {
    const found = entries().find(({ page }) => page.behaviour.kind === kind && isWanted(page))
    if (found === undefined) throw new Error(`no page of kind ${kind}`)
    return found
  }

  async function failure(call: Promise<unknown>): Promise<unknown> {
    return call.then(
      () => undefined,
      (error: unknown) => error,
    )
  }

  it('has a truth for every URL, and URLs on several hosts', () => {
    const urls = site().urls()
    const hosts = new Set(urls.map((url) => new URL(url).hostname))

    expect(urls).to.have.length(2 * SITES)
    expect(new Set(urls).size).to.equal(urls.length)
    expect([...site().truth().keys()]).to.deep.equal(urls)
    const shared = [...hosts].filter((host) => host.startsWith('hosting-'))
    expect(shared).to.have.length.within(20, 25)
    const own = hosts.size - shared.length
    expect(own).to.be.within(Math.floor(SITES / 4), Math.ceil(SITES / 4))
  })

  it('lists its sites for a person, and lets robots in', async () => {
    const index = await get(`${site().origin}/`)
    const robots = await get(`${site().origin}/robots.txt`)

    expect(index.status).to.equal(200)
    expect(index.body.toString().match(/<tr><td>/g)).to.have.length(SITES)
    expect(robots.body.toString()).to.match(/^User-agent: \*/)
    expect((await get(`${site().origin}/site/nobody/`)).status).to.equal(404)
  })

  for (const encoding of ENCODINGS) {
    const { label, declaredBy, coding } = encoding
    it(`sends ${label} by ${declaredBy} in ${coding} that decodes to the page`, async () => {
      const { url, page } = find('plain', ({ description }) => description.encoding === encoding)

      const answer = await get(url)

      expect(answer.headers['content-encoding'] ?? 'identity').to.equal(coding)
      const text = decode(answer)
      expect(text).to.equal(htmlOf(SEED, page))
    })
  }

  it('sends no coding that the client does not accept', async () => {
    const { url } = find('plain', ({ description }) => description.encoding.coding === 'br')

    const { headers } = await get(url, { acceptEncoding: 'gzip' })

    expect(headers).to.not.have.property('content-encoding')
  })

  it('answers 429 with Retry-After at first', async () => {
    const { url, page } = find('rate-limit')
    const refusals = page.behaviour.kind === 'rate-limit' ? page.behaviour.refusals : 0

    for (let visit = 1; visit <= refusals; visit += 1) {
      const { status, headers } = await get(url)
      expect(status).to.equal(429)
      expect(headers['retry-after']).to.equal('1')
    }
    expect((await get(url)).status).to.equal(200)
  })

  it('answers 500, 502 or 503 until it heals on the third try', async () => {
    const { url } = find(
      'server-error',
      ({ behaviour }) => behaviour.kind === 'server-error' && behaviour.failures === 2,
    )

    const statuses = [(await get(url)).status, (await get(url)).status, (await get(url)).status]

    expect(statuses[0]).to.be.oneOf([500, 502, 503])
    expect(statuses[1]).to.equal(statuses[0])
    expect(statuses[2]).to.equal(200)
  })

  it('answers 500, 502 or 503 for ever on a few pages', async () => {
    const { url } = find(
      'server-error',
      ({ behaviour }) => behaviour.kind === 'server-error' && behaviour.failures > 2,
    )

    for (let visit = 1; visit <= 5; visit += 1)
      expect((await get(url)).status).to.be.within(500, 503)
    expect(site().truth().get(url)).to.deep.equal({ fate: 'failed', codes: ['http_5xx'] })
  })

  it('hangs until the visitor leaves, and answers the next time', async () => {
    const { url } = find('hang', ({ behaviour }) => behaviour.kind === 'hang' && behaviour.heals)

    expect(await getOrLeave(site(), url)).to.equal('left')
    expect((await get(url)).status).to.equal(200)
  })

  it('breaks off a body that it announced longer', async () => {
    const { url } = find('truncate')

    expect(await failure(get(url))).to.satisfy((error: unknown) => hasCode(error, 'ECONNRESET'))
    expect((await get(url)).status).to.equal(200)
  })

  it('resets the connection', async () => {
    const { url } = find('reset')

    expect(await failure(get(url))).to.satisfy((error: unknown) => hasCode(error, 'ECONNRESET'))
    expect((await get(url)).status).to.equal(200)
  })

  it('drips a body that is whole in the end', async () => {
    const { url, page } = find('drip')

    const answer = await get(url)

    const text = decode(answer)
    expect(text).to.equal(htmlOf(SEED, page))
  })

  it('redirects to the page by any form of Location', async () => {
    const moved = entries().filter(({ page }) => page.behaviour.kind === 'redirect')
    const locations: string[] = []
    for (const { url, page } of moved) {
      let at = url
      let answer = await get(at)
      let hops = 0
      for (; answer.headers.location !== undefined && hops < 5; hops += 1) {
        locations.push(answer.headers.location)
        at = new URL(answer.headers.location, at).href
        answer = await get(at)
      }
      expect({ status: answer.status, hops }, url).to.deep.equal({
        status: 200,
        hops: page.behaviour.kind === 'redirect' ? page.behaviour.hops : 0,
      })
    }
    for (const form of [/^http:/, /^\//, /^moved/, /^\.\./]) {
      expect(
        locations.some((location) => form.test(location)),
        String(form),
      ).to.equal(true)
    }
  })

  it('sends visitors of one page in a circle', async () => {
    const { url } = find('redirect-loop')

    const there = await get(url)
    const turn = new URL(there.headers.location ?? '', url).href
    const back = await get(turn)

    expect(new URL(back.headers.location ?? '', turn).href).to.equal(url)
    expect(turn).to.not.equal(url)
  })

  it('has pages that are gone and one that is no page', async () => {
    const gone = await get(find('not-found').url)
    const pdf = await get(find('pdf').url)

    expect(gone.status).to.equal(404)
    expect(pdf.headers['content-type']).to.equal('application/pdf')
    expect(pdf.body.toString('latin1', 0, 5)).to.equal('%PDF-')
  })

  it('counts its requests by what was done with them', async () => {
    const { requests, byBehaviour } = site().stats()
    const answered = Object.values(byBehaviour).reduce((sum, count) => sum + count, 0)

    expect(requests).to.be.greaterThan(0)
    expect(answered).to.equal(requests)
    expect(byBehaviour).to.include.keys(
      'page',
      'redirect',
      'rate-limit',
      'hang',
      'truncate',
      'reset',
    )
  })
})

describe('demo/site/demo-site, as a server', () => {
  it('listens on loopback alone and names a port that is taken', async () => {
    const first = await startDemoSite({ sites: 1 })
    const second = await startDemoSite({ sites: 1, port: first.port }).catch(
      (error: unknown) => error,
    )

    expect(first.origin).to.equal(`http://127.0.0.1:${first.port}`)
    expect(second).to.include({ code: 'PORT_IN_USE' })
    await first.close()
  })

  it('refuses a second request to a site that serves one at a time', async () => {
    const clock = makeHeldClock()
    const site = await startDemoSite({ sites: SITES, seed: SEED, clock })
    const narrow = makeDirectory(SEED, SITES).filter(
      (one) =>
        one.concurrencyMax === 1 &&
        [one.home, one.contact].every(({ behaviour }) => behaviour.kind === 'plain'),
    )
    const place = { seed: SEED, host: '127.0.0.1', port: site.port }
    const [home, contact] = makeRoutes(narrow, place).entries.map(({ url }) => url)

    const first = get(home ?? '')
    await until(() => clock.held() === 1)
    const second = await get(contact ?? '')
    clock.release()
    await first
    const third = get(contact ?? '')
    await until(() => clock.held() === 1)
    clock.release()

    expect(second.status).to.equal(429)
    expect(second.headers['retry-after']).to.equal('1')
    expect((await third).status).to.equal(200)
    expect(site.stats().byBehaviour).to.include({ 'site-limit': 1 })
    await site.close()
  })

  it('closes under a visitor that hangs on, and closes twice', async () => {
    const site = await startDemoSite({ sites: 250, seed: SEED })
    const call = get(site.urls()[0] ?? '').catch((error: unknown) => error)
    await until(() => site.stats().requests === 1)

    await site.close()
    await site.close()

    expect(await call).to.be.instanceOf(Error)
  })
})
