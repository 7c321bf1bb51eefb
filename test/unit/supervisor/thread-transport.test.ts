import { expect } from 'chai'
import { describe, it } from 'mocha'
import { createThreadTransport } from '../../../supervisor/thread-transport.js'
import type { LinkExit } from '../../../supervisor/transport.js'
import { makeInbox, makeItem, setup } from '../workers/support.js'

describe('supervisor/thread-transport', () => {
  it('survives a thread that crashes as it is killed, and tells of one end', async () => {
    const transport = createThreadTransport()
    const inbox = makeInbox()
    const exits: LinkExit[] = []
    const spec = { workerId: 'w1', workflow: 'test', kind: 'thread', slots: 1, heapMb: 64 } as const
    const exited = new Promise<void>((resolve) => {
      const onExit = (exit: LinkExit) => {
        exits.push(exit)
        resolve()
      }
      const link = transport.start(spec, { onMessage: inbox.push, onExit })
      const kill = async () => {
        await inbox.first('hello')
        link.send(setup())
        await inbox.first('ready')
        link.send({ type: 'dispatch', items: [makeItem('crash')] })
        // Its crash is known to Node and not yet to us: this thread hears of it after the kill.
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1_000)
        link.kill()
      }
      void kill()
    })

    await exited
    await transport.close()

    expect(exits).to.have.length(1)
    expect(exits[0]).to.include({ exitCode: 1, signal: null })
  })
})
