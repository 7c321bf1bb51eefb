import { expect } from 'chai'
import { textFrame } from '../../supervisor/web/wire.js'

describe('web/wire', () => {
  const table: readonly [length: number, header: readonly number[]][] = [
    [0, [0x81, 0]],
    [125, [0x81, 125]],
    [126, [0x81, 126, 0, 126]],
    [65_535, [0x81, 126, 255, 255]],
    [65_536, [0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0]],
  ]
  for (const [length, header] of table) {
    it(`frames ${length} bytes as RFC 6455 has it, unmasked`, () => {
      const payload = Buffer.alloc(length, 'x')
      const frame = textFrame(payload)
      expect([...frame.subarray(0, header.length)]).to.deep.equal(header)
      expect(frame.subarray(header.length).equals(payload)).to.equal(true)
    })
  }
})
