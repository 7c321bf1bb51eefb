import { once } from 'node:events'
import { expect } from 'chai'
import { useAudit } from '../support/audited.js'
import { useDatabase } from '../support/database.js'
import { runProgram, startProgram, useDirectory, useSite } from './program.js'

const HABITS = ['--allow-ranges', 'loopback', '--port', 'off']

describe('cli: up', () => {
  const database = useDatabase()
  useAudit(database)
  const directory = useDirectory()
  const site = useSite()

  it('tells its manager when it is ready, works the queue, and stops on `shutdown`', async () => {
    const environment = { DATABASE_URL: database.url, pm_id: '0' }
    const options = { cwd: directory.path, environment }
    const up = startProgram(['up', 'contacts', ...HABITS], { ...options, hasChannel: true })
    const [word] = await once(up.child, 'message')
    const arrived = site.arrived(1, '/live')
    await runProgram(['enqueue', 'contacts'], { ...options, input: `${site.origin}/live` })
    await arrived
    up.child.send('shutdown')
    const ended = await up.ended

    expect(word).to.equal('ready')
    expect(ended.exitCode, ended.stderr).to.equal(0)
    expect(ended.stdout).to.equal('')
    expect(ended.stderr).to.match(/shutdown: draining \d in flight, up to 30 s; a second one stops/)
    expect((await runProgram(['audit'], options)).exitCode).to.equal(0)
  })

  it('refuses a workflow that is named twice', async () => {
    const options = { cwd: directory.path, environment: { DATABASE_URL: database.url } }
    const ended = await runProgram(['up', 'contacts', 'contacts'], options)

    expect(ended.exitCode).to.equal(2)
    expect(ended.stderr).to.contain('Two workflows are called `contacts`')
  })
})
