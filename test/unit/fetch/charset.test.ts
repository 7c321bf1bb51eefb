import { expect } from 'chai'
import fc from 'fast-check'
import iconv from 'iconv-lite'
import { decodeText } from '../../../src/fetch/charset.js'
import { declaredCharset } from '../../../src/fetch/charset-prescan.js'
import { parseContentType } from '../../../src/fetch/content-type.js'

const meta = (label: string) => `<meta charset="${label}">`

describe('fetch/charset', () => {
  describe('labels', () => {
    const samples: readonly (readonly [string, string, string])[] = [
      ['utf-8', 'utf-8', 'Grüße € 漢字'],
      ['UTF8', 'utf-8', 'Grüße'],
      ['iso-8859-1', 'windows-1252', 'Grüße'],
      ['latin1', 'windows-1252', 'çà'],
      ['us-ascii', 'windows-1252', 'plain'],
      ['windows-1252', 'windows-1252', '5 € – “quoted”'],
      ['cp1252', 'windows-1252', '€'],
      ['iso-8859-2', 'iso-8859-2', 'Łódź'],
      ['iso-8859-15', 'iso-8859-15', '5 €'],
      ['iso-8859-16', 'iso-8859-16', 'Țară'],
      ['windows-1250', 'windows-1250', 'Žluťoučký'],
      ['windows-1251', 'windows-1251', 'Привет'],
      ['windows-1253', 'windows-1253', 'Καλημέρα'],
      ['windows-1254', 'windows-1254', 'Işık'],
      ['windows-1255', 'windows-1255', 'שלום'],
      ['windows-1256', 'windows-1256', 'مرحبا'],
      ['koi8-r', 'koi8-r', 'Привет'],
      ['shift_jis', 'shift_jis', 'こんにちは'],
      ['euc-jp', 'euc-jp', 'こんにちは'],
      ['euc-kr', 'euc-kr', '안녕하세요'],
      ['gb2312', 'gbk', '你好'],
      ['gb18030', 'gb18030', '你好'],
      ['big5', 'big5', '你好嗎'],
      ['cp437', 'cp437', 'façade'],
    ]
    for (const [label, charset, text] of samples) {
      const bytes = iconv.encode(text, label === 'us-ascii' ? 'ascii' : label)
      it(`reads ${label} by the header`, () => {
        expect(decodeText(bytes, label)).to.deep.equal({ text, charset })
      })
      it(`reads ${label} by the markup`, () => {
        const page = Buffer.concat([Buffer.from(meta(label)), bytes])
        expect(decodeText(page, null)).to.deep.equal({ text: meta(label) + text, charset })
      })
    }

    for (const label of ['klingon', '', 'utf-7', 'hex', 'base64', 'binary', 'replacement']) {
      it(`passes over the label ${JSON.stringify(label)}`, () => {
        expect(decodeText(Buffer.from('Grüße'), label).text).to.equal('Grüße')
      })
    }
  })

  // The TextDecoder of some releases of Node reads windows-1252 as Latin-1.
  it('reads every upper byte of the one-byte encodings as iconv-lite does', () => {
    const labels = ['windows-1252', 'iso-8859-2', 'iso-8859-5', 'iso-8859-7', 'iso-8859-15']
    labels.push('windows-1250', 'windows-1251', 'windows-1254', 'koi8-r', 'ibm866')
    // Not koi8-u: WHATWG and iconv-lite differ in two letters, and releases of Node between them.
    const bytes = Buffer.from(Array.from({ length: 128 }, (_, n) => 128 + n))
    for (const label of labels) {
      const ours = decodeText(bytes, label).text
      const theirs = iconv.decode(bytes, label)
      for (const [index, char] of [...theirs].entries()) {
        // Bytes without a meaning: WHATWG makes control characters of them, iconv-lite U+FFFD.
        if (char !== '\uFFFD') expect(ours[index], `${label} ${index}`).to.equal(char)
      }
    }
  })

  describe('order of evidence', () => {
    const utf8 = Buffer.from('Grüße')

    it('a byte order mark beats everything', () => {
      const marked = Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), utf8])
      expect(decodeText(marked, 'iso-8859-1')).to.deep.equal({ text: 'Grüße', charset: 'utf-8' })
      const little = Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from('Grüße', 'utf16le')])
      expect(decodeText(little, 'utf-8')).to.deep.equal({ text: 'Grüße', charset: 'utf-16le' })
      const big = Buffer.from(little).swap16()
      expect(decodeText(big, null)).to.deep.equal({ text: 'Grüße', charset: 'utf-16be' })
    })

    it('the header beats the markup', () => {
      const page = Buffer.from(`${meta('windows-1251')}ü`)
      expect(decodeText(page, 'utf-8').text).to.contain('ü')
    })

    it('the markup beats the guess', () => {
      expect(decodeText(Buffer.from(`${meta('iso-8859-1')}ü`), null).text).to.contain('Ã¼')
    })

    it('UTF-8 is the guess, windows-1252 when it is none', () => {
      expect(decodeText(utf8, null).charset).to.equal('utf-8')
      expect(decodeText(Buffer.from([0x80, 0x20, 0xfc]), null)).to.deep.equal({
        text: '€ ü',
        charset: 'windows-1252',
      })
    })

    it('UTF-16 without a mark is seen by its zeros', () => {
      const little = Buffer.from('<html>ü', 'utf16le')
      expect(decodeText(little, null)).to.deep.equal({ text: '<html>ü', charset: 'utf-16le' })
      const big = Buffer.from(little).swap16()
      expect(decodeText(big, null)).to.deep.equal({ text: '<html>ü', charset: 'utf-16be' })
    })
  })

  describe('declarations in markup', () => {
    const filler = ' '.repeat(2_000)
    const cases: readonly (readonly [string, string | null])[] = [
      ['<meta charset=utf-8>', 'utf-8'],
      ["<META CHARSET = 'koi8-r' />", 'koi8-r'],
      ['<meta/charset="big5"/>', 'big5'],
      ['<meta http-equiv="Content-Type" content="text/html; charset=shift_jis">', 'shift_jis'],
      ['<meta content=\'text/html;charset="gbk"\' http-equiv=content-type>', 'gbk'],
      ['<meta name="x" content="text/html; charset=gbk">', null],
      ['<!-- <meta charset=koi8-r> --><meta charset=utf-8>', 'utf-8'],
      ['<!--> <meta charset=utf-8>', 'utf-8'],
      ['<!-- <meta charset=koi8-r>', null],
      ['<a title="<meta charset=koi8-r>"><meta charset=utf-8>', 'utf-8'],
      ['<metadata charset=koi8-r><meta charset=utf-8>', 'utf-8'],
      ['<meta charset=koi8-r charset=utf-8>', 'koi8-r'],
      ['<meta charset="">', null],
      ['<meta charset', null],
      ['a < b <meta charset=utf-8>', 'utf-8'],
      ['<?xml version="1.0" encoding="ISO-8859-2"?><a/>', 'ISO-8859-2'],
      ["\n<?xml version='1.0' encoding = 'utf-8'?>", 'utf-8'],
      [`${filler}<meta charset=utf-8>`, 'utf-8'],
      [`${filler}${filler}${filler}<meta charset=utf-8>`, null],
    ]
    for (const [markup, expected] of cases) {
      it(`${markup.trim().slice(0, 70)}: ${expected}`, () => {
        expect(declaredCharset(Buffer.from(markup))).to.equal(expected)
      })
    }

    it('takes UTF-16 in ASCII markup for a mistake', () => {
      const page = Buffer.from(`${meta('utf-16')}ü`)
      expect(decodeText(page, null).charset).to.equal('utf-8')
    })
  })

  it('reads any bytes under any label without throwing', () => {
    const label = fc.option(fc.oneof(fc.string(), fc.constantFrom('utf-16', 'big5', 'cp437')))
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), label, (bytes, name) => {
        const decoded = decodeText(Buffer.from(bytes), name)
        expect(decoded.text).to.be.a('string')
      }),
    )
  })

  it('finds its way through any markup', () => {
    const piece = fc.constantFrom(
      '<',
      '<!--',
      '-->',
      '<meta ',
      'charset=',
      '"',
      "'",
      '>',
      '/',
      ' ',
      'x',
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 200 }), (pieces) => {
        declaredCharset(Buffer.from(pieces.join('')))
      }),
    )
  })
})

describe('fetch/content-type', () => {
  const cases: readonly (readonly [string | undefined, string, string | null])[] = [
    [undefined, '', null],
    ['', '', null],
    ['text/html', 'text/html', null],
    ['Text/HTML; Charset=UTF-8', 'text/html', 'UTF-8'],
    ['text/html;charset="utf-8"', 'text/html', 'utf-8'],
    ["text/html; charset='utf-8'", 'text/html', 'utf-8'],
    ['text/html; a=b; charset = koi8-r ; c=d', 'text/html', 'koi8-r'],
    ['text/html; charset=', 'text/html', null],
    ['text/html, text/html; charset=utf-8', 'text/html', 'utf-8'],
    ['application/xhtml+xml', 'application/xhtml+xml', null],
    ['charset=utf-8', '', null],
    ['nonsense', '', null],
  ]
  for (const [header, essence, charset] of cases) {
    it(`${JSON.stringify(header)}: ${essence}, ${charset}`, () => {
      expect(parseContentType(header)).to.deep.equal({ essence, charset })
    })
  }
})
