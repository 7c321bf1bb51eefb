import { expect } from 'chai'
import type { FetchedPage } from '../../../src/core/fetched-page.js'
import type { HandlerContext } from '../../../src/workflow/define.js'
import workflow from '../../../src/workflows/contacts.js'
import { handlerContext } from '../../support/chain.js'

const PAGE: FetchedPage = {
  url: 'https://firm.com/contact',
  status: 200,
  headers: {},
  text: '<p>info@firm.com</p>',
  charset: 'utf-8',
  contentType: 'text/html',
}

function contextFor(page: Partial<FetchedPage>): HandlerContext {
  return handlerContext({ fetchPage: async () => ({ ...PAGE, ...page }) })
}

const item = { key: '1', payload: { url: PAGE.url } }
const work = async (page: Partial<FetchedPage>) => workflow.work(item, contextFor(page))

describe('workflows/contacts', () => {
  it('maps contacts to the columns of its sink', async () => {
    const { contacts } = await work({})
    expect(contacts).to.deep.equal([
      {
        kind: 'email',
        value: 'info@firm.com',
        name: null,
        role: null,
        found_in: 'text',
        confidence: 0.85,
      },
    ])
    const columns = Object.keys(workflow.sinks.contacts?.columns ?? {})
    expect(Object.keys(contacts?.[0] ?? {})).to.have.members(columns)
  })

  it('reads national numbers by the language of the response', async () => {
    const { contacts } = await work({
      text: 'Telefon 030 1234567',
      headers: { 'content-language': 'de-DE' },
    })
    expect(contacts?.map(({ value }) => value)).to.deep.equal(['+49301234567'])
  })

  for (const contentType of ['application/pdf', 'image/png', 'application/json']) {
    it(`refuses ${contentType} by its outcome code`, async () => {
      const refusal = await work({ contentType }).catch((error: unknown) => error)
      expect(refusal).to.include({ code: 'content_type', httpStatus: 200 })
    })
  }

  it('believes markup that is sent without a content type', async () => {
    const { contacts } = await work({ contentType: '' })
    expect(contacts).to.have.lengthOf(1)
  })

  it('creates its tables as often as it is asked to', () => {
    for (const statement of workflow.tables ?? []) expect(statement).to.match(/if not exists/)
  })
})
