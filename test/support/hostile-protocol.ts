// Misdeeds against HTTP itself, as bytes: what is sent, and whether the connection is closed then.

import type { Socket } from 'node:net'

const OK = 'HTTP/1.1 200 OK\r\ncontent-type: text/html\r\n'
const CHUNKED = `${OK}transfer-encoding: chunked\r\n\r\n`

const say = (words: string) => (socket: Socket) => void socket.write(Buffer.from(words, 'latin1'))
const sayAndEnd = (words: string) => (socket: Socket) =>
  void socket.end(Buffer.from(words, 'latin1'))

/** Says the same for as long as the other side stays. */
const repeat = (words: string) => (socket: Socket) => {
  const write = () => {
    let takes = true
    while (takes && !socket.destroyed) takes = socket.write(words.repeat(100))
    if (!socket.destroyed) socket.once('drain', write)
  }
  write()
}

export const PROTOCOL_MISDEEDS: Readonly<Record<string, (socket: Socket) => void>> = {
  'length-negative': say(`${OK}content-length: -5\r\n\r\nhello`),
  'length-words': say(`${OK}content-length: five\r\n\r\nhello`),
  'length-huge': say(`${OK}content-length: 99999999999999999999999\r\n\r\nhello`),
  'length-two': say(`${OK}content-length: 5\r\ncontent-length: 9\r\n\r\nhello`),
  'length-list': say(`${OK}content-length: 5, 5\r\n\r\nhello`),
  'length-short': say(`${OK}content-length: 5\r\n\r\nhello and much more`),
  'length-and-chunks': say(
    `${OK}content-length: 3\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n`,
  ),
  'chunk-words': say(`${CHUNKED}zz\r\nhello\r\n0\r\n\r\n`),
  'chunk-negative': say(`${CHUNKED}-5\r\nhello\r\n0\r\n\r\n`),
  'chunk-huge': say(`${CHUNKED}ffffffffffffffffff\r\nhello\r\n0\r\n\r\n`),
  'chunk-long': say(`${CHUNKED}3\r\nhello\r\n0\r\n\r\n`),
  'http-0-9': sayAndEnd('<html>hello</html>'),
  'http-2': sayAndEnd('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
  garbage: sayAndEnd('\x00\xff\x16\x03\x01\x02garbage\r\n\r\n'),
  'endless-garbage': repeat('\x00\xff'),
  'endless-status': repeat('HTTP/1.1 200 O'),
  'endless-blank-lines': repeat('\r\n'),
  'status-zero': say('HTTP/1.1 000 Nothing\r\ncontent-length: 0\r\n\r\n'),
  'status-letters': say('HTTP/1.1 abc No\r\n\r\n'),
  'status-700': say('HTTP/1.1 700 What\r\ncontent-length: 0\r\n\r\n'),
  switching: say('HTTP/1.1 101 Switching\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n'),
  continue: say('HTTP/1.1 100 Continue\r\n\r\n'),
  'hints-flood': repeat('HTTP/1.1 103 Early Hints\r\nlink: </x.css>\r\n\r\n'),
  'header-split': say(`${OK}x-a: b\rx-c: d\r\ncontent-length: 5\r\n\r\nhello`),
  'header-nul': say(`${OK}x-a: b\x00c\r\ncontent-length: 5\r\n\r\nhello`),
  'header-blank-name': say(`${OK}: x\r\ncontent-length: 5\r\n\r\nhello`),
  // Names that every object of JavaScript has.
  'header-prototype': say(
    `${OK}__proto__: a\r\nconstructor: b\r\nconstructor: c\r\ntostring: d\r\n` +
      'content-length: 5\r\n\r\nhello',
  ),
  'coding-list': say(
    `${OK}content-encoding: gzip, gzip, gzip, gzip\r\ncontent-length: 5\r\n\r\nhello`,
  ),
  'coding-blank': say(`${OK}content-encoding: , identity,,\r\ncontent-length: 5\r\n\r\nhello`),
  'nul-bytes': say(`${OK}content-length: 7\r\n\r\nhe\x00l\x00lo`),
  'bad-utf8': say(`${OK.replace('html', 'html; charset=utf-8')}content-length: 6\r\n\r\nhell\xffo`),
  binary: say(`${OK}content-length: 12\r\n\r\n\x89PNG\r\n\x1a\n\x00\x00\x00\x0d`),
}
