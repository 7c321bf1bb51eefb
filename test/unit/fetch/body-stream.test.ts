// Bodies that are handed over piece by piece, over real sockets.

import { once } from 'node:events'
import { createServer, type RequestListener, type Server } from 'node:http'
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib'
import { expect } from 'chai'
import { afterEach, describe, it } from 'mocha'
import type { ContentHead } from '../../../src/core/fetched-page.js'
import { createTally } from '../../../src/fetch/facts.js'
import type { Fetcher } from '../../../src/fetch/fetcher.js'
import { eventually } from '../../support/poll.js'
import { codeOf, makeFetcher } from './support.js'

const MEGABYTE = 1_048_576
const TEXT = Buffer.from('a page of some length\n'.repeat(20_000))

describe('fetch/body-stream', () => {
  let server: Server | null = null
  let fetcher: Fetcher | null = null

  async function serve(listener: RequestListener, options: Parameters<typeof makeFetcher>[0] = {}) {
    const started = createServer(listener).listen(0, '127.0.0.1')
    await once(started, 'listening')
    server = started
    fetcher = makeFetcher(options)
    const address = started.address()
    const port = typeof address === 'object' ? address?.port : 0
    return { fetcher, url: `http://127.0.0.1:${port}/` }
  }
  afterEach(async () => {
    await fetcher?.close()
    server?.closeAllConnections()
    server?.close()
  })

  const collector = () => {
    const pieces: Buffer[] = []
    let head: ContentHead | null = null
    const take = (piece: Buffer, of: ContentHead) => {
      head = of
      pieces.push(Buffer.from(piece))
      return true
    }
    return { take, bytes: () => Buffer.concat(pieces), head: () => head }
  }

  const CODINGS = [
    ['no coding', undefined, (body: Buffer) => body],
    ['gzip', 'gzip', gzipSync],
    ['deflate', 'deflate', deflateSync],
    ['bare deflate', 'deflate', deflateRawSync],
    ['br', 'br', brotliCompressSync],
    ['two codings', 'gzip, br', (body: Buffer) => brotliCompressSync(gzipSync(body))],
  ] as const
  for (const [what, coding, encode] of CODINGS) {
    it(`hands over a body with ${what}`, async () => {
      const { fetcher, url } = await serve((_, response) => {
        const headers = coding === undefined ? {} : { 'content-encoding': coding }
        response.writeHead(200, { 'content-type': 'text/plain; charset=latin1', ...headers })
        response.end(encode(TEXT))
      })
      const { take, bytes, head } = collector()
      const tally = createTally()
      const page = await fetcher.streamPage(url, take, { tally })

      expect(bytes().equals(TEXT)).to.equal(true)
      expect(head()).to.include({ contentType: 'text/plain', charset: 'latin1' })
      expect(page).to.include({ url, status: 200, contentType: 'text/plain', isWhole: true })
      expect(tally.bytes).to.equal(encode(TEXT).length)
    })
  }

  it('uses the connection again after a whole body', async () => {
    const { fetcher, url } = await serve((_, response) => response.end(TEXT))
    const tally = createTally()
    for (let n = 0; n < 3; n += 1) await fetcher.streamPage(url, () => true, { tally })
    expect(tally).to.include({ requests: 3, reusedRequests: 2 })
  })

  it('hands over nothing of a body that is not there', async () => {
    const { fetcher, url } = await serve((_, response) => response.writeHead(204).end())
    const { take, bytes, head } = collector()
    expect(await fetcher.streamPage(url, take)).to.include({ status: 204, isWhole: true })
    expect(bytes().length).to.equal(0)
    expect(head()).to.equal(null)
  })

  it('reads nothing more once the reader has enough', async () => {
    let sent = 0
    let isClosed = false
    const { fetcher, url } = await serve((_, response) => {
      response.once('close', () => {
        isClosed = true
      })
      const push = () => {
        while (!response.destroyed) {
          sent += 65_536
          if (!response.write(Buffer.alloc(65_536))) break
        }
      }
      response.on('drain', push)
      push()
    })
    let taken = 0
    const page = await fetcher.streamPage(url, (piece) => {
      taken += piece.length
      return taken < MEGABYTE
    })
    expect(page.isWhole).to.equal(false)
    await eventually({ words: 'the end of the connection' }, () => isClosed)
    expect(sent).to.be.below(32 * MEGABYTE)
  })

  it('does not read on while the reader thinks', async () => {
    let sent = 0
    const bodyTimeoutMs = 2_000
    const { fetcher, url } = await serve(
      (request, response) => {
        if (request.url === '/beside') return response.end()
        const push = () => {
          while (sent < 40 * MEGABYTE && !response.destroyed) {
            sent += 65_536
            if (!response.write(Buffer.alloc(65_536))) return
          }
          response.end()
        }
        response.on('drain', push)
        push()
      },
      // Our own pause is not the server's silence.
      { bodyTimeoutMs },
    )
    let wake = () => {}
    const thought = new Promise<void>((resolve) => {
      wake = resolve
    })
    let pieces = 0
    const fetched = fetcher.streamPage(url, async () => {
      pieces += 1
      if (pieces === 1) await thought
      return true
    })
    await eventually({ words: 'a first piece' }, () => pieces > 0)
    // Both ends are in this process: who read on would do so in each turn of its loop, and with
    // every answer of a request beside it the loop has turned.
    const startedMs = performance.now()
    for (let still = 0; still < 100 || performance.now() - startedMs < 2 * bodyTimeoutMs; ) {
      const before = sent
      await (await fetch(`${url}beside`)).arrayBuffer()
      still = sent === before ? still + 1 : 0
      if (sent === 40 * MEGABYTE) break
    }
    expect(pieces).to.equal(1)
    expect(sent).to.be.below(20 * MEGABYTE)
    wake()
    expect(await fetched).to.include({ isWhole: true })
    expect(sent).to.equal(40 * MEGABYTE)
  })

  it('throws what the reader throws', async () => {
    const { fetcher, url } = await serve((_, response) => response.end(TEXT))
    const error = await fetcher
      .streamPage(url, () => {
        throw new Error('not to my taste')
      })
      .catch((one: unknown) => one)
    expect(error).to.have.property('message', 'not to my taste')
  })

  const FAILURES = [
    ['truncated', 'gzip', gzipSync(TEXT).subarray(0, 200)],
    ['decode', 'gzip', gzipSync(TEXT).fill(0x55, 12)],
    ['decode', 'rot13', TEXT],
    ['decode', 'gzip, gzip, gzip, gzip', TEXT],
  ] as const
  for (const [code, coding, body] of FAILURES) {
    it(`fails by ${code} for a body of ${coding} that cannot be unfolded`, async () => {
      const { fetcher, url } = await serve((_, response) => {
        response.writeHead(200, { 'content-encoding': coding })
        response.end(body)
      })
      expect(await codeOf(fetcher.streamPage(url, () => true))).to.equal(code)
    })
  }

  it('fails by the status, and hands over nothing', async () => {
    const { fetcher, url } = await serve((_, response) => response.writeHead(404).end(TEXT))
    const { take, bytes } = collector()
    expect(await codeOf(fetcher.streamPage(url, take))).to.equal('http_4xx')
    expect(bytes().length).to.equal(0)
  })

  it('fails by truncated when the connection breaks in the middle', async () => {
    const { fetcher, url } = await serve((_, response) => {
      response.writeHead(200, { 'content-length': TEXT.length })
      response.write(TEXT.subarray(0, 1_000), () => response.destroy())
    })
    expect(await codeOf(fetcher.streamPage(url, () => true))).to.be.oneOf(['truncated', 'reset'])
  })

  it('ends with its caller, also while the reader thinks', async () => {
    const { fetcher, url } = await serve((_, response) => response.end(TEXT))
    const controller = new AbortController()
    const fetched = fetcher
      .streamPage(url, () => new Promise(() => {}), { abortSignal: controller.signal })
      .catch((one: unknown) => one)
    controller.abort(new Error('no longer wanted'))
    expect(await fetched).to.have.property('message', 'no longer wanted')
  })
})
