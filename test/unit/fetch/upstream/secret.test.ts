import { expect } from 'chai'
import fc from 'fast-check'
import { createScrubber } from '../../../../src/fetch/upstream/secret.js'

const SECRET = 'Ab+c/d=e f&g"h<1?2'

/** What others make of a key that they repeat. */
const REPEATED: readonly (readonly [string, string])[] = [
  ['as it is', SECRET],
  ['in a query', encodeURIComponent(SECRET)],
  [
    'in a query, in small letters',
    encodeURIComponent(SECRET).replaceAll(/%../g, (s) => s.toLowerCase()),
  ],
  ['in a URL', encodeURI(SECRET)],
  ['in a form', 'Ab%2Bc%2Fd%3De+f%26g%22h%3C1%3F2'],
  ['in a page', 'Ab+c/d=e f&amp;g&quot;h&lt;1?2'],
  ['in JSON', 'Ab+c/d=e f&g\\"h<1?2'],
  ['in JSON that escapes slashes', 'Ab+c\\/d=e f&g"h<1?2'],
]

describe('the scrubber of secrets', () => {
  const scrub = createScrubber(SECRET)

  for (const [where, text] of REPEATED) {
    it(`finds the secret ${where}, more than once`, () => {
      expect(scrub(`the key ${text} and ${text}.`)).to.equal('the key [key] and [key].')
    })
  }

  it('hides what is left of it where a text was cut', () => {
    const text = `redirected to "https://api.example/?api_key=${encodeURIComponent(SECRET)}`
    for (let length = text.indexOf('Ab') + 8; length < text.length; length += 1) {
      expect(scrub(`${text.slice(0, length)}": no`), `cut at ${length}`).to.match(
        /^redirected to "https:\/\/api\.example\/\?api_key=\[key\](%[0-9A-F]?)?.{0,2}": no$/,
      )
    }
  })

  it('leaves every other text as it is', () => {
    expect(scrub('HTTP 500 of the API: Request failed. [key] Ab+c/d')).to.equal(
      'HTTP 500 of the API: Request failed. [key] Ab+c/d',
    )
  })

  it('leaves nothing of a plain key in any text that holds it', () => {
    fc.assert(
      fc.property(fc.uuid(), fc.string(), fc.string(), (key, before, after) => {
        const said = createScrubber(key)(`${before}${key}${after}`)
        expect(said).to.not.contain(key)
      }),
    )
  })
})
