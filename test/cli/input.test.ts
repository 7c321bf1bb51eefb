import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { gzipSync } from 'node:zlib'
import { expect } from 'chai'
import { openInput, readInput } from '../../supervisor/cli/input.js'
import type { InputEntry } from '../../supervisor/cli/input-format.js'
import { RECORD_CHARS_MAX } from '../../supervisor/cli/records.js'

/** Reads a text, cut into chunks of `size` bytes, as an input of this name. */
async function read(text: string | Buffer, name = '-', size = 7): Promise<InputEntry[]> {
  const bytes = Buffer.from(text)
  const chunks: Buffer[] = []
  for (let at = 0; at < bytes.length; at += size) chunks.push(bytes.subarray(at, at + size))
  const entries: InputEntry[] = []
  for await (const slice of readInput({ name, chunks: Readable.from(chunks) }))
    entries.push(...slice)
  return entries
}

function urlsOf(entries: readonly InputEntry[]): string[] {
  return entries.flatMap(({ url }) => (url === undefined ? [] : [url]))
}

const A = 'https://a.example/x'
const B = 'http://b.example/y?q=1,2'

describe('cli/input', () => {
  const good: readonly (readonly [title: string, name: string, text: string | Buffer])[] = [
    ['lines', '-', `${A}\n${B}\n`],
    ['lines without a last end, with blank ones', '-', `\n\n${A}\n\n${B}`],
    ['lines with CRLF and a byte order mark', '-', `\uFEFF${A}\r\n${B}\r\n`],
    ['lines in UTF-16', '-', Buffer.from(`\uFEFF${A}\n${B}\n`, 'utf16le')],
    ['CSV with a column url', 'x.csv', `name,URL,n\nfirst,${A},1\nsecond,"${B}",2\n`],
    ['CSV by its first line', '-', `id;url\r\n1;${A}\r\n2;${B}\r\n`],
    ['CSV with tabs', 'x.tsv', `id\turl\n1\t${A}\n2\t${B}\n`],
    ['CSV without a header', 'x.csv', `1,${A}\n2,"${B}"\n`],
    ['CSV with another header', 'x.csv', `no,website\n1,${A}\n2,"${B}"\n`],
    ['CSV with lines and quotes in its fields', 'x.csv', `t,url\n"a\nb ""c""",${A}\nd,"${B}"\n`],
    ['JSONL', 'x.jsonl', `{"url":"${A}"}\n{"n":1,"url":"${B}"}\n`],
    ['JSONL by its first line', '-', `{"url":"${A}"}\n\n{"url":"${B}"}`],
  ]
  for (const [title, name, text] of good) {
    it(`reads ${title}`, async () => {
      for (const size of [1, 7, 1_000])
        expect(urlsOf(await read(text, name, size))).to.deep.equal([A, B])
      expect((await read(text, name)).length).to.equal(2)
    })
  }

  it('reads a file that is packed by gzip like the one it was', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'fetchyard-input-'))
    const csv = `name,URL\nfirst,${A}\nsecond,"${B}"\n`
    await writeFile(join(directory, 'x.csv.gz'), gzipSync(csv))
    const found: InputEntry[] = []
    const from = { cwd: directory, stdin: Readable.from([]) }
    const input = await openInput('x.csv.gz', from)
    for await (const slice of readInput(input)) found.push(...slice)
    expect(found).to.deep.equal([
      { line: 2, url: A },
      { line: 3, url: B },
    ])
    await writeFile(join(directory, 'cut.gz'), gzipSync(csv).subarray(0, 30))
    const cut = await openInput('cut.gz', from)
    const failed = await (async () => {
      for await (const _ of readInput(cut));
    })().catch(String)
    expect(failed).to.contain('The input cut.gz cannot be read: unexpected end of file.')
    await rm(directory, { recursive: true })
  })

  const bad: readonly (readonly [line: string, reason: RegExp])[] = [
    ['ftp://a.example/', /no http or https URL/],
    ['javascript:alert(1)', /no http or https URL/],
    ['a.example', /no http or https URL/],
    ['http://a b/', /has spaces/],
    ['http://', /no URL/],
    [`http://a.example/${'x'.repeat(2_083)}`, /longer than 2083/],
    ['x'.repeat(RECORD_CHARS_MAX + 1), /too long/],
  ]
  for (const [line, reason] of bad) {
    it(`refuses ${line.slice(0, 30)} and reads on`, async () => {
      const entries = await read(`${A}\n${line}\n${B}\n`, '-', 4_096)

      expect(urlsOf(entries)).to.deep.equal([A, B])
      expect(entries[1]?.line).to.equal(2)
      expect(entries[1]?.problem).to.match(reason)
    })
  }

  it('names the line of a record by where it begins', async () => {
    const entries = await read(`url\n"x\ny"\n${A}\n`, 'x.csv')
    expect(entries.map(({ line }) => line)).to.deep.equal([2, 4])
  })

  it('reads nothing from an empty input', async () => {
    expect(await read('')).to.deep.equal([])
    expect(await read('\n \n')).to.deep.equal([])
  })

  it('refuses JSON that holds no URL', async () => {
    const entries = await read(
      '{"url":1}\n{"u":"x"}\n[1]\n{broken\n"http://a.example/"\n',
      'x.jsonl',
    )
    expect(entries.map(({ problem }) => problem !== undefined)).to.deep.equal([
      true,
      true,
      true,
      true,
      false,
    ])
  })
})
