import { expect } from 'chai'
import { decodeBytes, readEncoding } from '../../../src/records/encoding.js'

const declared = (label: string) => Buffer.from(`<?xml version="1.0" encoding='${label}'?><a/>`)

describe('readEncoding', () => {
  it('takes the mark, then the declaration, then UTF-8', () => {
    const of = (head: Buffer) => readEncoding(head)
    expect(of(Buffer.from('<a/>'))).to.deep.equal({ label: 'utf-8', markBytes: 0, isWide: false })
    expect(of(Buffer.from('\uFEFF<a/>'))).to.include({ label: 'utf-8', markBytes: 3 })
    expect(of(declared('ISO-8859-1'))).to.include({ label: 'iso-8859-1', isWide: false })
    expect(of(Buffer.from('\uFEFF<a/>', 'utf16le'))).to.include({ label: 'utf-16le', isWide: true })
    expect(of(Buffer.from('<?xml ?>', 'utf16le'))).to.include({ label: 'utf-16le', markBytes: 0 })
  })

  it('refuses what it does not know and what contradicts itself', () => {
    const of = (head: Buffer) => JSON.stringify(readEncoding(head))
    expect(of(declared('EBCDIC-CP-US'))).to.contain('ebcdic-cp-us is not known')
    expect(of(declared('UTF-7'))).to.contain('utf-7 is not known')
    expect(of(declared('UTF-16'))).to.contain('declares the encoding utf-16 and is not in it')
    expect(of(Buffer.from([0xff, 0xfe, 0, 0]))).to.contain('UTF-32')
    const both = Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), declared('windows-1252')])
    expect(of(both)).to.contain('begins as UTF-8')
  })
})

describe('decodeBytes', () => {
  it('refuses bytes that are none in the encoding', () => {
    const latin = Buffer.from('café', 'latin1')
    expect(decodeBytes(latin, 'iso-8859-1')).to.deep.equal({ text: 'café' })
    expect(decodeBytes(latin, 'utf-8')).to.have.property('problem').that.contains('not in utf-8')
    expect(decodeBytes(latin, 'us-ascii')).to.have.property('problem').that.contains('us-ascii')
  })
})
