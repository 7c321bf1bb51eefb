import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { MessageChannel, type MessagePort } from 'node:worker_threads'
import { expect } from 'chai'
import { Piscina } from 'piscina'
import type { FromWorker, ToWorker } from '../../../src/actor/messages.js'
import type { WorkerOptions } from '../../../src/core/worker-options.js'
import { handlerUrl, type Inbox, makeInbox, makeItem, setup } from './support.js'

const filename = fileURLToPath(new URL('../../../workers/thread-entry.js', import.meta.url))

interface ThreadRig extends Inbox {
  readonly port: MessagePort
  readonly tell: (message: ToWorker) => void
  readonly ended: Promise<unknown>
}

describe('workers/thread-entry', () => {
  let pool: Piscina
  before(() => {
    pool = new Piscina({ filename, minThreads: 1, maxThreads: 2, concurrentTasksPerWorker: 1 })
  })
  after(() => pool.destroy())

  async function startThread(options: Partial<WorkerOptions> = {}): Promise<ThreadRig> {
    const { port1: port, port2 } = new MessageChannel()
    const inbox = makeInbox()
    port.on('message', (message: FromWorker) => inbox.push(message))
    // The port's close comes after its last message; the task's end may come before.
    const closed = once(port, 'close')
    const ended = pool
      .run({ port: port2 }, { transferList: [port2] })
      .catch((error: unknown) => error)
      .finally(() => closed)
    await inbox.first('hello')
    const tell = (message: ToWorker) => port.postMessage(message)
    tell(setup(options))
    return { ...inbox, port, tell, ended }
  }

  it('works items in a thread, answers pings and returns after its drain', async () => {
    const rig = await startThread()
    await rig.first('ready')
    rig.tell({ type: 'dispatch', items: [makeItem('row'), makeItem('wait')] })
    const outcome = (await rig.settled(1))[0]?.outcome
    if (outcome?.result !== 'complete') throw new Error('the item did not complete')
    // A row is the text of its JSON, made on this side.
    const text = outcome.rows.found?.[0]
    if (typeof text !== 'string') throw new Error('the row is no text')
    const row: unknown = JSON.parse(text)
    expect(row).to.have.property('name')
    expect(row).to.have.property('extra').that.is.not.deep.equal({ threadId: 0 })
    rig.tell({ type: 'ping', sequence: 9 })
    expect(await rig.first('pong')).to.include({ sequence: 9, active: 1 })
    rig.tell({ type: 'drain', drainMs: 0 })
    expect(await rig.settled(2)).to.have.length(2)
    expect(await rig.ended).to.equal(0)
  })

  it('runs two workers side by side, and others after them', async () => {
    for (let round = 0; round < 2; round += 1) {
      const rigs = await Promise.all([startThread(), startThread()])
      for (const rig of rigs) {
        await rig.first('ready')
        rig.tell({ type: 'dispatch', items: Array.from({ length: 100 }, () => makeItem('row')) })
      }
      for (const rig of rigs) {
        expect(await rig.settled(100)).to.have.length(100)
        rig.tell({ type: 'drain', drainMs: 1_000 })
        expect(await rig.ended).to.equal(0)
      }
    }
  })

  it('returns when the supervisor closes the port', async () => {
    const rig = await startThread()
    await rig.first('ready')
    rig.tell({ type: 'dispatch', items: [makeItem('hang')] })
    rig.port.close()
    expect(await rig.ended).to.equal(0)
  })

  it('returns the exit code of a refusal', async () => {
    const rig = await startThread({ moduleUrl: handlerUrl('none') })
    expect((await rig.first('refused')).message).to.contain('default export')
    expect(await rig.ended).to.equal(78)
  })

  it('tells of a crash before the thread dies of it', async () => {
    const rig = await startThread()
    await rig.first('ready')
    rig.tell({ type: 'dispatch', items: [makeItem('crash')] })
    expect((await rig.first('log')).message).to.contain('outside of the handler')
    expect(await rig.ended).to.be.instanceOf(Error)
  })
})
