import { expect } from 'chai'
import { findAddress, parseAddress } from '../../../supervisor/cli/top/address.js'
import {
  showBytes,
  showRate,
  showShare,
  sparkline,
  thinned,
} from '../../../supervisor/cli/top/format.js'
import { readFrame } from '../../../supervisor/cli/top/frame.js'
import { keyOf, tokensOf } from '../../../supervisor/cli/top/keys.js'
import { bold, showLine, spread, table } from '../../../supervisor/cli/top/lines.js'
import type { LinkView } from '../../../supervisor/cli/top/live-link.js'
import { drawPage, FIRST_PAGE, pressed } from '../../../supervisor/cli/top/page.js'
import { parseWebNote } from '../../../supervisor/cli/web-notes.js'

const OUT = { columns: 20, hasColor: false }

describe('supervisor/top', () => {
  describe('addresses', () => {
    const table: readonly [text: string, url: string | null, token: string | null][] = [
      ['http://127.0.0.1:9310/#token=abc', 'ws://127.0.0.1:9310/live', 'abc'],
      ['127.0.0.1:9310', 'ws://127.0.0.1:9310/live', 'own'],
      ['https://yard.example/#token=a%2Bb', 'wss://yard.example/live', 'a+b'],
      ['https://yard.example/folder/', 'wss://yard.example/folder/live', 'own'],
      ['ws://yard.example/live', 'ws://yard.example/live', 'own'],
      ['[::1]:80', 'ws://[::1]/live', 'own'],
      ['ftp://yard.example/', null, null],
      ['http://user:word@yard.example/', null, null],
      ['http://', null, null],
    ]
    for (const [text, url, token] of table) {
      it(`reads ${text}`, () => {
        const address = parseAddress(text, 'own')
        expect(address?.url ?? null).to.equal(url)
        expect(address?.token ?? null).to.equal(token)
        expect(address?.name ?? '').to.not.contain('token')
      })
    }

    it('needs a token from somewhere, and says so', async () => {
      expect(parseAddress('127.0.0.1', null)).to.equal(null)
      const settings = { host: '127.0.0.1', port: 9_310, token: null, dataDir: '/nowhere' }
      const request = { settings, cwd: '/' }
      expect(await findAddress({ ...request, given: null })).to.equal(null)
      const problem = await findAddress({ ...request, given: 'ftp://x' }).catch((error) => error)
      expect(problem).to.have.property('code', 'USAGE')
    })

    it('takes a node of a chosen token where it listens by the options', async () => {
      const settings = { host: '0.0.0.0', port: 80, token: 'chosen', dataDir: '/nowhere' }
      const address = await findAddress({ given: null, settings, cwd: '/' })
      expect(address).to.deep.include({ url: 'ws://localhost/live', token: 'chosen' })
    })

    it('makes nothing of a note that is none', () => {
      for (const text of ['', '{', '[]', '{"url":1,"pid":1,"startedAtMs":1}']) {
        expect(parseWebNote(text)).to.equal(null)
      }
    })
  })

  describe('frames', () => {
    const wrong = [
      'no json',
      '[]',
      '{"t":"of-the-future"}',
      '{"t":"snap","topic":"stats","seq":1,"ts":1,"d":{"x":null}}',
      '{"t":"snap","topic":"stats","seq":1,"ts":1,"d":[1]}',
      '{"t":"delta","topic":7,"seq":1,"ts":1,"d":{}}',
    ]
    for (const text of wrong) {
      it(`reads nothing from ${text}`, () => expect(readFrame(text)).to.equal(null))
    }

    it('reads a patch, which may take keys away', () => {
      const text = '{"t":"delta","topic":"stats","seq":2,"ts":1,"d":{"x":null,"y":{"z":[1,"a"]}}}'
      expect(readFrame(text)).to.deep.equal(JSON.parse(text))
    })
  })

  describe('figures', () => {
    it('draw a line of blocks, as high as the highest, with gaps where none is known', () => {
      expect(sparkline([0, 1, null, 4, 8], 10)).to.equal('▁▂ ▅█')
      expect(sparkline([1, 2, 3, 4], 2)).to.equal('▇█')
      expect(sparkline([0, 0], 5)).to.equal('▁▁')
      expect(sparkline([], 5)).to.equal('')
      expect(sparkline([1], -3)).to.equal('')
    })

    it('tell many seconds by their mean, and keep their column while seconds pass', () => {
      const points = (from: number) =>
        Array.from({ length: 30 }, (_, at): [number, number] => [from + at, from + at])
      expect(thinned(points(0), 10)).to.deep.equal([1, 4, 7, 10, 13, 16, 19, 22, 25, 28])
      expect(thinned(points(1), 10).slice(1, 9)).to.deep.equal([4, 7, 10, 13, 16, 19, 22, 25])
      expect(thinned([[5, null]], 10)).to.deep.equal([null])
    })

    it('say 100 % only when nothing is missing, and no unit too many', () => {
      expect(showShare(0.99999)).to.equal('99.9 %')
      expect(showShare(1)).to.equal('100 %')
      expect([showRate(0), showRate(3.456), showRate(34.56), showRate(345.6)]).to.deep.equal([
        '0/s',
        '3.46/s',
        '34.6/s',
        '346/s',
      ])
      expect([showBytes(0), showBytes(1_023), showBytes(1_536), showBytes(3e9)]).to.deep.equal([
        '0 B',
        '1023 B',
        '1.5 KiB',
        '2.8 GiB',
      ])
    })
  })

  describe('lines', () => {
    it('are cut at the last column, and carry nothing that steers a terminal', () => {
      expect(showLine(['a'.repeat(30)], OUT)).to.equal('a'.repeat(20))
      expect(showLine(['a\u001b[2Jb\u202e'], OUT)).to.equal('a·[2Jb·')
      expect(showLine([bold('abc'), 'd'], { columns: 2, hasColor: true })).to.equal(
        '\u001b[1mab\u001b[22m',
      )
    })

    it('lose their right end when there is no room for both', () => {
      expect(showLine(spread(['left'], ['right'], 20), OUT)).to.equal('left           right')
      expect(spread(['left'], ['right'], 10)).to.deep.equal(['left'])
    })

    it('have columns of figures at the right', () => {
      const lines = table(
        ['name', 'items'],
        [
          ['a', '5'],
          ['bb', '1 000'],
        ],
      )
      expect(lines.map((line) => showLine(line, OUT))).to.deep.equal([
        'name  items',
        'a         5',
        'bb    1 000',
      ])
    })
  })

  describe('keys', () => {
    it('are told apart when they come together', () => {
      const keys = tokensOf('2\u001b[Bj\u001b').map((token) => keyOf(token, false).does)
      expect(keys).to.deep.equal(['tab', 'down', 'down', 'escape'])
    })

    it('are text while a filter is typed', () => {
      let page = FIRST_PAGE
      for (const token of tokensOf('/q1\u007f?')) {
        page = pressed(page, keyOf(token, page.isTyping), 24) ?? page
      }
      expect(page).to.include({ isTyping: true, filter: 'q?' })
      const kept = pressed(page, { does: 'enter' }, 24)
      expect(kept).to.include({ isTyping: false, filter: 'q?' })
      expect(pressed(page, { does: 'quit' }, 24)).to.equal(null)
    })

    it('scroll no further than there are lines', () => {
      const events = Object.fromEntries(
        Array.from({ length: 20 }, (_, at) => [
          at + 1,
          { atMs: 0, level: 'info', words: `w${at}` },
        ]),
      )
      const view: LinkView = {
        status: 'live',
        ...{ words: '', name: '', server: '1', hasBeenLive: true },
        ...{ topics: { stats: {}, events }, serverMs: 0, lastFrameMs: 0 },
      }
      const around = { view, nowMs: 0, columns: 80, rows: 14 }
      const page = { ...FIRST_PAGE, tab: 4, scroll: 1_000 }
      const drawn = drawPage(page, around)
      expect(drawn.page.scroll).to.equal(10)
      expect(drawn.lines).to.have.length(14)
      expect(drawPage(FIRST_PAGE, { ...around, rows: 3 }).lines).to.have.length(3)
    })
  })
})
