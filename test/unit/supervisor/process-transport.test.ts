import { execFileSync } from 'node:child_process'
import { expect } from 'chai'
import { createProcessTransport } from '../../../supervisor/process-transport.js'
import { eventually } from '../../support/poll.js'

describe('supervisor/process-transport', () => {
  async function argumentsOf(of: { readonly slots: number; readonly heapMb: number | null }) {
    const transport = createProcessTransport()
    try {
      return await new Promise<string>((resolve) => {
        const spec = { workerId: 'w1', workflow: 'test', kind: 'process', ...of } as const
        const link = transport.start(spec, {
          onMessage: () => {
            resolve(execFileSync('ps', ['-o', 'args=', '-p', `${link.pid}`], { encoding: 'utf8' }))
          },
          onExit: () => resolve('it ended'),
        })
      })
    } finally {
      await transport.close()
    }
  }

  it('bounds the young generation of a worker of many slots, and of no other', async () => {
    const young = '--max-semi-space-size=4'
    expect(await argumentsOf({ slots: 1_000, heapMb: 512 }))
      .to.contain(young)
      .and.contain('--max-old-space-size=512')
    const few = await argumentsOf({ slots: 50, heapMb: null })
    expect(few).to.contain('process-entry').and.not.contain('-space-size')
  })

  it('says once of each message that it is gone, to a worker that stands still and dies', async () => {
    const transport = createProcessTransport()
    const item = { itemId: '1', packId: '1', leaseId: '1', itemKey: 'a', attempt: 1 }
    const payload = 'x'.repeat(4 * 1_048_576)
    const sent = [0, 0, 0]
    const gone: unknown[] = []
    let isStopped = false
    await new Promise<void>((resolve) => {
      const spec = { workerId: 'w1', workflow: 'test', kind: 'process', slots: 1 } as const
      const link = transport.start(
        { ...spec, heapMb: null },
        { onMessage: stop, onExit: (exit) => gone.push(exit) && resolve() },
      )
      function stop() {
        if (isStopped) return
        isStopped = true
        process.kill(link.pid, 'SIGSTOP')
        for (const n of sent.keys()) {
          link.send({ type: 'dispatch', items: [{ ...item, payload }] }, () => {
            sent[n] = (sent[n] ?? 0) + 1
          })
        }
        // No pipe takes megabytes that nobody reads.
        setTimeout(() => {
          expect(sent).to.deep.equal([0, 0, 0])
          link.kill()
        }, 100)
      }
    })
    await eventually({ words: 'the end of all messages' }, () => sent.every((times) => times > 0))
    expect(sent).to.deep.equal([1, 1, 1])
    expect(gone).to.deep.equal([{ exitCode: null, signal: 'SIGKILL', message: null }])
    await transport.close()
  })
})
