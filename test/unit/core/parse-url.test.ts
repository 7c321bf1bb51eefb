import { expect } from 'chai'
import { parseUrl } from '../../../src/core/parse-url.js'

describe('parseUrl', () => {
  it('reads hosts beyond ASCII however often it was called', () => {
    for (let n = 0; n < 200_000; n += 1) parseUrl(`https://a.example/${n}`)
    expect(parseUrl('https://müller.example/')?.hostname).to.equal('xn--mller-kva.example')
  })

  it('knows what is none', () => {
    for (const text of ['', 'a.example', 'http://', 'http://a b/']) {
      expect(parseUrl(text), text).to.equal(null)
    }
  })
})
