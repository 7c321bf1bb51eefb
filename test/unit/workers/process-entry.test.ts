import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import type { FromWorker, ToWorker } from '../../../src/actor/messages.js'
import type { WorkerOptions } from '../../../src/core/worker-options.js'
import { handlerUrl, type Inbox, makeInbox, makeItem, setup } from './support.js'

const ENTRY = fileURLToPath(new URL('../../../workers/process-entry.js', import.meta.url))
const DOOMED = fileURLToPath(new URL('../../support/doomed-parent.js', import.meta.url))

interface ProcessRig extends Inbox {
  readonly child: ChildProcess
  readonly tell: (message: ToWorker) => void
  readonly exited: Promise<{ readonly code: number | null; readonly signal: string | null }>
}

describe('workers/process-entry', () => {
  const children: ChildProcess[] = []
  afterEach(() => {
    for (const child of children.splice(0)) child.kill('SIGKILL')
  })

  async function startWorker(options: Partial<WorkerOptions> = {}): Promise<ProcessRig> {
    const child = fork(ENTRY, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
    children.push(child)
    const inbox = makeInbox()
    child.on('message', (message: FromWorker) => inbox.push(message))
    const exited = once(child, 'exit').then(([code, signal]) => ({ code, signal }))
    const tell = (message: ToWorker) => void child.send(message)
    await inbox.first('hello')
    tell(setup(options))
    return { ...inbox, child, tell, exited }
  }

  it('works items, answers pings, drains and exits with code 0', async () => {
    const rig = await startWorker({ moduleUrl: handlerUrl('noop') })
    await rig.first('ready')
    rig.tell({ type: 'dispatch', items: Array.from({ length: 300 }, () => makeItem('noop')) })
    expect(await rig.settled(300)).to.have.length(300)
    rig.tell({ type: 'ping', sequence: 5 })
    const pong = await rig.first('pong')
    expect(pong).to.include({ sequence: 5, active: 0 })
    expect(pong.memoryBytes).to.be.greaterThan(1_048_576)
    rig.tell({ type: 'drain', drainMs: 1_000 })
    expect(await rig.exited).to.deep.equal({ code: 0, signal: null })
  })

  it('says its last word before it exits', async () => {
    const rig = await startWorker()
    await rig.first('ready')
    rig.tell({ type: 'dispatch', items: Array.from({ length: 9 }, () => makeItem('wait')) })
    rig.tell({ type: 'drain', drainMs: 0 })
    const ends = await rig.settled(9)
    expect(ends.every((end) => end.outcome.result === 'release')).to.equal(true)
    expect(await rig.exited).to.deep.equal({ code: 0, signal: null })
  })

  it('ignores SIGINT and SIGTERM while its supervisor is there', async () => {
    const rig = await startWorker()
    await rig.first('ready')
    rig.child.kill('SIGINT')
    rig.child.kill('SIGTERM')
    rig.tell({ type: 'dispatch', items: [makeItem('row')] })
    expect((await rig.settled(1))[0]?.outcome.result).to.equal('complete')
  })

  it('reports how long its event loop stood still', async () => {
    const rig = await startWorker()
    await rig.first('ready')
    rig.tell({ type: 'dispatch', items: [makeItem('block-for', 300)] })
    await rig.settled(1)
    rig.tell({ type: 'ping', sequence: 1 })
    // It was busy for 300 ms by its own clock.
    expect((await rig.first('pong')).eventLoopDelayMs).to.be.greaterThan(200)
  })

  it('tells why it refuses, and exits', async () => {
    const rig = await startWorker({ moduleUrl: handlerUrl('broken') })
    expect((await rig.first('refused')).message).to.contain('not valid')
    expect((await rig.exited).code).to.equal(78)
  })

  for (const act of ['crash', 'reject']) {
    it(`logs a ${act} outside of the handler and exits with 1, its items unanswered`, async () => {
      const rig = await startWorker()
      await rig.first('ready')
      rig.tell({ type: 'dispatch', items: [makeItem('wait'), makeItem(act)] })
      const line = await rig.first('log')
      expect(line).to.include({ level: 'error' })
      expect(line.message).to.contain('outside of the handler')
      expect((await rig.exited).code).to.equal(1)
      expect(rig.messages.some((message) => message.type === 'settled')).to.equal(false)
    })
  }

  it('ends when its supervisor closes the channel', async () => {
    const rig = await startWorker()
    await rig.first('ready')
    rig.child.disconnect()
    expect((await rig.exited).code).to.equal(0)
  })

  // 'block' cannot hear that the channel is gone; the thread beside it can.
  for (const act of ['wait', 'hang', 'block']) {
    it(`ends when its supervisor is killed, while an item does ${act}`, async () => {
      const dispatch: ToWorker = { type: 'dispatch', items: [makeItem(act)] }
      const args = [ENTRY, JSON.stringify(setup()), JSON.stringify(dispatch)]
      const parent = fork(DOOMED, args, { stdio: ['ignore', 'pipe', 'inherit', 'ipc'] })
      children.push(parent)
      await once(parent, 'message')
      const { stdout } = parent
      if (stdout === null) throw new Error('the parent has no stdout')
      stdout.resume()
      // The worker holds the other end of this pipe: it closes when both are gone.
      const bothGone = once(stdout, 'close')
      parent.kill('SIGKILL')
      await bothGone
    })
  }
})
