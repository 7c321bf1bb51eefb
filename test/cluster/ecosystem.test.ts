import { createRequire } from 'node:module'
import { expect } from 'chai'
import { describe, it } from 'mocha'
import { OPTIONS } from '../../config/options.js'
import { EXIT_CODES } from '../../src/core/errors.js'
import { findShipped } from '../support/pm2.js'

/**
 * What a supervisor may need after its drain deadline: its farewells, and the end of its database.
 */
const FAREWELL_MS = 10_000

describe('ecosystem.config.cjs', () => {
  const load = async (): Promise<{ readonly [field: string]: unknown }> => {
    const { apps } = createRequire(import.meta.url)(await findShipped('ecosystem.config.cjs'))
    expect(apps).to.have.lengthOf(1)
    return apps[0]
  }

  it('kills later than the drain deadline and what comes after it', async () => {
    const { kill_timeout: killTimeout } = await load()
    expect(killTimeout).to.be.at.least(OPTIONS.drainMs.default + FAREWELL_MS)
  })

  it('runs in fork mode, which `instances` would silently end', async () => {
    const app = await load()
    expect(app).to.include({ exec_mode: 'fork' }).and.not.to.have.property('instances')
  })

  it('bounds the young generation of the supervisor', async () => {
    expect(await load()).to.include({ node_args: '--max-semi-space-size=4' })
  })

  it('stops by a message to the supervisor alone', async () => {
    expect(await load()).to.include({ shutdown_with_message: true, treekill: false })
  })

  it('waits for the supervisor to say that it is ready', async () => {
    const app = await load()
    expect(app).to.include({ wait_ready: true })
    expect(app.listen_timeout).to.be.above(3_000)
  })

  // PM2 records death by a signal as exit code 0: a supervisor that was killed would stay dead.
  it('starts again after everything but the ends that no restart mends', async () => {
    const { stop_exit_codes: codes } = await load()
    expect(codes).to.deep.equal([EXIT_CODES.drained, EXIT_CODES.configuration])
  })
})
