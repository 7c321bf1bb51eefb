import { expect } from 'chai'
import fc from 'fast-check'
import { applyPatch, diff, type LiveState } from '../../../src/telemetry/merge-patch.js'
import { applyPatch as applyInBrowser } from './browser-merge.js'

const leaf = fc.oneof(
  fc.integer(),
  fc.string({ maxLength: 4 }),
  fc.boolean(),
  fc.array(fc.integer(), { maxLength: 3 }),
)
const key = fc.constantFrom('a', 'b', 'c', '17', '9')
const state: fc.Arbitrary<LiveState> = fc.letrec<{ node: LiveState }>((tie) => ({
  node: fc.dictionary(key, fc.oneof({ depthSize: 'small' }, leaf, tie('node')), { maxKeys: 5 }),
})).node

describe('telemetry/merge-patch', () => {
  it('brings any state to any other, over JSON, for server and page alike', () => {
    fc.assert(
      fc.property(state, state, (previous, next) => {
        const patch = diff(previous, next)
        if (patch === undefined) {
          expect(next).to.deep.equal(previous)
          return
        }
        const received = JSON.parse(JSON.stringify(patch))
        expect(applyPatch(previous, received)).to.deep.equal(next)
        expect(applyInBrowser(previous, received)).to.deep.equal(next)
      }),
    )
  })

  it('says nothing when nothing changed', () => {
    const same = { a: 1, b: { c: [1, 2] } }
    expect(diff(same, structuredClone(same))).to.equal(undefined)
  })

  it('holds the changed keys only', () => {
    const previous = { a: 1, b: { c: 1, d: 2 }, gone: 'x' }
    expect(diff(previous, { a: 1, b: { c: 1, d: 3 } })).to.deep.equal({ b: { d: 3 }, gone: null })
  })

  it('treats an unknown value as an absent one', () => {
    expect(diff({ a: 1 }, { a: undefined })).to.deep.equal({ a: null })
    expect(diff({}, { a: undefined })).to.equal(undefined)
  })
})
