import { expect } from 'chai'
import type { WebOptions } from '../../supervisor/web/web.js'
import { openYard, type Yard } from './support/yard.js'

describe('web/start', () => {
  let yard: Yard
  beforeEach(async () => {
    yard = await openYard()
  })
  afterEach(() => yard.close())

  const refusal = async (options: Partial<WebOptions>) => {
    try {
      await (await openYard(options)).close()
      return null
    } catch (error) {
      return error as Error & { code?: string }
    }
  }

  it('names the port that is in use and what to do', async () => {
    const error = await refusal({ port: yard.web.port })
    expect(error).to.have.property('code', 'PORT_IN_USE')
    expect(error?.message).to.contain(`Port ${yard.web.port} on 127.0.0.1`).and.contain('0 takes')
  })

  for (const host of ['0.0.0.0', '::', '10.0.0.1', 'yard.example']) {
    it(`is refused on ${host} without a token that was given`, async () => {
      expect(await refusal({ host, token: '' })).to.have.property('code', 'CONFIG_INVALID')
    })
  }

  it('is refused with a token that is too short or has spaces', async () => {
    expect(await refusal({ token: 'short' })).to.have.property('code', 'CONFIG_INVALID')
    expect((await refusal({ token: 'with spaces in between' }))?.message).to.not.contain(
      'with spaces',
    )
  })

  it('is possible elsewhere with a token, and names an address that works here', async () => {
    const open = await openYard({ host: '0.0.0.0' })
    expect(open.web.url).to.match(/^http:\/\/localhost:\d+\/#token=/)
    await open.close()
  })

  it('is undone by close, twice without harm, and the port is free again', async () => {
    await Promise.all([yard.web.close('stop'), yard.web.close('stop')])
    const again = await openYard({ port: yard.web.port })
    await again.close()
  })
})
