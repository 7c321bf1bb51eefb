// Records that want more than to be converted. Each is refused with its place and the reason.

import { expect } from 'chai'
import { LIMITS } from '../../../src/core/limits.js'
import { convert, oneTable } from './support.js'

const MAPPING = oneTable({ v: { path: 'v', type: 'text' } })
const of = (xml: string) => convert(MAPPING, xml)

function laughs(): string {
  const names = Array.from({ length: 10 }, (_, index) => `l${index}`)
  const entities = names.slice(1).map((name, index) => {
    return `<!ENTITY ${name} "${`&l${index};`.repeat(10)}">`
  })
  return `<!DOCTYPE r [<!ENTITY l0 "lol">${entities.join('')}]><r k="1"><v>&l9;</v></r>`
}

describe('hostile records', () => {
  it('are refused when they declare entities: bombs, and files and hosts from outside', () => {
    const bombs = [
      laughs(),
      `<!DOCTYPE r [<!ENTITY a "${'x'.repeat(100_000)}">]><r k="1"><v>${'&a;'.repeat(1_000)}</v></r>`,
      '<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]><r k="1"><v>&x;</v></r>',
      '<!DOCTYPE r [<!ENTITY % d SYSTEM "http://127.0.0.1/x.dtd"> %d;]><r k="1"><v>1</v></r>',
      '<!DOCTYPE r SYSTEM "http://127.0.0.1/x.dtd"><r k="1"><v>1</v></r>',
      '<!DOCTYPE r PUBLIC "a" "http://127.0.0.1/x.dtd"><r k="1"/>',
    ]
    for (const bomb of bombs) {
      expect(of(bomb), bomb.slice(0, 60)).to.contain(
        '/r: a document type (DOCTYPE) is not accepted',
      )
    }
  })

  it('are refused when they use an entity that nobody declared', () => {
    expect(of('<r k="1"><v>&nbsp;</v></r>')).to.contain('/r/v: ').and.contain('undefined entity')
  })

  it('are refused when they are not well-formed, with the place', () => {
    const broken: readonly (readonly [xml: string, words: string])[] = [
      ['<r k="1"><v>1</r>', 'unexpected close tag'],
      ['<r k="1"><v>1</v>', 'unclosed tag'],
      ['<r k="1"><v>a & b</v></r>', '/r/v: '],
      ['<r k="1" k="2"/>', 'duplicate attribute'],
      ['<r k=1/>', 'unquoted attribute value'],
      ['<r k="1"/><r k="2"/>', 'documents may contain only one root'],
      ['<r k="1"><x:v/></r>', 'unbound namespace prefix'],
      ['<r k="1"><v>\u0000</v></r>', 'disallowed character'],
      ['<r k="1"><v>\u0001</v></r>', 'disallowed character'],
      ['<r k="1"><v>&#0;</v></r>', 'malformed character entity'],
      ['<r k="1"><v>]]></v></r>', ']]>'],
      ['', 'must contain a root element'],
      ['no xml at all', 'text data outside of root node'],
      ['{"k": 1}', 'text data outside of root node'],
    ]
    for (const [xml, words] of broken) expect(of(xml), xml).to.contain('/r').and.contain(words)
  })

  it('are refused when their elements are nested too deep or they are too large', () => {
    const deep = LIMITS.recordDepthMax
    const nested = (levels: number) =>
      `<r k="1">${'<x>'.repeat(levels)}${'</x>'.repeat(levels)}</r>`
    expect(of(nested(deep - 1))).to.be.an('object')
    expect(of(nested(deep))).to.contain('nested deeper than')
    const large = `<r k="1"><v>${'x'.repeat(LIMITS.recordBytesMax)}</v></r>`
    expect(of(large)).to.contain('larger than')
  })

  it('have names that no object knows by itself, and nothing comes of it', () => {
    const mapping = oneTable({ constructor: { path: '__proto__/toString', type: 'text' } })
    const xml = '<r k="1"><__proto__><toString>x</toString></__proto__></r>'
    const row = (rows: unknown) => JSON.stringify(rows)
    expect(row(convert(mapping, xml))).to.equal('{"t":[{"k":"1","constructor":"x"}]}')
    expect(row(convert(mapping, '<r k="1"/>'))).to.equal('{"t":[{"k":"1","constructor":null}]}')
  })
})
