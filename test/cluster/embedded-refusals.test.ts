import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'chai'
import { describe, it } from 'mocha'
import { startEmbedded } from '../../supervisor/embedded/index.js'
import { useDirectoryWithDatabase } from '../support/embedded.js'

describe('embedded/refusals', () => {
  const directory = useDirectoryWithDatabase()
  const pgDir = () => join(directory.path, 'pg')

  async function refusalOf(dataDir: string): Promise<Error> {
    const outcome = await startEmbedded({ dataDir, purpose: 'test', exclusive: true }).catch(
      (error) => error,
    )
    expect(outcome).to.include({ code: 'DATA_DIRECTORY', exitCode: 73 })
    return outcome
  }

  it('refuses a file in the place of the directory', async () => {
    const path = join(directory.path, 'file')
    await writeFile(path, '')
    expect((await refusalOf(path)).message).to.contain(path)
  })

  it('refuses files that are no database', async () => {
    const photos = join(directory.path, 'photos')
    await mkdir(join(photos, 'pg'), { recursive: true })
    await writeFile(join(photos, 'pg', 'holiday.jpg'), '')
    expect((await refusalOf(photos)).message).to.contain('no Postgres database')
    expect(await readdir(join(photos, 'pg'))).to.deep.equal(['holiday.jpg'])
  })

  it('refuses the data of another major version', async () => {
    await writeFile(join(pgDir(), 'PG_VERSION'), '17\n')
    expect((await refusalOf(directory.path)).message).to.match(/made by Postgres 17.*Postgres 18/)
  })

  it('refuses damaged and lost data instead of beginning empty', async () => {
    await rm(join(pgDir(), 'global', 'pg_control'))
    expect((await refusalOf(directory.path)).message).to.contain('damaged')
    await rm(pgDir(), { recursive: true })
    expect((await refusalOf(directory.path)).message).to.contain('lost its database files')
  })

  it('shows the words of a server that does not start', async () => {
    await writeFile(join(pgDir(), 'postgresql.conf'), 'no_such_setting = 1\n')
    expect((await refusalOf(directory.path)).message).to.contain('no_such_setting')
  })

  it('gives the lock back after a failed start', async () => {
    const text = await readFile(join(pgDir(), 'postgresql.conf'))
    await writeFile(join(pgDir(), 'postgresql.conf'), 'no_such_setting = 1\n')
    await refusalOf(directory.path)
    await writeFile(join(pgDir(), 'postgresql.conf'), text)
    const next = await startEmbedded({ dataDir: directory.path, purpose: 'test', exclusive: true })
    expect(next.adopted).to.equal(false)
    await next.stop()
  })
})
