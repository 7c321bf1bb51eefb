import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'chai'
import { describe, it } from 'mocha'
import { startEmbedded } from '../../supervisor/embedded/index.js'
import {
  killAndWait,
  killChildAt,
  postmasterPid,
  postmastersBelow,
  startChild,
  useDirectory,
  useDirectoryWithDatabase,
  withSql,
} from '../support/embedded.js'

describe('embedded/sharing', () => {
  const directory = useDirectoryWithDatabase()
  const owner = () => ({ dataDir: directory.path, purpose: 'run', exclusive: true })
  const guest = () => ({ dataDir: directory.path, purpose: 'status', exclusive: false })
  const pgDir = () => join(directory.path, 'pg')

  it('adopts the server of an owner that was killed', async () => {
    const child = await startChild(owner())
    const pid = await postmasterPid(pgDir())
    await withSql(child.report.connection, (sql) => sql`create table kept as select 42 as answer`)
    await child.kill('SIGKILL')

    const next = await startEmbedded(owner())

    expect(next.adopted).to.equal(true)
    expect(await postmasterPid(pgDir())).to.equal(pid)
    expect(next.connection).to.deep.equal(child.report.connection)
    const rows = await withSql(next.connection, (sql) => sql`select answer from kept`)
    expect(rows).to.deep.equal([{ answer: 42 }])
    await next.stop()
    expect(await postmastersBelow(directory.path)).to.deep.equal([])
  })

  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    it(`keeps the server away from a ${signal} to our process group`, async () => {
      const child = await startChild(owner())
      const pid = await postmasterPid(pgDir())
      await child.kill(signal)

      const rows = await withSql(child.report.connection, (sql) => sql`select 1 as one`)
      expect(rows).to.deep.equal([{ one: 1 }])
      expect(await postmasterPid(pgDir())).to.equal(pid)
    })
  }

  it('lets one of many owners in when the last one was killed', async () => {
    const killed = await startChild(owner())
    await killed.kill('SIGKILL')

    const children = await Promise.all([1, 2, 3, 4].map(() => startChild(owner())))

    const winners = children.filter((child) => child.report.event === 'ready')
    expect(winners).to.have.length(1)
    expect(winners[0]?.report.adopted).to.equal(true)
    await winners[0]?.stop()
  })

  it('refuses a second owner in the same process', async () => {
    const first = await startEmbedded(owner())
    const outcome = await startEmbedded(owner()).catch((error) => error)
    expect(outcome).to.include({ code: 'DATA_DIRECTORY' })
    await first.stop()
  })

  it('recovers what was committed when the server was killed too', async () => {
    const child = await startChild(owner())
    await withSql(child.report.connection, (sql) => sql`create table kept as select 42 as answer`)
    await child.kill('SIGKILL')
    await killAndWait(await postmasterPid(pgDir()))

    const next = await startEmbedded(owner())

    expect(next.adopted).to.equal(false)
    const rows = await withSql(next.connection, (sql) => sql`select answer from kept`)
    expect(rows).to.deep.equal([{ answer: 42 }])
    await next.stop()
  })

  it('is not fooled by a pid that belongs to another program now', async () => {
    await (await startEmbedded(owner())).stop()
    const recycled = [process.pid, pgDir(), 1, 5432, '', '127.0.0.1', '', 'ready   ', '']
    await writeFile(join(pgDir(), 'postmaster.pid'), recycled.join('\n'))

    const next = await startEmbedded(owner())

    expect(next.adopted).to.equal(false)
    await next.stop()
  })

  it('is not fooled by a lock whose pid belongs to another process now', async () => {
    const child = await startChild(owner())
    const path = join(directory.path, 'supervisor.lock')
    const record = JSON.parse(await readFile(path, 'utf8'))
    await child.kill('SIGKILL')
    await writeFile(path, JSON.stringify({ ...record, pid: process.pid }))

    const next = await startEmbedded(owner())

    expect(next.adopted).to.equal(true)
    await next.stop()
  })

  it('stops a server that was started for guests when the last one leaves', async () => {
    const [first, second] = [await startEmbedded(guest()), await startEmbedded(guest())]
    await first.stop()
    expect(await postmastersBelow(directory.path)).to.have.length(1)
    await second.stop()
    expect([first.adopted, second.adopted]).to.deep.equal([false, true])
    expect(await postmastersBelow(directory.path)).to.deep.equal([])
  })

  it('does not count a guest that was killed', async () => {
    const killed = await startChild(guest())
    const last = await startEmbedded(guest())
    await killed.kill('SIGKILL')
    await last.stop()
    expect(await postmastersBelow(directory.path)).to.deep.equal([])
  })

  it('leaves the server running for a client that a guest does not know', async () => {
    const visitor = await startEmbedded(guest())
    await withSql(visitor.connection, async (sql) => {
      await sql`select 1`
      await visitor.stop()
      expect(await sql`select 1 as one`).to.deep.equal([{ one: 1 }])
    })
    expect(await postmastersBelow(directory.path)).to.have.length(1)
  })

  it('leaves the server to an owner that came in the meantime', async () => {
    const visitor = await startEmbedded(guest())
    const holder = await startEmbedded(owner())
    await visitor.stop()
    expect(await postmastersBelow(directory.path)).to.have.length(1)
    await holder.stop()
    expect(await postmastersBelow(directory.path)).to.deep.equal([])
  })

  it('hands the server over to a guest when its owner leaves', async () => {
    const holder = await startEmbedded(owner())
    const visitor = await startEmbedded(guest())
    await holder.stop()
    const rows = await withSql(visitor.connection, (sql) => sql`select 1 as one`)
    expect(rows).to.deep.equal([{ one: 1 }])
    await visitor.stop()
    expect(await postmastersBelow(directory.path)).to.deep.equal([])
  })

  it('leaves an owner that was killed its server, whoever visits', async () => {
    await (await startChild(owner())).kill('SIGKILL')
    await (await startEmbedded(guest())).stop()
    expect(await postmastersBelow(directory.path)).to.have.length(1)
  })

  it('gives an owner a running server although guests stop it at the same moment', async () => {
    for (let round = 0; round < 5; round += 1) {
      const visitor = await startEmbedded(guest())
      const [holder] = await Promise.all([startEmbedded(owner()), visitor.stop()])
      const rows = await withSql(holder.connection, (sql) => sql`select 1 as one`)
      expect(rows).to.deep.equal([{ one: 1 }])
      await holder.stop()
    }
  })

  it('stops once, however often it is told', async () => {
    const holder = await startEmbedded(owner())
    await Promise.all([holder.stop(), holder.stop()])
    await holder.stop()
    expect(await postmastersBelow(directory.path)).to.deep.equal([])
  })
})

describe('embedded/sharing, from nothing', () => {
  const directory = useDirectory()
  const owner = () => ({ dataDir: directory.path, purpose: 'run', exclusive: true })

  it('lets one of two owners in that start at once, and tells the other who has it', async () => {
    const children = await Promise.all([startChild(owner()), startChild(owner())])

    const winner = children.find((child) => child.report.event === 'ready')
    const loser = children.find((child) => child.report.event === 'failed')
    expect(loser?.report.code).to.equal('DATA_DIRECTORY')
    expect(loser?.report.message).to.contain(`"run" (pid ${winner?.pid})`)
    expect(await postmastersBelow(directory.path)).to.have.length(1)
    await winner?.stop()
  })

  for (const moment of ['Creating a database', 'Starting Postgres']) {
    it(`starts although an owner was killed at "${moment}"`, async () => {
      await killChildAt(owner(), moment)

      const next = await startEmbedded(owner())

      const rows = await withSql(next.connection, (sql) => sql`select 1 as one`)
      expect(rows).to.deep.equal([{ one: 1 }])
      expect(await postmastersBelow(directory.path)).to.have.length(1)
      await next.stop()
    })
  }
})
