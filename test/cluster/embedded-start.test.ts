import { cp, mkdir, readdir, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { describe, it } from 'mocha'
import postgres from 'postgres'
import { driverTarget } from '../../src/store/embedded.js'
import { homesElsewhere } from '../../supervisor/embedded/home.js'
import { type EmbeddedDatabase, startEmbedded } from '../../supervisor/embedded/index.js'
import { locateBinaryPackage } from '../../supervisor/embedded/platform.js'
import { runProgram } from '../../supervisor/embedded/program.js'
import {
  giveTo,
  ordinaryAccount,
  postmasterPid,
  postmastersBelow,
  startChild,
  useDirectory,
  withSql,
} from '../support/embedded.js'

describe('embedded/start', () => {
  const directory = useDirectory()

  async function withServer<T>(
    dataDir: string,
    work: (database: EmbeddedDatabase) => Promise<T>,
    extra: { transport?: 'loopback'; packageRoot?: string } = {},
  ): Promise<T> {
    const database = await startEmbedded({ dataDir, purpose: 'test', exclusive: true, ...extra })
    try {
      return await work(database)
    } finally {
      await database.stop()
    }
  }

  async function settingOf(database: EmbeddedDatabase, name: string): Promise<string> {
    const rows = await withSql(
      database.connection,
      (sql) => sql<{ value: string }[]>`select current_setting(${name}) as value`,
    )
    return rows[0]?.value ?? ''
  }

  it('creates a durable UTF-8 database and stops it', async () => {
    const dataDir = join(directory.path, 'data')

    const pgDir = await withServer(dataDir, async (database) => {
      expect(database.adopted).to.equal(false)
      expect(await settingOf(database, 'server_encoding')).to.equal('UTF8')
      expect(await settingOf(database, 'fsync')).to.equal('on')
      expect(await settingOf(database, 'synchronous_commit')).to.equal('on')
      expect(await settingOf(database, 'listen_addresses')).to.equal('')
      expect(await settingOf(database, 'dynamic_shared_memory_type')).to.equal('mmap')
      expect(await settingOf(database, 'password_encryption')).to.equal('scram-sha-256')
      return database.pgDir
    })

    expect(await postmasterPid(pgDir)).to.equal(0)
    expect((await stat(join(dataDir, 'embedded.json'))).mode & 0o777).to.equal(0o600)
    expect(await readdir(dataDir)).to.have.members(['embedded.json', 'pg'])
  })

  it('refuses a wrong password', async () => {
    await withServer(join(directory.path, 'data'), async (database) => {
      const connection = { ...database.connection, password: 'wrong' }
      const outcome = await withSql(connection, (sql) => sql`select 1`).catch((error) => error)
      expect(outcome).to.include({ code: '28P01' })
    })
  })

  for (const transport of ['socket', 'loopback'] as const) {
    it(`gives a URL that psql and the driver can use, by ${transport}`, async function () {
      const extra = transport === 'loopback' ? { transport } : {}
      await withServer(
        join(directory.path, 'with a space'),
        async ({ url }) => {
          const target = driverTarget(url)
          const sql = postgres(target.url, { ...target.options, max: 1 })
          expect(await sql`select current_database() as name`).to.deep.include({
            name: 'fetchyard',
          })
          await sql.end()

          const args = ['-X', '-A', '-t', '-c', 'select current_database()', url]
          const psql = await runProgram({ file: 'psql', args, account: null })
          if (psql.stderr.includes('ENOENT')) this.skip()
          expect(psql).to.deep.include({ code: 0, stdout: 'fetchyard\n' })
        },
        extra,
      )
    })
  }

  it('works in a path with spaces, quotes and a dollar', async () => {
    await withServer(join(directory.path, `it's "my" $HOME \`x\``), async (database) => {
      expect(await settingOf(database, 'data_directory')).to.equal(database.pgDir)
    })
  })

  it('puts the socket elsewhere when the path is too long for one', async () => {
    const dataDir = join(directory.path, 'x'.repeat(120), 'y'.repeat(120))

    const host = await withServer(dataDir, async ({ connection }) => connection.host)

    expect(host)
      .to.match(/fetchyard-[0-9a-f]{12}$/)
      .and.satisfy((dir: string) => {
        return dir.startsWith(tmpdir())
      })
    expect(await stat(host).catch(() => null)).to.equal(null)
  })

  it('keeps the data and the password over a restart, also after the directory moved', async () => {
    const dataDir = join(directory.path, 'data')
    const moved = join(directory.path, 'moved')
    await withServer(dataDir, ({ connection }) =>
      withSql(connection, (sql) => sql`create table kept as select 42 as answer`),
    )
    await cp(dataDir, moved, { recursive: true, preserveTimestamps: true })
    const pgOwner = await stat(join(dataDir, 'pg'))
    await runProgram({
      file: 'chown',
      args: ['-R', `${pgOwner.uid}:${pgOwner.gid}`, join(moved, 'pg')],
      account: null,
    })
    await rm(dataDir, { recursive: true })

    const rows = await withServer(moved, ({ connection }) =>
      withSql(connection, (sql) => sql`select answer from kept`),
    )

    expect(rows).to.deep.equal([{ answer: 42 }])
  })

  it('creates the links of a package whose install script was blocked', async () => {
    const packageRoot = await copyWithoutLinks(join(directory.path, 'package'))

    await withServer(join(directory.path, 'data'), async () => {}, { packageRoot })

    const names = await readdir(join(packageRoot, 'native', 'lib'))
    expect(names).to.include.members(['libicuuc.so.60', 'libpq.so.5'])
  })

  it('runs as an ordinary user from a package that it may not write to', async function () {
    const account = await ordinaryAccount()
    if (account === null) return this.skip()
    const packageRoot = await copyWithoutLinks(join(directory.path, 'package'))
    const dataDir = join(directory.path, 'data')
    await mkdir(dataDir)
    await giveTo(dataDir, account)

    const child = await startChild(
      { dataDir, purpose: 'test', exclusive: true, packageRoot },
      account,
    )

    expect(child.report).to.include({ event: 'ready', adopted: false })
    expect((await stat(join(dataDir, 'pg'))).uid).to.equal(account.uid)
    expect(child.progress.join()).to.contain('Copying the Postgres programs')
    await child.stop()
    expect(await postmastersBelow(directory.path)).to.deep.equal([])
  })

  it('says that a damaged package must be installed again', async () => {
    const outcome = await startEmbedded({
      dataDir: join(directory.path, 'data'),
      purpose: 'test',
      exclusive: true,
      packageRoot: join(directory.path, 'nothing'),
    }).catch((error) => error)
    expect(outcome).to.include({ code: 'EMBEDDED_UNSUPPORTED' })
    expect(outcome.message).to.match(/Install it again.*DATABASE_URL/)
  })

  it('tells an ordinary user which directory cannot be written', async function () {
    const account = await ordinaryAccount()
    if (account === null) return this.skip()
    const dataDir = join(directory.path, 'closed')
    await mkdir(dataDir)

    const child = await startChild({ dataDir, purpose: 'test', exclusive: true }, account)

    expect(child.report).to.include({ event: 'failed', code: 'DATA_DIRECTORY' })
    expect(child.report.message).to.contain(dataDir).and.contain('right to write')
  })

  it('keeps the files elsewhere when root has a directory that nobody else may enter', async function () {
    if (process.getuid?.() !== 0) return this.skip()
    const dataDir = join(directory.path, 'closed')
    await mkdir(dataDir, { mode: 0o700 })
    const elsewhere = homesElsewhere(dataDir)
    try {
      const first = await withServer(dataDir, async (database) => database.pgDir)
      const second = await withServer(dataDir, async (database) => database.pgDir)
      expect(elsewhere.map((home) => join(home, 'pg'))).to.include(first)
      expect(second).to.equal(first)
    } finally {
      for (const home of elsewhere) await rm(home, { recursive: true, force: true })
    }
  })

  it('hands the data of an ordinary user to nobody else when root comes', async function () {
    const account = await ordinaryAccount()
    if (account === null) return this.skip()
    const dataDir = join(directory.path, 'data')
    await mkdir(dataDir)
    await giveTo(dataDir, account)
    const child = await startChild({ dataDir, purpose: 'test', exclusive: true }, account)
    await child.stop()

    await withServer(dataDir, async ({ pgDir }) => {
      expect((await stat(`/proc/${await postmasterPid(pgDir)}`)).uid).to.equal(account.uid)
    })
  })
})

/** The package as a package manager without install scripts leaves it. */
async function copyWithoutLinks(to: string): Promise<string> {
  await cp(locateBinaryPackage(), to, { recursive: true, verbatimSymlinks: true })
  const lib = join(to, 'native', 'lib')
  for (const entry of await readdir(lib, { withFileTypes: true })) {
    if (entry.isSymbolicLink()) await rm(join(lib, entry.name))
  }
  return to
}
