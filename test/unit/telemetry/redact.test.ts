import { expect } from 'chai'
import fc from 'fast-check'
import { redactFields, redactText, redactValue } from '../../../src/telemetry/redact.js'

describe('telemetry/redact', () => {
  const cases: readonly [title: string, given: string, expected: string][] = [
    [
      'a query string',
      'GET https://api.example.com/v1?api_key=SECRET&url=https%3A%2F%2Fa.b failed',
      'GET https://api.example.com/v1?[redacted] failed',
    ],
    ['a fragment', 'at http://127.0.0.1:80/#token=SECRET.', 'at http://127.0.0.1:80/?[redacted]'],
    [
      'user and password of a URL',
      'postgres://admin:SECRET@db.example:5432/yard',
      'postgres://db.example:5432/yard',
    ],
    ['a password with an @', 'postgres://u:SEC@RET@db/yard', 'postgres://db/yard'],
    ['a bearer token', 'sent Bearer SECRET.SECRET-1 to it', 'sent Bearer [redacted] to it'],
    ['an assignment', 'password=SECRET, then', 'password=[redacted], then'],
    ['a quoted assignment', '{"apiKey": "SECRET WORDS"}', '{"apiKey": [redacted]}'],
  ]
  for (const [title, given, expected] of cases) {
    it(`removes ${title}`, () => {
      expect(redactText(given)).to.equal(expected)
    })
  }

  it('leaves ordinary words alone', () => {
    const words = 'Leased 17 items of contacts; https://example.com/a/b says hello'
    expect(redactText(words)).to.equal(words)
  })

  it('disarms whatever could forge a line or drive a terminal', () => {
    expect(redactText('a\nb\r\u001b[31mc\u202ed\u0085')).to.equal(
      'a\\u000ab\\u000d\\u001b[31mc\\u202ed\\u0085',
    )
  })

  it('lets no control character and no more than a bounded text through', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (given) => {
        // biome-ignore lint/suspicious/noControlCharactersInRegex: looked for on purpose.
        expect(redactText(given)).to.not.match(/[\u0000-\u001f\u007f-\u009f\u2028\u202e]/)
      }),
    )
    expect(redactText('x'.repeat(100_000)).length).to.equal(4_096)
  })

  it('removes values of fields named like secrets, however deep', () => {
    const shown = redactFields({
      a: { b: { Authorization: 'SECRET', sessionId: ['SECRET'] } },
      tokens: 12,
      note: 'fine',
    })
    expect(JSON.stringify(shown)).to.not.contain('SECRET')
    expect(shown).to.include({ tokens: 12, note: 'fine' })
  })

  it('turns errors into plain data without their secrets', () => {
    const cause = new Error('at postgres://u:SECRET@db/yard')
    const shown = redactValue(new Error('password=SECRET', { cause }))
    expect(JSON.stringify(shown)).to.not.contain('SECRET')
    expect(shown).to.have.keys('type', 'message', 'stack', 'cause')
  })

  it('ends with values that never end', () => {
    const endless: Record<string, unknown> = {}
    endless.self = endless
    expect(() => JSON.stringify(redactValue(endless))).to.not.throw()
  })
})
