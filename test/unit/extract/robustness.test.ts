import { expect } from 'chai'
import fc from 'fast-check'
import { EXTRACT_BOUNDS } from '../../../src/extract/bounds.js'
import { CONTACT_KINDS, FOUND_IN } from '../../../src/extract/contact.js'
import { readPage } from '../../../src/extract/read-page.js'
import { contactsOf } from './probe.js'

/** Pieces that markup of contact pages is made of, whole and broken. */
const PIECES = fc.oneof(
  fc.constantFrom(
    '<p>',
    '</p>',
    '<td>',
    '</tr>',
    '<table>',
    '<br>',
    '<!--',
    '-->',
    '<script>',
    '</script>',
    '<style',
    '>',
    '<a href="mailto:',
    '<a href="tel:',
    '">',
    "'",
    '&#64;',
    '&#0;',
    '&#xD800;',
    '&amp',
    '\u0000',
    '\ud83d',
    '\udc00',
    'info',
    '@',
    ' at ',
    '[at]',
    ' dot ',
    'example',
    '.com',
    '+49 ',
    '(0)',
    '303',
    '-',
    '824-4000',
    ' ext. ',
    'Fax: ',
    'Tel',
    '<script type="application/ld+json">',
    '{"@type":"Person","name":"Ann Green","email":"',
    '"}',
    '[[[[',
    'itemscope ',
    '<div itemscope itemtype="Person">',
    '<b itemprop="name">',
    '<div class="vcard">',
    '<b class="tel">',
    'Ann Green',
    'Owner',
    '© 2014 ',
    'Acme ',
    'Inc.',
    'String.fromCharCode(1,2,',
    'document.write("a"+',
    '<i data-cfemail="',
    '5a33343c35',
    'https://twitter.com/',
    '<a href="https://wa.me/',
    '%',
    '%E0%A4',
    '\u202e',
    '\u200b',
    '日本',
    '＠',
    '１２３',
  ),
  fc.string({ unit: 'binary', maxLength: 12 }),
)
const MARKUP = fc.array(PIECES, { maxLength: 60 }).map((pieces) => pieces.join(''))

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not occur.
const UNCLEAN = /[\u0000-\u001f\u007f-\u009f]|\p{Surrogate}/u
const WELL_FORMED: Readonly<Record<string, RegExp>> = {
  email: /^[^\s@]{1,64}@[^\s@]+\.[^\s@.]{2,}$/,
  phone: /^\+\d{7,15}(?:;ext=\d{1,10})?$|^[^+]*(?:\d[^\d]*){7,17}$/,
  fax: /^\+\d{7,15}(?:;ext=\d{1,10})?$|^[^+]*(?:\d[^\d]*){7,17}$/,
  social: /^https:\/\/\S+$/,
  organization: /\p{L}/u,
  person: /\p{L}/u,
}

describe('extract/robustness', () => {
  it('gives well-formed contacts for any markup, the same ones each time', () => {
    fc.assert(
      fc.property(MARKUP, (html) => {
        const contacts = contactsOf(html)
        expect(contacts).to.deep.equal(contactsOf(html))
        const keys = contacts.map(({ kind, value }) => `${kind} ${value}`)
        expect(new Set(keys).size).to.equal(keys.length)
        for (const { kind, value, shown, name, role, foundIn, confidence } of contacts) {
          expect(CONTACT_KINDS).to.include(kind)
          expect(FOUND_IN).to.include(foundIn)
          expect(value).to.match(WELL_FORMED[kind] ?? /^$/)
          expect(confidence).to.be.within(0, 1)
          for (const text of [value, shown, name, role]) {
            if (text === null) continue
            expect(text).not.to.match(UNCLEAN)
            expect(text.length).to.be.within(1, EXTRACT_BOUNDS.valueCharsMax)
          }
        }
      }),
      { numRuns: 1_000 },
    )
  })

  const HOSTILE: readonly (readonly [title: string, piece: string])[] = [
    ['opening tags', '<b>'],
    ['nested blocks', '<div class="vcard tel" itemscope itemprop="name">'],
    ['at signs', 'a@'],
    ['words that say at', 'a at '],
    ['brackets that say at', '(at) '],
    ['digits', '1'],
    ['digit groups', '12 34 '],
    ['opening brackets', '('],
    ['capitalised words', 'Ann Green '],
    ['dots', 'a.'],
    ['table cells', '<td>1<td>'],
    ['quotes in a script', `<script>document.write('a'+'@'+"b"</script>`],
    ['brackets of JSON', '<script type="application/ld+json">[[[[</script>'],
    ['copyright signs', '© '],
    ['spaces', ' \t'],
    ['letters', 'A'],
  ]
  // Nothing is timed: a quadratic step over a megabyte would run into the test's own timeout.
  for (const [title, piece] of HOSTILE) {
    it(`reads a megabyte of ${title} within its bounds`, () => {
      const html = piece.repeat(Math.ceil(1_048_576 / piece.length))
      const contacts = contactsOf(`${html}<p>info@example.com`)
      expect(contacts.length).to.be.at.most(EXTRACT_BOUNDS.contactsMax)
    })
  }

  it('reads a page of five megabytes to its end', () => {
    const filler = '<p>Lorem ipsum dolor sit amet, 12 consectetur 2014 elit.</p>\n'
    const html = filler.repeat(Math.ceil((4 * 1_048_576) / filler.length))
    const end = `<!--${'x'.repeat(1_048_576)}--><p>Fax: 303-824-4001 info@example.com`
    expect(contactsOf(html + end).map(({ value }) => value)).to.have.members([
      'info@example.com',
      '+13038244001',
    ])
  })

  it('folds white space as a browser does and keeps cells of a row apart', () => {
    const html = '<p> a \n b<b>c</b></p><table><tr><td>d<td> e</tr><tr><td>f</table>g<br>h'
    expect(readPage(html).text).to.equal('a bc\nd\te\nf\ng\nh')
  })

  it('keeps a character whole that lies across two chunks', () => {
    const html = `${'x'.repeat(EXTRACT_BOUNDS.chunkChars - 1)}\u{1f4de}`
    expect(readPage(html).text.endsWith('\u{1f4de}')).to.equal(true)
  })
})
