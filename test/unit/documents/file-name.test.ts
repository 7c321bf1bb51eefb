import { expect } from 'chai'
import fc from 'fast-check'
import { digestName, fileNameOf, foldName } from '../../../src/documents/file-name.js'

const RESERVED = /^(con|prn|aux|nul|conin|conout|com[0-9¹²³]|lpt[0-9¹²³])(\.|$)/i

/** References as they come, and as somebody with bad intentions would write them. */
const references = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 300 }),
  fc.string({ unit: 'grapheme', maxLength: 300 }),
  fc.constantFrom(
    ...['', '.', '..', '../../etc/passwd', '/etc/passwd', 'C:\\x', 'a/b', 'a\\b', 'nul', 'CON.x'],
    ...['lpt1', 'COM¹', ' a ', 'a.', 'a\0b', 'a\u202Egpj', '\uD800', '-rf', 'é'.repeat(200), '~'],
    ...['.fetchyard-0', '.fetchyard', 'a\nb', '日本'.repeat(80), 'A'.repeat(5_000)],
  ),
)

describe('documents/file-name', () => {
  it('keeps ordinary references as they are', () => {
    for (const reference of ['DOC-00001', 'a', '2024.11 (3)', 'Rechnung Müller', 'x_y+z@1']) {
      expect(fileNameOf(reference)).to.deep.equal({ name: `${reference}.pdf`, isPlain: true })
    }
  })

  it('makes names that every system takes, in the directory and nowhere else', () => {
    fc.assert(
      fc.property(references, (reference) => {
        for (const name of [fileNameOf(reference).name, digestName(reference)]) {
          expect(Buffer.byteLength(name)).to.be.at.most(200)
          expect(name).to.match(/^[^.\s/\\:*?"<>|-][^/\\:*?"<>|]*\.pdf$/)
          expect(name).to.not.match(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u)
          expect(name).to.not.match(RESERVED)
          expect(name).to.not.match(/[.\s]$/)
        }
      }),
      { numRuns: 2_000 },
    )
  })

  it('never gives two references one name that was made up', () => {
    fc.assert(
      fc.property(references, references, (one, other) => {
        fc.pre(one !== other)
        const [a, b] = [fileNameOf(one), fileNameOf(other)]
        expect(foldName(digestName(one))).to.not.equal(foldName(digestName(other)))
        // A plain name may be folded into another plain one: the ledger tells these apart.
        if (!a.isPlain || !b.isPlain) expect(foldName(a.name)).to.not.equal(foldName(b.name))
        if (a.isPlain && b.isPlain) expect(a.name).to.not.equal(b.name)
      }),
      { numRuns: 2_000 },
    )
  })

  it('says the same name every time', () => {
    fc.assert(
      fc.property(references, (reference) => {
        expect(fileNameOf(reference)).to.deep.equal(fileNameOf(reference))
      }),
    )
  })
})
