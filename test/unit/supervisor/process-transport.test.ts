import { execFileSync } from 'node:child_process'
import { expect } from 'chai'
import { createProcessTransport } from '../../../supervisor/process-transport.js'

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
})
