import { expect } from 'chai'
import type { OutcomeCode } from '../../../src/core/outcome.js'
import type { DemoSite } from '../../../supervisor/demo/site/demo-site.js'
import { htmlOf, makeDirectory } from '../../../supervisor/demo/site/directory.js'
import { type Answer, decode, getOrLeave, useDemoSite } from './client.js'

interface Fate {
  readonly code: OutcomeCode
  readonly failedAttempts: number
  readonly html: string
}

const ATTEMPTS = 3
const SNOOZES_MAX = 20
const REDIRECTS_MAX = 10

function codeOf({ status, headers }: Answer): OutcomeCode {
  if (status === 429) return 'rate_limited'
  if (status >= 500) return 'http_5xx'
  if (status >= 400) return 'http_4xx'
  return headers['content-type']?.startsWith('text/html') ? 'ok' : 'content_type'
}

/** One attempt, with its redirects; the words of failures are those of the outcome codes. */
async function attempt(site: DemoSite, url: string): Promise<{ code: OutcomeCode; html: string }> {
  let at = url
  for (let hop = 0; hop <= REDIRECTS_MAX; hop += 1) {
    const answer = await getOrLeave(site, at).catch(() => 'broken' as const)
    if (answer === 'left') return { code: 'timeout_total', html: '' }
    if (answer === 'broken') return { code: 'reset', html: '' }
    const { location } = answer.headers
    const code = codeOf(answer)
    if (location === undefined) return { code, html: code === 'ok' ? decode(answer) : '' }
    at = new URL(location, at).href
  }
  return { code: 'redirect', html: '' }
}

const RETRIED: readonly OutcomeCode[] = ['reset', 'timeout_total', 'http_5xx']

async function work(site: DemoSite, url: string): Promise<Fate> {
  let failedAttempts = 0
  for (let snoozes = 0; snoozes <= SNOOZES_MAX; ) {
    const { code, html } = await attempt(site, url)
    if (code === 'rate_limited') snoozes += 1
    else if (RETRIED.includes(code)) failedAttempts += 1
    else return { code, failedAttempts, html }
    if (failedAttempts === ATTEMPTS) return { code, failedAttempts, html }
  }
  throw new Error(`${url} was refused ${SNOOZES_MAX} times`)
}

describe('demo/site, worked with three attempts', () => {
  const SEED = 11
  const SITES = 300
  const { site } = useDemoSite({ seed: SEED, sites: SITES })

  it('ends every page as its truth says, at least 95% of them well', async () => {
    const pages = makeDirectory(SEED, SITES).flatMap(({ home, contact }) => [home, contact])
    let good = 0
    for (const [at, [url, truth]] of [...site().truth()].entries()) {
      const fate = await work(site(), url)
      const page = pages[at]
      if (page === undefined) throw new Error('a URL without a page')
      if (truth.fate === 'failed') {
        expect(truth.codes, url).to.include(fate.code)
      } else {
        good += 1
        expect(fate.code, url).to.equal('ok')
        expect(fate.failedAttempts, url).to.be.at.most(truth.failedAttemptsMax)
        expect(fate.html, url).to.equal(htmlOf(SEED, page))
      }
    }
    expect(good / pages.length).to.be.at.least(0.95)
  })
})
