import { execFile } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect } from 'chai'
import { DocumentFiles } from '../../../src/documents/document-files.js'
import { onDisk } from '../../../src/documents/durable.js'
import { fillFrom } from '../../../src/documents/fill.js'
import { pdfOf, sha256Of } from '../../support/document-site/pdf.js'

const CHILD = fileURLToPath(new URL('../../support/saving-child.js', import.meta.url))
const BOUNDS = { bytesMin: 100, bytesMax: 100_000 }

async function codeOf(failing: Promise<unknown>): Promise<unknown> {
  const error: unknown = await failing.then(
    () => null,
    (thrown: unknown) => thrown,
  )
  return typeof error === 'object' && error !== null && 'code' in error ? error.code : error
}

describe('documents/document-files', () => {
  let directory = ''
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'fetchyard-documents-'))
  })
  afterEach(() => rm(directory, { recursive: true, force: true }))

  const open = () => new DocumentFiles({ directory, ...BOUNDS })
  const save = (reference: string, body: Uint8Array, files = open()) =>
    files.save(reference, {
      resumes: false,
      fill: async (part) => {
        await fillFrom(part, [body], BOUNDS)
        return { url: 'https://a.example/x', etag: '"1"' }
      },
    })
  /** Files that people see: all but the ledger. */
  const seen = async () => (await readdir(directory)).filter((name) => name !== '.fetchyard')

  it('saves a document under its reference, with what it knows of it', async () => {
    const body = pdfOf('DOC-1')
    const saved = await save('DOC-1', body)
    expect(saved).to.include({
      file: 'DOC-1.pdf',
      bytes: body.length,
      sha256: sha256Of(body),
      pages: 1,
      etag: '"1"',
    })
    expect(await readFile(join(directory, 'DOC-1.pdf'))).to.deep.equal(body)
    expect(await seen()).to.deep.equal(['DOC-1.pdf'])
    expect(await open().findVerified('DOC-1')).to.deep.equal(saved)
  })

  it('does not believe a file that was shortened, altered or removed', async () => {
    const path = join(directory, 'DOC-1.pdf')
    const body = pdfOf('DOC-1')
    const spoilers: (() => Promise<void>)[] = [
      () => truncate(path, body.length - 1),
      // One byte in the middle, of a file that is a PDF as before.
      () => writeFile(path, Buffer.from(body).fill('x', 1_000, 1_001)),
      () => rm(path),
    ]
    for (const spoil of spoilers) {
      await save('DOC-1', body)
      await spoil()
      expect(await open().findVerified('DOC-1')).to.equal(null)
    }
    expect(await open().findVerified('DOC-9')).to.equal(null)
  })

  const BAD: readonly [string, Uint8Array, string][] = [
    ['a page instead', Buffer.from(`<!doctype html>${' '.repeat(500)}`), 'content_type'],
    ['nothing', Buffer.alloc(0), 'content_type'],
    ['half of it', pdfOf('DOC-1').subarray(0, 900), 'truncated'],
    ['too little', Buffer.from('%PDF-1.4 %%EOF'), 'parse'],
    ['too much', pdfOf('DOC-1', 200_000), 'too_large'],
  ]
  for (const [words, body, code] of BAD) {
    it(`refuses ${words} and leaves what was there`, async () => {
      const good = await save('DOC-1', pdfOf('DOC-1'))
      expect(await codeOf(save('DOC-1', body))).to.equal(code)
      expect(await seen()).to.deep.equal(['DOC-1.pdf'])
      expect(await open().findVerified('DOC-1')).to.deep.equal(good)
    })
  }

  it('keeps references apart whose names a file system takes for one', async () => {
    const references = ['a/b', 'a:b', 'Doc', 'DOC', 'doc', '\u00e9', 'e\u0301', '..', 'con', '']
    const names = await Promise.all(
      references.map(async (reference) => {
        const { file } = await save(reference, pdfOf(reference))
        return file
      }),
    )
    expect(new Set(names.map((name) => name.normalize('NFC').toLowerCase())).size).to.equal(
      references.length,
    )
    for (const [index, reference] of references.entries()) {
      const found = await open().findVerified(reference)
      expect(found?.file).to.equal(names[index])
      expect(found?.sha256).to.equal(sha256Of(pdfOf(reference)))
    }
  })

  for (const moment of [
    'claimed',
    'begun',
    'filling',
    'filled',
    'entering',
    'entered',
    'renamed',
  ]) {
    it(`is whole or absent when the process is killed, at "${moment}"`, async () => {
      // The first time there is no file yet, the second time one of before.
      for (const isAgain of [false, true]) {
        const child = promisify(execFile)(process.execPath, [CHILD, directory, 'DOC-1', moment])
        const end: unknown = await child.catch((error: unknown) => error)
        expect(end).to.include({ signal: 'SIGKILL' })
        const names = (await seen()).filter((name) => !name.startsWith('.fetchyard-'))
        const isThere = isAgain || moment === 'renamed'
        expect(names).to.deep.equal(isThere ? ['DOC-1.pdf'] : [])
        if (isThere) {
          expect(await readFile(join(directory, 'DOC-1.pdf'))).to.deep.equal(pdfOf('DOC-1'))
        }
        // What is there is believed after the rename; before it only if it is the same again.
        const verified = await open().findVerified('DOC-1')
        expect(verified !== null).to.equal(isThere)
        await save('DOC-1', pdfOf('DOC-1'))
        expect(await seen()).to.deep.equal(['DOC-1.pdf'])
      }
    })
  }

  it('says what is the matter with the disk', async () => {
    for (const [error, code] of [
      ['ENOSPC', 'disk_full'],
      ['EDQUOT', 'disk_full'],
      ['EROFS', 'directory_refused'],
      ['EACCES', 'directory_refused'],
    ] as const) {
      const failing = onDisk('/there', () => {
        throw Object.assign(new Error(error), { code: error })
      })
      expect(await codeOf(failing)).to.equal(code)
    }
    await writeFile(join(directory, 'file'), '')
    const files = new DocumentFiles({ directory: join(directory, 'file', 'below'), ...BOUNDS })
    expect(await codeOf(save('DOC-1', pdfOf('DOC-1'), files))).to.equal('directory_refused')
  })
})
