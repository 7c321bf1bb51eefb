import { expect } from 'chai'
import fc from 'fast-check'
import { LIMITS } from '../../../src/core/limits.js'
import type { SinkDefinition } from '../../../src/workflow/define.js'
import { checkResult, cleanText } from '../../../workers/result-rows.js'

const sink: SinkDefinition = {
  table: 't',
  columns: { name: 'text', extra: 'jsonb' },
  key: ['name'],
}
const sinks = { found: sink, other: sink }
const check = (result: unknown) => checkResult(result, sinks)
const withExtra = (extra: unknown) => ({ found: [{ name: 'x', extra }] })

describe('workers/result-rows', () => {
  it('passes plain rows of several sinks', () => {
    const rows = { found: [{ name: 'a', extra: { deep: [1, 'b', null, true] } }], other: [] }
    expect(check(rows)).to.deep.equal(rows)
    expect(check({})).to.deep.equal({})
    expect(check(Object.create(null))).to.deep.equal({})
  })

  it('makes null of undefined and leaves out nothing else', () => {
    expect(check({ found: [{ name: undefined }] })).to.deep.equal({ found: [{ name: null }] })
  })

  it('cleans text in values and keys', () => {
    const lone = '\ud800'
    expect(check(withExtra({ [`k\0${lone}`]: [`v\0${lone}😀`] }))).to.deep.equal({
      found: [{ name: 'x', extra: { 'k\uFFFD': ['v\uFFFD😀'] } }],
    })
  })

  const refused: readonly (readonly [string, unknown, RegExp])[] = [
    ['undefined', undefined, /returned undefined.*Return \{\}/],
    ['a list', [], /returned a list/],
    ['a string', 'rows', /returned a string/],
    ['a class instance', new Map(), /returned a Map/],
    ['an unknown sink', { nowhere: [] }, /unknown sink "nowhere".*found, other/],
    ['a sink from the prototype', { toString: [] }, /unknown sink "toString"/],
    ['a row that is no object', { found: [7] }, /found\[0\] is the number 7/],
    ['an unknown column', { found: [{ nmae: 1 }] }, /found\[0\].*"nmae"/],
    ['a date', withExtra(new Date()), /found\[0\]\.extra is a Date/],
    ['a big integer', withExtra(5n), /is a bigint/],
    ['NaN', withExtra(Number.NaN), /the number NaN/],
    ['infinity', withExtra([1 / 0]), /the number Infinity/],
    ['a function', withExtra(() => 1), /a function/],
    ['a symbol', withExtra(Symbol('x')), /a symbol/],
    ['bytes', withExtra(Buffer.from('x')), /a Buffer|a Uint8Array/],
  ]
  for (const [what, result, message] of refused) {
    it(`refuses ${what}`, () => expect(() => check(result)).to.throw(message))
  }

  it('refuses what is nested without end', () => {
    const loop: Record<string, unknown> = {}
    loop.self = loop
    expect(() => check(withExtra(loop))).to.throw(/nested deeper/)
  })

  it('refuses more rows or bytes than the bounds', () => {
    const rows = (count: number) => Array.from({ length: count }, () => ({ name: 'x' }))
    const half = LIMITS.resultRowsMax / 2
    expect(() => check({ found: rows(half), other: rows(half) })).to.not.throw()
    expect(() => check({ found: rows(half), other: rows(half + 1) })).to.throw(/result rows/)
    const big = 'x'.repeat(LIMITS.resultBytesMax)
    expect(() => check(withExtra(big))).to.throw(/bytes/)
  })

  it('gives back any JSON as it is', () => {
    const json = fc.jsonValue({ noUnicodeString: true, maxDepth: 5 })
    fc.assert(
      fc.property(json, (value) => {
        const rows = check(withExtra(value))
        expect(JSON.stringify(rows)).to.equal(JSON.stringify(withExtra(value)))
      }),
    )
  })

  it('gives text without NUL and lone surrogates, and changes no other', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const clean = cleanText(text)
        expect(clean).to.not.include('\0')
        expect(() => encodeURIComponent(clean)).to.not.throw()
        if (!text.includes('\0') && Buffer.from(text).toString() === text) {
          expect(clean).to.equal(text)
        }
      }),
    )
  })
})
