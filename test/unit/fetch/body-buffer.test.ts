import { expect } from 'chai'
import fc from 'fast-check'
import { BodyBuffer } from '../../../src/fetch/body-buffer.js'

describe('fetch/body-buffer', () => {
  it('gives back what was added, however it was cut', () => {
    const size = fc.oneof(fc.nat(3), fc.nat(300), fc.integer({ min: 16_000, max: 40_000 }))
    fc.assert(
      fc.property(fc.array(size, { maxLength: 40 }), (sizes) => {
        const buffer = new BodyBuffer()
        const chunks = sizes.map((length, n) => Buffer.alloc(length, n))
        for (const chunk of chunks) buffer.add(chunk)
        expect(buffer.take().equals(Buffer.concat(chunks))).to.equal(true)
        expect(buffer.take().length).to.equal(0)
      }),
    )
  })

  it('holds a short body in at most twice its size', () => {
    fc.assert(
      fc.property(fc.integer({ min: 512, max: 15_000 }), (bytes) => {
        const buffer = new BodyBuffer()
        buffer.add(Buffer.alloc(bytes))
        expect(buffer.take().buffer.byteLength).to.be.at.most(2 * bytes)
      }),
    )
  })

  it('keeps no view of what is much larger', () => {
    const buffer = new BodyBuffer()
    const read = Buffer.alloc(1_000_000, 'r')
    buffer.add(read.subarray(0, 20_000))
    const body = buffer.take()
    expect(body.buffer).to.not.equal(read.buffer)
    expect(body.toString()).to.equal('r'.repeat(20_000))
  })

  it('does not copy what is large and whole', () => {
    const buffer = new BodyBuffer()
    const read = Buffer.alloc(1_000_000)
    buffer.add(read)
    expect(buffer.take()).to.equal(read)
  })
})
