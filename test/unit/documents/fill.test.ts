import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { DocumentFiles } from '../../../src/documents/document-files.js'
import { fillFromUrl } from '../../../src/documents/fill.js'
import type { Fetcher } from '../../../src/fetch/fetcher.js'
import { pdfOf } from '../../support/document-site/pdf.js'
import { makeFetcher } from '../fetch/support.js'

const BOUNDS = { bytesMin: 100, bytesMax: 1_000_000 }
const BODY = pdfOf('DOC-1', 300_000)

/** Hands out a document with ranges, and breaks off after so many bytes. */
class RangeServer {
  readonly requests: { readonly range: string | null; readonly ifRange: string | null }[] = []
  readonly cookies: (string | undefined)[] = []
  etag = '"one"'
  body = BODY
  takesRanges = true
  breaksAfter: number | null = null
  readonly #server = createServer((request, response) => this.#on(request, response))

  listen(): Promise<string> {
    return new Promise((resolve) => {
      this.#server.listen(0, '127.0.0.1', () => {
        const { port } = this.#server.address() as AddressInfo
        resolve(`http://127.0.0.1:${port}/d.pdf`)
      })
    })
  }

  close(): void {
    this.#server.closeAllConnections()
    this.#server.close()
  }

  #on(request: IncomingMessage, response: ServerResponse): void {
    this.cookies.push(request.headers.cookie)
    const { range = null, 'if-range': ifRange = null } = request.headers
    this.requests.push({ range, ifRange: typeof ifRange === 'string' ? ifRange : null })
    response.setHeader('etag', this.etag)
    const start = Number(/^bytes=(\d+)-$/.exec(range ?? '')?.[1] ?? 0)
    const goesOn = this.takesRanges && start > 0 && ifRange === this.etag
    if (goesOn && start >= this.body.length) return void response.writeHead(416).end()
    const rest = goesOn ? this.body.subarray(start) : this.body
    response.setHeader('content-length', rest.length)
    if (goesOn) {
      const { length } = this.body
      response.setHeader('content-range', `bytes ${start}-${length - 1}/${length}`)
    }
    response.writeHead(goesOn ? 206 : 200)
    if (this.breaksAfter === null) return void response.end(rest)
    response.write(rest.subarray(0, this.breaksAfter), () => {
      // Late enough for the other side to have read what was sent.
      setTimeout(() => response.destroy(), 50)
    })
  }
}

describe('documents/fill', () => {
  let directory = ''
  let server: RangeServer
  let url = ''
  let fetcher: Fetcher
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'fetchyard-documents-'))
    server = new RangeServer()
    url = await server.listen()
    fetcher = makeFetcher()
  })
  afterEach(async () => {
    server.close()
    await fetcher.close()
    await rm(directory, { recursive: true, force: true })
  })

  const save = () => {
    const files = new DocumentFiles({ directory, ...BOUNDS })
    return files.save('DOC-1', {
      resumes: true,
      fill: (part) => {
        const { streamPage: stream } = fetcher
        return fillFromUrl(part, { url, headers: {}, stream, bounds: BOUNDS })
      },
    })
  }
  const fail = () =>
    save().then(
      () => expect.fail('it was saved'),
      () => {},
    )
  const expectWhole = async (body = BODY) => {
    expect(await readFile(join(directory, 'DOC-1.pdf'))).to.deep.equal(body)
    const names = (await readdir(directory)).sort()
    expect(names).to.deep.equal(['.fetchyard', 'DOC-1.pdf'])
    expect(await readdir(join(directory, '.fetchyard', 'parts'))).to.deep.equal([])
  }

  it('goes on where earlier tries broke off, if it is still the same document', async () => {
    server.breaksAfter = 100_000
    await fail()
    await fail()
    server.breaksAfter = null
    await save()
    await expectWhole()
    const starts = server.requests.map(({ range }) => Number(/\d+/.exec(range ?? '0')?.[0]))
    expect(starts[0]).to.equal(0)
    expect(starts[1]).to.be.above(0)
    expect(starts[2]).to.be.above(starts[1] ?? 0)
    expect(server.requests[2]?.ifRange).to.equal('"one"')
  })

  it('begins anew when the document has changed', async () => {
    server.breaksAfter = 100_000
    await fail()
    server.breaksAfter = null
    server.etag = '"two"'
    server.body = pdfOf('another', 200_000)
    await save()
    await expectWhole(server.body)
  })

  it('begins anew where the server knows no ranges', async () => {
    server.breaksAfter = 100_000
    await fail()
    server.breaksAfter = null
    server.takesRanges = false
    await save()
    await expectWhole()
  })

  it('begins anew when there is nothing beyond what it has', async () => {
    server.breaksAfter = 100_000
    await fail()
    server.breaksAfter = null
    server.body = pdfOf('shorter', 1_000)
    await save()
    await expectWhole(server.body)
    expect(server.requests).to.have.length(3)
  })

  it('tells its cookies to the origin it asks, and to none it is sent to', async () => {
    const seen: (string | undefined)[] = []
    const door = createServer((request, response) => {
      seen.push(request.headers.cookie)
      const isFirst = request.url === '/first'
      response.writeHead(302, { location: isFirst ? '/second' : url }).end()
    })
    await new Promise<void>((resolve) => door.listen(0, '127.0.0.1', resolve))
    const { port } = door.address() as AddressInfo
    const headers = { cookie: 'sid=secret' }
    await fetcher.streamPage(`http://127.0.0.1:${port}/first`, () => true, { headers })
    door.close()
    expect(seen).to.deep.equal(['sid=secret', 'sid=secret'])
    expect(server.cookies).to.deep.equal([undefined])
  })

  it('asks for no ranges of what has no strong validator', async () => {
    server.etag = 'W/"weak"'
    server.breaksAfter = 100_000
    await fail()
    server.breaksAfter = null
    await save()
    await expectWhole()
    expect(server.requests.map(({ range }) => range)).to.deep.equal([null, null])
  })
})
