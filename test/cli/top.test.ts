// `fetchyard top` as a process of its own, in a terminal and without one, over a real web server.

import { existsSync } from 'node:fs'
import { readdir, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'chai'
import { WebSocket } from 'ws'
import { seededRandom } from '../../src/core/random.js'
import { leaveWebNote, readWebNotes } from '../../supervisor/cli/web-notes.js'
import { useDatabase } from '../support/database.js'
import { eventually } from '../support/poll.js'
import { hasTerminals, startTerminal, type Terminal } from '../support/terminal.js'
import { createManualClock, type ManualClock } from '../web/support/manual-clock.js'
import { createSimulation, type Simulation } from '../web/support/simulation.js'
import { openYard, TOKEN, type Yard } from '../web/support/yard.js'
import { MAIN, runProgram, startProgram, useDirectory } from './program.js'

/** Answers to pings that the servers of this process hear. */
function countPongs(): { readonly count: () => number; readonly stop: () => void } {
  const { emit } = WebSocket.prototype
  let count = 0
  WebSocket.prototype.emit = function (this: WebSocket, ...words: Parameters<typeof emit>) {
    if (words[0] === 'pong') count += 1
    return emit.apply(this, words)
  }
  const stop = () => {
    WebSocket.prototype.emit = emit
  }
  return { count: () => count, stop }
}

describe('cli: top of a node', () => {
  const database = useDatabase()
  const directory = useDirectory()

  it('finds it by a note that only its owner can read, and that ends with it', async () => {
    const options = { cwd: directory.path, environment: { DATABASE_URL: database.url } }
    const up = startProgram(['up', 'contacts', '--port', '0'], options)
    await up.says('Dashboard:')
    const folder = join(directory.path, '.fetchyard', 'web')
    const path = join(folder, `${up.child.pid}.json`)
    await eventually({ words: 'a note' }, () => existsSync(path))
    expect((await stat(path)).mode & 0o777).to.equal(0o600)
    const top = await runProgram(['top', '--lines', '1'], { cwd: directory.path })
    expect(top.exitCode, top.stderr).to.equal(0)
    expect(top.stdout).to.match(/Z {2}(idle|running) {2}0\/0 {2}/)
    up.child.kill('SIGTERM')
    expect((await up.ended).exitCode).to.equal(0)
    expect(await readdir(folder)).to.deep.equal(['.gitignore'])
    expect(up.stderr()).to.contain('Dashboard:')
  })

  it('is no worse off where no note can be left', async () => {
    const note = { url: 'http://127.0.0.1:1/', pid: process.pid, born: null, startedAtMs: 0 }
    const noFolder = join(directory.path, 'a-file')
    await writeFile(noFolder, '')
    const takeAway = await leaveWebNote(noFolder, note)
    await takeAway()
    expect(await readWebNotes(noFolder)).to.deep.equal([])
  })

  it('takes no note of a process that is gone, and forgets it at the next start', async () => {
    const dataDir = join(directory.path, 'notes')
    const gone = startProgram(['--version'], { cwd: directory.path })
    const pid = gone.child.pid ?? 0
    await gone.ended
    await leaveWebNote(dataDir, { url: 'http://127.0.0.1:1/', pid, born: null, startedAtMs: 2 })
    expect(await readWebNotes(dataDir)).to.deep.equal([])
    await leaveWebNote(dataDir, {
      url: 'http://127.0.0.1:2/',
      pid: process.pid,
      born: null,
      startedAtMs: 1,
    })
    expect((await readWebNotes(dataDir)).map((note) => note.pid)).to.deep.equal([process.pid])
    const folder = join(dataDir, 'web')
    expect((await readdir(folder)).sort()).to.deep.equal(['.gitignore', `${process.pid}.json`])
    expect((await stat(folder)).mode & 0o777).to.equal(0o700)
    // Its pid was given to a process that was born at another time.
    const other = { url: 'http://127.0.0.1:3/', pid: process.pid, born: '1', startedAtMs: 3 }
    await leaveWebNote(dataDir, other)
    expect(await readWebNotes(dataDir)).to.deep.equal([])
  })
})

describe('cli: top', () => {
  const directory = useDirectory()
  let yard: Yard
  let clock: ManualClock
  let simulation: Simulation

  const open = async (port = 0, token = TOKEN) => {
    clock = createManualClock()
    yard = await openYard({ clock, port, token, epoch: `boot-${token}-${Math.random()}` })
    simulation = createSimulation(yard, seededRandom(7), clock.wallMs)
    second(20)
    const report = yard.telemetry.live.report()
    yard.telemetry.live.setHeard([{ nodeId: 'node-b', ageMs: 300, report }])
  }
  const second = (times = 1) => {
    for (let count = 0; count < times; count += 1) {
      simulation.second()
      clock.advance(1_000)
    }
  }
  const note = (port: number, token: string) =>
    leaveWebNote(join(directory.path, '.fetchyard'), {
      url: `http://127.0.0.1:${port}/#token=${token}`,
      pid: process.pid,
      born: null,
      startedAtMs: Date.now(),
    })

  beforeEach(() => open())
  afterEach(async () => {
    await yard.close()
    await rm(join(directory.path, '.fetchyard'), { recursive: true, force: true })
  })
  const options = () => ({ cwd: directory.path, environment: { FETCHYARD_TOKEN: TOKEN } })
  const address = () => `127.0.0.1:${yard.web.port}`

  describe('without a terminal', () => {
    it('writes a line of figures, and says elsewhere where they are from', async () => {
      const ended = await runProgram(['top', address(), '--lines', '1'], options())
      expect(ended.exitCode, ended.stderr).to.equal(0)
      expect(ended.stderr).to.equal(`Connected to http://${address()}.\n`)
      expect(ended.stdout).to.match(
        /^2026-11-22T10:00:2\dZ {2}running {2}1 \d{3}\/6\d \d{3} \(\d.\d %\) {2}\d\d\.\d\/s {2}ok .*\n$/,
      )
      expect(ended.stdout).to.contain('2 nodes').and.contain('! sitemap is paused: operator')
    })

    it('writes NDJSON of the topics as the channel has them', async () => {
      const words = ['top', address(), '--json', '--lines', '2', '--every', '1']
      const ended = await runProgram(words, options())
      const lines = ended.stdout.trimEnd().split('\n')
      const [link, ...figures] = lines.map((line) => JSON.parse(line))
      expect(link).to.deep.include({ schema: 1, t: 'link', status: 'live' })
      expect(figures).to.have.length(2)
      const truth = JSON.parse(JSON.stringify(yard.telemetry.live.states().stats))
      for (const line of figures) {
        expect(line).to.have.all.keys(
          ...['schema', 't', 'at', 'server', 'stats', 'workflows', 'rollouts', 'nodes', 'lanes'],
        )
        expect(line.stats).to.deep.equal({ ...truth, liveClients: line.stats.liveClients })
      }
    })

    it('says that the supervisor is gone and comes back to it', async () => {
      const top = startProgram(['top', address(), '--every', '1', '--json'], options())
      let text = ''
      top.child.stdout?.on('data', (chunk) => {
        text += String(chunk)
      })
      const statuses = () =>
        text
          .split('\n')
          .filter((line) => line.includes('"t":"link"'))
          .map((line) => JSON.parse(line).status)
      const seen = () => text
      await eventually({ words: 'a connection', seen }, () => statuses().length === 1)
      const { port } = yard.web
      await yard.web.close('restart')
      await yard.close()
      await eventually({ words: 'the loss', seen }, () => statuses().at(-1) === 'waiting')
      await open(port)
      await eventually({ words: 'the return', seen }, () => statuses().length === 3)
      expect(statuses()).to.deep.equal(['live', 'waiting', 'live'])
      top.child.kill('SIGTERM')
      expect((await top.ended).exitCode).to.equal(0)
    })

    it('ends when nobody reads its lines any more', async () => {
      const top = startProgram(['top', address(), '--every', '1'], options())
      await new Promise((resolve) => top.child.stdout?.once('data', resolve))
      top.child.stdout?.destroy()
      const ended = new Promise((resolve) => top.child.once('exit', resolve))
      expect(await ended).to.equal(0)
    })

    it('says what it cannot reach, and which token is refused', async () => {
      const [nobody, refused] = await Promise.all([
        runProgram(['top', '127.0.0.1:9'], options()),
        runProgram(['top', `${address()}/#token=${'x'.repeat(20)}`], options()),
      ])
      expect(nobody.stderr).to.match(/^Error: http:..127.0.0.1:9 does not answer: .*ECONNREFUSED/)
      expect(refused.stderr).to.match(/^Error: .* refuses: the token is wrong/)
      for (const { exitCode, stdout } of [nobody, refused]) {
        expect(exitCode).to.equal(78)
        expect(stdout).to.equal('')
      }
    })

    it('finds the node of its directory by the note it left', async () => {
      const none = await runProgram(['top'], { cwd: directory.path })
      expect(none.exitCode).to.equal(78)
      expect(none.stderr).to.contain('No node of this directory runs')
      await note(yard.web.port, TOKEN)
      const ended = await runProgram(['top', '--lines', '1'], { cwd: directory.path })
      expect(ended.exitCode, ended.stderr).to.equal(0)
      expect(ended.stdout).to.contain('running')
    })
  })

  describe('in a terminal', () => {
    before(function () {
      if (!hasTerminals()) this.skip()
    })
    const terminals: Terminal[] = []
    afterEach(async () => {
      for (const terminal of terminals.splice(0)) {
        terminal.type('q')
        expect(await terminal.exited).to.equal(0)
        expect(terminal.isOtherScreen()).to.equal(false)
        expect(terminal.isCursorShown()).to.equal(true)
      }
    })
    const start = (size = { rows: 30, columns: 100 }, words = address()) => {
      const terminal = startTerminal(`${process.execPath} ${MAIN} top ${words}`, {
        ...options(),
        ...size,
      })
      terminals.push(terminal)
      return terminal
    }

    it('draws how the run stands, with fifteen minutes of it as sparklines', async () => {
      const terminal = start()
      const screen = await terminal.shows(/items\/s +[▁▂▃▄▅▆▇█ ]{8,} +\d\d\.\d\/s +max/)
      expect(screen[0]).to.match(/^Fetchyard 1\.2\.3 +yard-1 +running +up \d\d s +live$/)
      expect(screen[0]).to.have.length(100)
      const text = screen.join('\n')
      expect(text).to.match(/done +1 \d{3} of 6\d \d{3}/)
      expect(text).to.match(/lost +no audit/)
      expect(text).to.contain('! sitemap is paused: operator')
      expect(terminal.isOtherScreen()).to.equal(true)
      expect(terminal.isCursorShown()).to.equal(false)
    })

    it('goes from page to page, scrolls and filters by keys', async () => {
      const terminal = start({ rows: 10, columns: 100 })
      await terminal.shows('done')
      terminal.type('2')
      expect((await terminal.shows('[2 Workflows]')).join('\n')).to.match(
        /contacts +5\d \d{3} +\d+\/96/,
      )
      terminal.type('\u001b[C')
      expect((await terminal.shows('[3 Nodes]')).join('\n')).to.match(
        / {2}contacts-1 \(process\) +4720/,
      )
      terminal.type('4')
      expect((await terminal.shows('[4 Hosts]')).join('\n')).to.match(/example\.com +contacts/)
      terminal.type('l')
      const events = await terminal.shows('[5 Events]')
      expect(events.at(-1)).to.match(/^\d+ below$/)
      terminal.type('jj')
      await terminal.shows(/2 above, \d+ below/)
      terminal.type('/is ready\r')
      const filtered = await terminal.shows('only "is ready"')
      const rows = filtered.slice(3, -1).filter((line) => line !== '')
      expect(rows).to.have.length(3)
      for (const row of rows) expect(row).to.match(/Worker contacts-\d of contacts is ready/)
      terminal.type('\u001b')
      await terminal.shows(/^\d+ below$/m)
      terminal.type('?')
      await terminal.shows('hold the picture still')
      terminal.type('x1')
      await terminal.shows('[1 Overview]')
    })

    it('moves on with the figures, but for while it is held still', async () => {
      const terminal = start()
      const first = (await terminal.shows('done')).find((line) => line.startsWith('done'))
      second(30)
      const done = () => terminal.screen().find((line) => line.startsWith('done'))
      await eventually({ words: 'other figures', seen: done }, () => done() !== first)
      terminal.type(' ')
      const held = (await terminal.shows('held still')).find((line) => line.startsWith('done'))
      // A ping is answered after the frames before it: what came in 25 seconds was received then.
      const pongs = countPongs()
      second(30)
      await eventually({ words: 'the answer to a ping', seen: pongs.count }, () => {
        return pongs.count() > 0
      })
      pongs.stop()
      // And drawn anew it is still the picture of before.
      terminal.type('2')
      await terminal.shows('[2 Workflows]')
      terminal.type('1')
      await terminal.shows('[1 Overview]')
      expect(done()).to.equal(held)
      terminal.type(' ')
      await eventually({ words: 'newer figures', seen: done }, () => done() !== held)
    })

    it('fits itself to a terminal that changes its size', async () => {
      const terminal = start()
      await terminal.shows('failures')
      terminal.resize(12, 50)
      await terminal.shows(/\d+ below/)
      const small = terminal.screen()
      expect(small).to.have.length(12)
      for (const line of small) expect(line.length).to.be.at.most(50)
      terminal.resize(34, 120)
      const isWide = () => terminal.screen()[0]?.length === 120 && terminal.screen().length === 34
      await eventually({ words: 'a wide picture', seen: terminal.screen }, isWide)
      await terminal.shows('failures')
    })

    it('comes back to a supervisor that starts again, with the token it then has', async () => {
      await note(yard.web.port, TOKEN)
      const terminal = start({ rows: 20, columns: 100 }, '')
      await terminal.shows('live')
      const { port } = yard.web
      await yard.web.close('restart')
      await yard.close()
      await terminal.shows(/waiting: .*figures/)
      const token = 'another-token-of-many-characters'
      await note(port, token)
      await open(port, token)
      await terminal.shows(/running .* live$/m)
    })

    it('shows words of others without letting them steer the terminal', async () => {
      const evil = '\u001b[2J\u001b]0;owned\u0007\u202egnorw'
      yard.bus.emit('heartbeat.failed', { message: evil })
      const terminal = start()
      await terminal.shows('Heartbeats fail: ·[2J·]0;owned··gnorw')
      expect(terminal.written()).to.not.contain('owned\u0007').and.not.contain('\u202e')
    })

    for (const [words, end] of [
      ['Ctrl-C', (terminal: Terminal) => terminal.type('\u0003')],
      ['SIGTERM', (terminal: Terminal) => terminal.signal('SIGTERM')],
    ] as const) {
      it(`ends at ${words} and leaves the terminal as it was`, async () => {
        const terminal = start()
        await terminal.shows('done')
        end(terminal)
        expect(await terminal.exited).to.equal(0)
        expect(terminal.isOtherScreen()).to.equal(false)
        expect(terminal.isCursorShown()).to.equal(true)
      })
    }
  })
})
