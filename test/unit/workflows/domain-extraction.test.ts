import { expect } from 'chai'
import { describe, it } from 'mocha'
import type { OutcomeCode } from '../../../src/core/outcome.js'
import { FetchFailure } from '../../../src/fetch/failure.js'
import workflow from '../../../src/workflows/domain-extraction.js'
import { CHAIN, handlerContext } from '../../support/chain.js'

const item = (website: string | null) => ({ key: '1', payload: { website } })

describe('workflows/domain-extraction', () => {
  it('writes the domain and whose it is, and asks nobody', async () => {
    const rows = await workflow.work(item('https://www.Müller.de/kontakt'), handlerContext())
    expect(rows.domains).to.deep.equal([
      {
        domain: 'xn--mller-kva.de',
        display_name: 'müller.de',
        curation_status: 'Selected',
        sitemap_status: 'Queued',
      },
    ])
    expect(rows.links?.[0]).to.include({
      host: 'www.xn--mller-kva.de',
      kind: 'own',
      domain: 'xn--mller-kva.de',
      platform: null,
    })
    expect(rows.checks).to.deep.equal([])
  })

  it('marks a platform, and takes no domain from it', async () => {
    const rows = await workflow.work(item('https://facebook.com/joes'), handlerContext())
    expect(rows.domains).to.equal(undefined)
    expect(rows.links?.[0]).to.include({
      kind: 'platform',
      domain: null,
      platform: 'facebook.com',
      platform_category: 'social',
    })
  })

  for (const website of [null, 'n/a', 'http://127.0.0.1/']) {
    it(`ends by url for ${website}`, async () => {
      const error = await Promise.resolve(workflow.work(item(website), handlerContext())).catch(
        (one: unknown) => one,
      )
      expect(error).to.include({ code: 'url' })
    })
  }

  const chain = { ...CHAIN, checksDomains: true }
  const answers = (codes: readonly (OutcomeCode | string)[]) => {
    const asked: string[] = []
    const fetchPage = async (url: string) => {
      const code = codes[asked.push(url) - 1] ?? 'connect'
      if (code.startsWith('http:') || code.startsWith('https:')) {
        return { url: code, status: 200, headers: {}, text: '', charset: '', contentType: '' }
      }
      throw new FetchFailure(code as OutcomeCode, code, { httpStatus: 503 })
    }
    return { asked, context: handlerContext({ chain, fetchPage }) }
  }

  const CHECKS = [
    [['https://example.com/'], 1, { is_alive: true, outcome_code: 'ok', http_status: 200 }],
    [
      ['dns', 'https://www.example.com/x'],
      2,
      { is_alive: true, final_url: 'https://www.example.com/x' },
    ],
    [['tls', 'dns', 'http://example.com/'], 3, { is_alive: true, outcome_code: 'ok' }],
    [['http_5xx'], 1, { is_alive: true, outcome_code: 'http_5xx', http_status: 503 }],
    [['blocked'], 1, { is_alive: true, outcome_code: 'blocked' }],
    [['dns', 'dns', 'dns'], 3, { is_alive: false, outcome_code: 'dns', final_url: null }],
    [['timeout_connect', 'connect', 'ssrf'], 3, { is_alive: false, outcome_code: 'ssrf' }],
  ] as const
  for (const [codes, count, check] of CHECKS) {
    it(`finds a domain that answers ${codes.join(', ')} ${check.is_alive ? 'alive' : 'dead'}`, async () => {
      const { asked, context } = answers(codes)
      const rows = await workflow.work(item('https://example.com/'), context)
      expect(rows.checks?.[0]).to.include({ domain: 'example.com', ...check })
      expect(asked).to.have.lengthOf(count)
      const word = check.is_alive ? 'Queued' : null
      expect(rows.domains?.[0]).to.include({ domain: 'example.com', sitemap_status: word })
    })
  }

  it('blames no domain for what its upstream refuses', async () => {
    const { context } = answers(['key_refused'])
    const error = await Promise.resolve(workflow.work(item('https://example.com/'), context)).catch(
      (one: unknown) => one,
    )
    expect(error).to.include({ code: 'key_refused' })
  })
})
