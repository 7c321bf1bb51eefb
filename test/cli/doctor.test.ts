import { stat } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import type { Finding } from '../../src/core/health.js'
import { useDatabase } from '../support/database.js'
import { startPgBouncer, usePgBouncer } from '../support/pgbouncer.js'
import { preparePm2 } from '../support/pm2.js'
import { type Ended, runProgram, useDirectory } from './program.js'

interface Report {
  readonly isHealthy: boolean
  readonly findings: readonly Finding[]
}

function reportOf(ended: Ended): Report {
  expect(ended.stderr).to.equal('')
  const report: Report = JSON.parse(ended.stdout)
  expect(ended.exitCode).to.equal(report.isHealthy ? 0 : 3)
  return report
}

const of = ({ findings }: Report, check: string) =>
  findings.filter((finding) => finding.check === check)

describe('cli: doctor', () => {
  const database = useDatabase()
  const directory = useDirectory()

  async function doctor(
    words: readonly string[] = [],
    environment: { readonly [name: string]: string } = {},
  ): Promise<Report> {
    const given = { DATABASE_URL: database.url, FETCHYARD_PORT: '0', ...environment }
    const options = { cwd: directory.path, environment: given }
    return reportOf(await runProgram(['doctor', '--json', ...words], options))
  }

  /** A role that may log in and nothing else. */
  async function strangerUrl(): Promise<string> {
    await database.sql`drop role if exists doctor_stranger`
    await database.sql`create role doctor_stranger login password 'strange'`
    const url = new URL(database.url)
    url.username = 'doctor_stranger'
    url.password = 'strange'
    return url.toString()
  }

  it('says that there is no schema yet, and makes none', async () => {
    const report = await doctor()
    const [found] = await database.sql`select to_regnamespace('fetchyard') is null as missing`

    expect(of(report, 'schema')).to.have.nested.property('[0].fix', 'fetchyard migrate')
    expect(report.isHealthy).to.equal(true)
    expect(found).to.deep.equal({ missing: true })
  })

  it('finds a role that may not create the schema', async () => {
    const report = await doctor([], { DATABASE_URL: await strangerUrl() })

    expect(of(report, 'rights')).to.have.nested.property('[0].level', 'problem')
    expect(of(report, 'rights'))
      .to.have.nested.property('[0].fix')
      .that.matches(/^grant create on/)
  })

  it('is content with a database that is in order, in words as well', async () => {
    await runProgram(['migrate'], {
      cwd: directory.path,
      environment: { DATABASE_URL: database.url },
    })
    const report = await doctor()
    const words = await runProgram(['doctor', '--port', 'off'], {
      cwd: directory.path,
      environment: { DATABASE_URL: database.url },
    })

    const wrong = report.findings.filter(({ level }) => level !== 'ok')
    expect(wrong).to.deep.equal([])
    expect(words.stdout).to.contain('ok    schema: The schema is up to date\n')
    expect(words.stdout).to.match(/0 problems, 0 warnings\n$/)
  })

  it('finds a role that may not use the tables, and the grants that it lacks hold', async () => {
    const url = await strangerUrl()
    const [finding] = of(await doctor([], { DATABASE_URL: url }), 'rights')
    expect(finding?.level).to.equal('problem')
    expect(finding?.words).to.contain('fetchyard.work_queue')

    await database.sql.unsafe(finding?.fix ?? '')
    const mended = await doctor([], { DATABASE_URL: url })
    await database.sql`drop owned by doctor_stranger`
    await database.sql`drop role doctor_stranger`
    expect(of(mended, 'rights')).to.have.nested.property('[0].level', 'ok')
  })

  it('finds settings that hurt, in the database that has them', async () => {
    const { sql } = database
    const [row] = await sql<{ name: string }[]>`select current_database() as name`
    const name = sql(row?.name ?? '')
    await sql`alter database ${name} set statement_timeout = '2s'`
    await sql`alter database ${name} set default_transaction_read_only = on`
    await sql`alter table fetchyard.work_queue set (autovacuum_enabled = false)`
    const report = await doctor()
    await sql`alter database ${name} reset all`
    await sql.unsafe(of(report, 'vacuum').at(-1)?.fix ?? '')

    const levels = report.findings
      .filter(({ level }) => level !== 'ok')
      .map(({ check, level }) => `${check} ${level}`)
    expect(levels.sort()).to.deep.equal([
      'statement_timeout warning',
      'vacuum problem',
      'writing problem',
    ])
    expect((await doctor()).isHealthy).to.equal(true)
  })

  it('finds a server that nobody answers at, by its address without the password', async () => {
    const url = 'postgres://user:hidden@127.0.0.1:1/none'
    const report = await doctor([], { DATABASE_URL: url })

    expect(of(report, 'reachable')).to.have.nested.property('[0].level', 'problem')
    expect(JSON.stringify(report)).to.contain('127.0.0.1:1').and.not.contain('hidden')
  })

  it('finds a port that is taken, and an address that wants a token', async () => {
    const server = createServer()
    const port = await new Promise<number>((resolve) => {
      server.listen(0, '127.0.0.1', () => {
        const address = server.address()
        resolve(typeof address === 'object' && address !== null ? address.port : 0)
      })
    })
    const taken = await doctor([], { FETCHYARD_PORT: String(port) }).finally(() => server.close())
    const open = await doctor(['--host', '0.0.0.0'])

    expect(of(taken, 'web')).to.have.nested.property('[0].level', 'warning')
    expect(of(open, 'web')).to.have.nested.property('[0].level', 'problem')
  })

  it('looks at the embedded database without making or starting it', async () => {
    const words = ['doctor', '--json', '--port', 'off', '--data-dir', 'yard']
    const report = reportOf(await runProgram(words, { cwd: directory.path }))

    expect(of(report, 'database'))
      .to.have.nested.property('[0].words')
      .that.matches(/no database/)
    expect(of(report, 'reachable')).to.deep.equal([])
    expect(await stat(join(directory.path, 'yard')).catch(() => null)).to.equal(null)
  })

  it('reads what PM2 does with a supervisor', async () => {
    const pm2 = await preparePm2({ settings: { port: 'off' }, databaseUrl: database.url })
    try {
      await pm2.call('start', 'ecosystem.config.cjs')
      const programs = fileURLToPath(new URL('../../../node_modules/.bin', import.meta.url))
      const environment = {
        PM2_HOME: join(pm2.directory, 'pm2'),
        PATH: `${programs}:${process.env.PATH}`,
      }
      const right = await doctor([], environment)
      const tooShort = await doctor(['--drain', '60s'], environment)

      expect(of(right, 'pm2')).to.have.nested.property('[0].level', 'ok')
      expect(of(tooShort, 'pm2')).to.have.nested.property('[0].level', 'problem')
      expect(of(tooShort, 'pm2')).to.have.nested.property('[0].fix').that.contains('75000')
    } finally {
      await pm2.end()
    }
  })
})

describe('cli: doctor behind PgBouncer', () => {
  const pgbouncer = usePgBouncer()
  const database = useDatabase()
  const directory = useDirectory()

  it('finds that connections are not direct, and who says they were', async () => {
    const pooler = await startPgBouncer(pgbouncer.program, database.url)
    const options = { cwd: directory.path, environment: { DATABASE_URL: pooler.url } }
    const words = ['doctor', '--json', '--port', 'off']
    const right = reportOf(await runProgram(words, options))
    const wrong = reportOf(await runProgram([...words, '--pooling', 'direct'], options))
    await pooler.stop()

    expect(of(right, 'pooling')).to.have.nested.property('[0].level', 'ok')
    expect(of(wrong, 'pooling')).to.have.nested.property('[0].level', 'problem')
  })
})
