import { expect } from 'chai'
import { describe, it } from 'mocha'
import { readWebsite } from '../../../src/extract/website.js'

describe('extract/website', () => {
  const OWN = [
    ['https://www.example.com/contact?x=1', 'example.com'],
    ['HTTP://WWW.Example.COM:8080/', 'example.com'],
    ['example.com', 'example.com'],
    ['example.com:8080/path', 'example.com'],
    ['//example.com/path', 'example.com'],
    ['www.example.co.uk', 'example.co.uk'],
    ['http://http://example.com/', 'example.com'],
    ['https:/example.com', 'example.com'],
    ['https://shop.berlin.example.com.', 'example.com'],
    ['  https://example.com/  ', 'example.com'],
    ['https://shop.example.uk.com/', 'example.uk.com'],
    ['https://www.ck/', 'www.ck'],
    ['https://a.b.example.kawasaki.jp/', 'b.example.kawasaki.jp'],
    ['https://google.com.example.org/maps', 'example.org'],
    ['https://notfacebook.com/', 'notfacebook.com'],
    ['https://www.google.com/url?q=https://www.example.net/&sa=D', 'example.net'],
    ['https://l.facebook.com/l.php?u=https%3A%2F%2Fexample.net%2F&h=1', 'example.net'],
  ] as const
  for (const [text, domain] of OWN) {
    it(`reads ${JSON.stringify(text)} as ${domain}`, () => {
      expect(readWebsite(text)).to.include({ kind: 'own', domain })
    })
  }

  it('writes names of other scripts in ASCII, and keeps the readable form', () => {
    expect(readWebsite('https://www.Müller.de/')).to.deep.equal({
      kind: 'own',
      host: 'www.xn--mller-kva.de',
      domain: 'xn--mller-kva.de',
      displayName: 'müller.de',
    })
    expect(readWebsite('http://магазин.рф')).to.include({ displayName: 'магазин.рф' })
  })

  const PLATFORMS = [
    ['https://www.facebook.com/joes.pizza', 'facebook.com', 'social'],
    ['https://m.facebook.com/pages/x/1', 'facebook.com', 'social'],
    ['https://fb.me/joes', 'facebook.com', 'social'],
    ['https://instagram.com/joes', 'instagram.com', 'social'],
    ['https://joes-pizza.business.site/', 'business.site', 'site_builder'],
    ['https://joes.wixsite.com/pizza', 'wix.com', 'site_builder'],
    ['https://sites.google.com/view/joes', 'google sites', 'site_builder'],
    ['https://joes.wordpress.com/', 'wordpress.com', 'site_builder'],
    ['https://joes.blogspot.com/', 'blogger.com', 'site_builder'],
    ['https://linktr.ee/joes', 'linktr.ee', 'link_page'],
    ['https://bit.ly/3xyz', 'bit.ly', 'link_shortener'],
    ['https://goo.gl/maps/abc', 'google maps', 'map'],
    ['https://goo.gl/abc', 'goo.gl', 'link_shortener'],
    ['https://maps.app.goo.gl/abc', 'google maps', 'map'],
    ['https://www.google.de/maps/place/x', 'google maps', 'map'],
    ['https://g.page/joes', 'g.page', 'map'],
    ['https://www.yelp.com/biz/joes', 'yelp.com', 'directory'],
    ['https://wa.me/15550100', 'whatsapp.com', 'messenger'],
    ['https://joes.github.io/', 'github.io', 'hosting'],
    ['https://joes-pizza.netlify.app/', 'netlify.app', 'hosting'],
  ] as const
  for (const [text, platform, category] of PLATFORMS) {
    it(`marks ${text} as on ${platform}`, () => {
      expect(readWebsite(text)).to.include({ kind: 'platform', platform, category })
    })
  }

  const UNUSABLE = [
    '',
    'n/a',
    'none',
    'info@example.com',
    'mailto:info@example.com',
    'tel:+15550100',
    'javascript:alert(1)',
    'http://192.168.0.1/',
    'http://[::1]/',
    'http://localhost:3000/',
    'https://intranet/',
    'https://shop.invalidtld/',
    'https://co.uk/',
    'two words.com',
    'https://',
    'http://exa mple.com',
  ]
  for (const text of UNUSABLE) {
    it(`finds no domain in ${JSON.stringify(text)}`, () => {
      expect(readWebsite(text)).to.have.property('kind', 'unusable')
    })
  }

  it('never throws, whatever it is given', () => {
    const odd = ['\0', 'http://%', '\uD800.com', 'http://xn--a.com', `http://${'a'.repeat(70)}.com`]
    for (const text of [
      ...odd,
      `${'a.'.repeat(5_000)}com`,
      'http://a..b.com',
      '.com',
      'http://-.de',
    ]) {
      expect(() => readWebsite(text), text.slice(0, 20)).to.not.throw()
    }
  })
})
