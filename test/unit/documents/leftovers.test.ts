// What dead processes leave under temporary names: gone at the next start, while what a living one
// writes, and what is no business of ours, stays.

import { type ChildProcess, execFile, spawn } from 'node:child_process'
import fs, { mkdir, mkdtemp, open, readdir, rm, utimes, writeFile } from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect } from 'chai'
import { DocumentFiles } from '../../../src/documents/document-files.js'
import { fillFrom } from '../../../src/documents/fill.js'
import { ownOwner } from '../../../src/documents/owner.js'
import { pdfOf } from '../../support/document-site/pdf.js'
import { startWorkerPart } from '../../support/document-site/worker-part.js'
import { eventually } from '../../support/poll.js'

const CHILD = fileURLToPath(new URL('../../support/saving-child.js', import.meta.url))
const BOUNDS = { bytesMin: 100, bytesMax: 100_000 }
const DIGEST = 'd'.repeat(32)
const NONCE = 'a'.repeat(12)
const HOUR_MS = 3_600_000

describe('documents/leftovers', () => {
  let directory = ''
  const children: ChildProcess[] = []
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'fetchyard-leftovers-'))
  })
  afterEach(async () => {
    for (const child of children.splice(0)) child.kill('SIGKILL')
    await rm(directory, { recursive: true, force: true })
  })

  const files = () => new DocumentFiles({ directory, ...BOUNDS })
  const save = (reference: string) =>
    files().save(reference, {
      resumes: false,
      fill: async (part) => {
        await fillFrom(part, [pdfOf(reference)], BOUNDS)
        return { url: null, etag: null }
      },
    })
  const all = async () =>
    (await readdir(directory, { recursive: true, withFileTypes: true }))
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(directory.length + 1))
      .sort()
  const temporary = async () => (await all()).filter((name) => /\.(tmp|part)$/.test(name))

  async function dieSaving(moment: string): Promise<void> {
    const end: unknown = await promisify(execFile)(process.execPath, [
      ...[CHILD, directory, 'DOC-1', moment],
    ]).catch((error: unknown) => error)
    expect(end).to.include({ signal: 'SIGKILL' })
  }
  /** Writes a file as somebody else would have left it, of some age. */
  async function plant(name: string, text: string, ageMs = 0): Promise<string> {
    await mkdir(join(directory, name, '..'), { recursive: true })
    await writeFile(join(directory, name), text)
    const at = new Date(Date.now() - ageMs)
    await utimes(join(directory, name), at, at)
    return name
  }
  const draftOf = (owner: string, folder = 'ledger') =>
    join('.fetchyard', folder, `${DIGEST}.json.${owner}.${NONCE}.tmp`)

  for (const [moment, left] of [
    ['claiming', /^\.fetchyard.ledger.[0-9a-f]{32}\.json\..*\.tmp$/],
    ['entering', /^\.fetchyard.ledger.[0-9a-f]{32}\.json\..*\.tmp$/],
    ['filling', /^\.fetchyard-[0-9a-f]{32}-.*\.part$/],
  ] as const) {
    it(`of a process killed at "${moment}" go at the next start, and count as no file`, async () => {
      await save('DOC-2')
      await dieSaving(moment)
      expect((await temporary()).some((name) => left.test(name))).to.equal(true)
      expect(await files().findVerified('DOC-1')).to.equal(null)
      await files().tidy()
      expect(await temporary()).to.deep.equal([])
      expect((await readdir(join(directory, '.fetchyard', 'parts'))).length).to.equal(0)
      expect((await files().findVerified('DOC-2'))?.file).to.equal('DOC-2.pdf')
      await save('DOC-1')
      expect((await files().findVerified('DOC-1'))?.file).to.equal('DOC-1.pdf')
    })
  }

  it('of a process that lives stay until it is gone', async () => {
    const child = spawn(process.execPath, [CHILD, directory, 'DOC-1', 'stopped'])
    const ended = new Promise((resolve) => child.once('exit', resolve))
    children.push(child)
    const part = await eventually({ words: 'a part' }, async () =>
      (await temporary()).find((name) => name.endsWith('.part')),
    )
    const owner = /^\.fetchyard-[0-9a-f]{32}-(.*)-[0-9a-f]{12}\.part$/.exec(part)?.[1] ?? ''
    const draft = await plant(draftOf(owner), '{}', 99 * 24 * HOUR_MS)
    await files().tidy()
    expect(await temporary()).to.have.members([part, draft])
    child.kill('SIGKILL')
    await ended
    await files().tidy()
    expect(await temporary()).to.deep.equal([])
  })

  it('are known by the birth of their process, since a pid comes back', async () => {
    const [machine, pid, born] = ownOwner().split('-')
    await plant(draftOf(`${machine}-${pid}-${Number(born) + 1}`), '{}')
    const mine = await plant(draftOf(ownOwner(), 'parts'), '{}')
    await files().tidy()
    expect(await temporary()).to.deep.equal([mine])
  })

  it('go when a worker begins', async () => {
    await plant(draftOf(ownOwner().replace(/-.*/, '-4294967295-1')), '{}')
    const part = await startWorkerPart('http://a.example', { siteModule: null, directory })
    // It has no URL, and ends there.
    expect(await part.save('DOC-1').catch(String)).to.contain('has no URL')
    await part.close()
    expect(await temporary()).to.deep.equal([])
  })

  it('of another machine stay for a day', async () => {
    const young = await plant(draftOf('00000000-1-1'), '{}', 23 * HOUR_MS)
    await plant(draftOf('00000000-2-1'), '{}', 25 * HOUR_MS)
    await files().tidy()
    expect(await temporary()).to.deep.equal([young])
  })

  it('stay for a week where a later try can go on from them', async () => {
    const [machine] = ownOwner().split('-')
    // Pids end far below.
    const idOf = (n: number) => `${DIGEST}-${machine}-4294967295-${n}-${NONCE}`
    const origin = JSON.stringify({ url: 'https://a.example/x', validator: '"1"' })
    const plantPart = async (n: number, note: string, ageMs: number) => {
      await plant(join('.fetchyard', 'parts', `${idOf(n)}.json`), note, ageMs)
      return plant(`.fetchyard-${idOf(n)}.part`, 'half', ageMs)
    }
    const useful = await plantPart(1, origin, 6 * 24 * HOUR_MS)
    await plantPart(2, origin, 8 * 24 * HOUR_MS)
    await plantPart(3, '{}', 0)
    await files().tidy()
    expect(await temporary()).to.deep.equal([useful])
  })

  it('are told from what others keep there', async () => {
    const own = await Promise.all(
      [
        ...['report.tmp', '.fetchyard-notes.part', 'DOC-1.pdf.part', '.fetchyard/ledger/x.tmp'],
        ...[`.fetchyard/ledger/${DIGEST}.json.tmp`, `.fetchyard/ledger/${DIGEST}.json`],
      ].map((name) => plant(name, 'mine', 99 * 24 * HOUR_MS)),
    )
    await files().tidy()
    expect(await all()).to.have.members(own)
  })

  it('do not come of a disk that fills up while an entry is written', async () => {
    await save('DOC-2')
    const real = open
    fs.open = async (path, flags, mode) => {
      const handle = await real(path, flags, mode)
      if (!String(path).endsWith('.tmp')) return handle
      handle.writeFile = async () => {
        await handle.write('{"refer')
        throw Object.assign(new Error('no space left'), { code: 'ENOSPC' })
      }
      return handle
    }
    syncBuiltinESMExports()
    try {
      const failed: unknown = await save('DOC-1').catch((error: unknown) => error)
      expect(failed).to.include({ code: 'disk_full' })
    } finally {
      fs.open = real
      syncBuiltinESMExports()
    }
    expect(await temporary()).to.deep.equal([])
  })
})
