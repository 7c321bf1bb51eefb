import { expect } from 'chai'
import { readProfile } from '../../../src/extract/social.js'

/** Links and the profiles they lead to; null where they lead to none. */
const PROBES: readonly (readonly [href: string, profile: string | null])[] = [
  ['https://de.linkedin.com/in/ann-green/', 'https://www.linkedin.com/in/ann-green'],
  ['http://linkedin.com/company/Acme?trk=x', 'https://www.linkedin.com/company/acme'],
  ['https://www.linkedin.com/school/acme/', 'https://www.linkedin.com/school/acme'],
  ['https://www.linkedin.com/showcase/acme', 'https://www.linkedin.com/showcase/acme'],
  ['https://www.linkedin.com/pub/ann-green/1/2/3', 'https://www.linkedin.com/pub/ann-green/1/2/3'],
  ['https://www.linkedin.com/shareArticle?url=x', null],
  ['https://twitter.com/Acme', 'https://x.com/acme'],
  ['https://x.com/acme/', 'https://x.com/acme'],
  ['https://twitter.com/#!/acme', 'https://x.com/acme'],
  ['https://twitter.com/intent/tweet?text=x', null],
  ['https://twitter.com/share?url=x', null],
  ['https://twitter.com/acme/status/123', null],
  ['https://www.instagram.com/acme.inc/', 'https://www.instagram.com/acme.inc'],
  ['https://www.instagram.com/reel/Cxyz/', null],
  ['https://www.instagram.com/p/Cxyz/', null],
  ['https://www.facebook.com/acme', 'https://www.facebook.com/acme'],
  ['https://de-de.facebook.com/Acme/', 'https://www.facebook.com/acme'],
  ['https://www.facebook.com/pages/Acme/123', 'https://www.facebook.com/pages/acme/123'],
  ['https://www.facebook.com/profile.php?id=100', 'https://www.facebook.com/profile.php?id=100'],
  ['https://www.facebook.com/sharer/sharer.php?u=x', null],
  ['https://www.facebook.com/sharer.php?u=x', null],
  ['https://www.facebook.com/tr?id=1', null],
  ['https://www.facebook.com/acme/posts/1', null],
  ['https://www.youtube.com/@Acme', 'https://www.youtube.com/@Acme'],
  ['https://www.youtube.com/channel/UCabc', 'https://www.youtube.com/channel/UCabc'],
  ['https://www.youtube.com/watch?v=x', null],
  ['https://www.tiktok.com/@acme?lang=en', 'https://www.tiktok.com/@acme'],
  ['https://www.tiktok.com/@acme/video/1', null],
  ['https://www.pinterest.com/acme/', 'https://www.pinterest.com/acme'],
  ['https://www.pinterest.com/pin/create/button/', null],
  ['https://github.com/acme', 'https://github.com/acme'],
  ['https://www.xing.com/profile/Ann_Green', 'https://www.xing.com/profile/ann_green'],
  ['https://www.threads.net/@acme', 'https://www.threads.net/@acme'],
  ['https://bsky.app/profile/acme.bsky.social', 'https://bsky.app/profile/acme.bsky.social'],
  ['https://mastodon.social/@acme', 'https://mastodon.social/@acme'],
  ['https://wa.me/+1 (303) 824-4000', 'https://wa.me/13038244000'],
  ['https://api.whatsapp.com/send?phone=13038244000', 'https://wa.me/13038244000'],
  ['https://api.whatsapp.com/send?text=x', null],
  ['https://t.me/acme_support', 'https://t.me/acme_support'],
  ['https://t.me/share/url?url=x', null],
  ['//www.facebook.com/acme', 'https://www.facebook.com/acme'],
  ['https://notfacebook.com/acme', null],
  ['https://facebook.com.evil.example/acme', null],
  ['https://www.facebook.com/', null],
  ['javascript:void(0)', null],
  ['https://', null],
]

describe('extract/social', () => {
  for (const [href, profile] of PROBES) {
    it(`${profile === null ? 'refuses' : 'normalises'} ${href}`, () => {
      expect(readProfile(href)?.value ?? null).to.equal(profile)
    })
  }

  it('believes a link that says "me" on any server of the fediverse', () => {
    expect(readProfile('https://example.org/@ann')).to.equal(null)
    expect(readProfile('https://example.org/@ann', true)?.value).to.equal(
      'https://example.org/@ann',
    )
  })
})
