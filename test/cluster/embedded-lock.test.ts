import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'chai'
import { describe, it } from 'mocha'
import { claimLock, lockHolder, parseLock } from '../../supervisor/embedded/lock.js'
import { useDirectory } from '../support/embedded.js'

/** Our own pid with another birth: what a recycled pid looks like. */
function deadRecord(nonce: string): string {
  return JSON.stringify({ pid: process.pid, born: 'long ago', purpose: 'dead', nonce })
}

describe('embedded/lock', () => {
  const directory = useDirectory()
  const path = () => join(directory.path, 'a.lock')
  const nonce = (digit: number) => String(digit).repeat(16)

  it('is held by one, released by its holder, and leaves nothing behind', async () => {
    const first = await claimLock(path(), 'first')
    const second = await claimLock(path(), 'second')
    expect(second.holder).to.include({ purpose: 'first', pid: process.pid })
    expect(await lockHolder(path())).to.include({ purpose: 'first' })

    await first.lock?.release()
    const third = await claimLock(path(), 'third')

    // A late release must not remove the lock of somebody else.
    await first.lock?.release()
    expect(await lockHolder(path())).to.include({ purpose: 'third' })
    await third.lock?.release()
    expect(await readdir(directory.path)).to.deep.equal([])
  })

  it('is won by exactly one of many that find it dead', async () => {
    for (let round = 0; round < 20; round += 1) {
      await writeFile(path(), deadRecord(nonce(round % 10)))

      const claims = await Promise.all(
        Array.from({ length: 12 }, (_, index) => claimLock(path(), `racer ${index}`)),
      )

      const locks = claims.flatMap((claim) => (claim.lock === undefined ? [] : [claim.lock]))
      expect(locks).to.have.length(1)
      expect(parseLock(await readFile(path(), 'utf8'))).to.deep.equal(locks[0]?.record)
      expect(await readdir(directory.path)).to.deep.equal(['a.lock'])
      await locks[0]?.release()
    }
  })

  it('is taken over from one that was killed while it took over', async () => {
    await writeFile(path(), deadRecord(nonce(1)))
    await writeFile(`${path()}.${nonce(1)}`, deadRecord(nonce(2)))
    await writeFile(`${path()}.${nonce(1)}.${nonce(2)}`, deadRecord(nonce(3)))

    const claim = await claimLock(path(), 'heir')

    expect(claim.lock?.record).to.include({ purpose: 'heir' })
    expect(await readdir(directory.path)).to.deep.equal(['a.lock'])
  })

  for (const text of [
    '',
    'null',
    '{"pid":1}',
    '{"pid":1,"born":null,"purpose":"x","nonce":"../x"}',
  ]) {
    it(`counts the text ${JSON.stringify(text)} as dead`, async () => {
      await writeFile(path(), text)
      expect(await lockHolder(path())).to.equal(null)
      expect((await claimLock(path(), 'heir')).lock).to.not.equal(undefined)
    })
  }
})
