import { expect } from 'chai'
import iconv from 'iconv-lite'
import { type CountryCode, findPhoneNumbersInText } from 'libphonenumber-js/max'
import { seededRandom } from '../../../src/core/random.js'
import { dealBehaviours, latencyMs, truthOf } from '../../../supervisor/demo/site/behaviours.js'
import {
  type DemoPage,
  htmlOf,
  LOCALES,
  makeDirectory,
  pageTruth,
} from '../../../supervisor/demo/site/directory.js'
import { ENCODINGS } from '../../../supervisor/demo/site/encodings.js'
import { CONTACT_LAYOUTS, HOME_LAYOUTS } from '../../../supervisor/demo/site/layouts.js'

const SEED = 7
const sites = makeDirectory(SEED, 500)
const pages = sites.flatMap(({ home, contact }) => [home, contact])

function countBy(values: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>()
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1)
  return counts
}

/** Text of a page without what nobody reads. Elements stay apart, so no two digits run together. */
function readable(html: string): string {
  return html
    .replace(/<(style|script)[^>]*>[\s\S]*?<\/\1>/g, ' ')
    .replace(/<[^>]*>/g, ' ; ')
    .replace(/&#x([0-9a-f]+);/g, (_all, hex: string) =>
      String.fromCharCode(Number.parseInt(hex, 16)),
    )
    .replace(/&#([0-9]+);/g, (_all, code: string) => String.fromCharCode(Number(code)))
    .replace(/&amp;/g, '&')
}

function uncovered(html: string): string[] {
  return [...html.matchAll(/data-cfemail="([0-9a-f]+)"/g)].map(([, hex = '']) => {
    const [key = 0, ...bytes] = Buffer.from(hex, 'hex')
    return Buffer.from(bytes.map((byte) => byte ^ key)).toString()
  })
}

function shown(page: DemoPage, kinds: readonly string[]): string[] {
  const truth = pageTruth(SEED, { ...page, behaviour: { kind: 'plain' } })
  if (truth.fate !== 'ok') return []
  return truth.contacts.filter(({ kind }) => kinds.includes(kind)).map(({ value }) => value)
}

describe('demo/site/directory', () => {
  it('is the same for the same seed, to the letter', () => {
    const again = makeDirectory(SEED, 500)

    expect(again).to.deep.equal(sites)
    expect(htmlOf(SEED, again[3]?.contact ?? fail())).to.equal(
      htmlOf(SEED, sites[3]?.contact ?? fail()),
    )
  })

  it('differs from seed to seed', () => {
    const slugs = (seed: number) => makeDirectory(seed, 50).map(({ business }) => business.slug)

    expect(slugs(1)).to.not.deep.equal(slugs(2))
  })

  it('has 500 sites of different names, a quarter of them with a host of their own', () => {
    expect(new Set(sites.map(({ business }) => business.slug)).size).to.equal(500)
    expect(sites.filter(({ hasOwnHost }) => hasOwnHost)).to.have.length(125)
    expect(sites.filter(({ concurrencyMax }) => concurrencyMax === 1)).to.have.length(50)
  })

  it('uses every language, layout and encoding', () => {
    const locales = countBy(sites.map(({ business }) => business.locale.tag))
    const layouts = countBy(pages.map(({ description }) => description.layout))
    const encodings = new Set(pages.map(({ description }) => description.encoding))

    expect([...locales.values()]).to.deep.equal(LOCALES.map(() => 100))
    expect(layouts).to.have.all.keys(...Object.keys({ ...CONTACT_LAYOUTS, ...HOME_LAYOUTS }))
    expect(encodings.size).to.equal(ENCODINGS.length)
  })

  it('draws pages of 8 to 40 kB', () => {
    const sizes = pages.map((page) => Buffer.byteLength(htmlOf(SEED, page)))

    expect(Math.min(...sizes)).to.be.greaterThan(8_000)
    expect(Math.max(...sizes)).to.be.lessThan(40_000)
  })

  it('writes nothing that windows-1252 cannot carry', () => {
    for (const page of pages) {
      const html = htmlOf(SEED, page)
      expect(iconv.decode(iconv.encode(html, 'windows-1252'), 'windows-1252')).to.equal(html)
    }
  })

  it('shows valid numbers, exactly those of its truth, wherever they can be read', () => {
    for (const page of pages) {
      const { business, layout } = page.description
      const defaultCountry = business.locale.country as CountryCode
      const found = findPhoneNumbersInText(readable(htmlOf(SEED, page)), defaultCountry)
      const numbers = new Set(found.map(({ number }) => String(number.number)))
      const expected = shown(page, layout === 'jsonLd' ? ['phone'] : ['phone', 'fax'])

      expect([...numbers].sort(), page.id).to.deep.equal([...expected].sort())
      expect(
        found.every(({ number }) => number.isValid()),
        page.id,
      ).to.equal(true)
    }
  })

  it('shows every address, organization, person and profile of its truth', () => {
    for (const page of pages) {
      const html = htmlOf(SEED, page)
      const text = `${readable(html)} ${uncovered(html).join(' ')}`.replace(
        / ?[[({](at|dot)[\])}] ?/g,
        (_all, word) => (word === 'at' ? '@' : '.'),
      )
      for (const value of shown(page, ['email', 'organization', 'person'])) {
        const isShown = text.includes(value) || html.includes(`"mailto:${value}"`)
        expect(isShown, `${page.id}: ${value}`).to.equal(true)
      }
      for (const profile of shown(page, ['social'])) expect(html).to.include(`href="${profile}"`)
    }
  })
})

describe('demo/site/behaviours', () => {
  for (const count of [1, 5, 25, 40, 99, 100, 250, 500, 1_000]) {
    it(`lets at least 95% of the pages of ${count} sites end well`, () => {
      const dealt = dealBehaviours(seededRandom(count), count)
      const all = [...dealt.contact, ...dealt.home]
      const good = all.filter((behaviour) => truthOf(behaviour, []).fate === 'ok')

      expect(dealt.contact).to.have.length(count)
      expect(dealt.home).to.have.length(count)
      expect(good.length / all.length).to.be.at.least(0.95)
    })
  }

  it('never asks for more than three attempts where a page ends well', () => {
    for (const { behaviour } of pages) {
      const truth = truthOf(behaviour, [])
      if (truth.fate === 'ok') expect(truth.failedAttemptsMax).to.be.at.most(2)
    }
  })

  it('has every behaviour among 500 sites, and 2% of the pages gone', () => {
    const kinds = countBy(pages.map(({ behaviour }) => behaviour.kind))

    expect(kinds).to.have.all.keys(
      ...['plain', 'rate-limit', 'server-error', 'hang', 'truncate', 'reset', 'drip', 'redirect'],
      ...['redirect-loop', 'not-found', 'pdf'],
    )
    expect(kinds.get('not-found')).to.equal(20)
    expect(kinds.get('redirect-loop')).to.equal(1)
    expect(kinds.get('pdf')).to.equal(1)
  })

  it('deals what takes long to the sites that a run meets first', () => {
    const hangs = sites.flatMap(({ home, contact }, at) =>
      [home, contact].flatMap(({ behaviour }) => (behaviour.kind === 'hang' ? [at] : [])),
    )

    expect(hangs).to.have.length(9)
    expect(Math.max(...hangs)).to.be.below(250)
  })

  it('is slow by about 250 ms, never beyond 50 to 1500 ms', () => {
    const random = seededRandom(SEED)
    const delays = Array.from({ length: 2_001 }, () => latencyMs(random)).sort((a, b) => a - b)

    expect(delays[0]).to.be.at.least(50)
    expect(delays[1_000]).to.be.within(230, 270)
    expect(delays[2_000]).to.be.at.most(1_500)
  })
})

function fail(): never {
  throw new Error('the directory is too short')
}
