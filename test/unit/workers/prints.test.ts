// What handlers print by themselves is the supervisor's log, whatever they run in: nothing reaches
// its standard output, which belongs to results, and nothing is lost with the worker.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { expect } from 'chai'
import fc from 'fast-check'
import type { LogLine } from '../../../src/actor/messages.js'
import { createLineCutter, PRINT_COLUMNS_MAX } from '../../../src/actor/print-lines.js'
import { createProcessTransport } from '../../../supervisor/process-transport.js'
import { createThreadTransport } from '../../../supervisor/thread-transport.js'
import type { LinkExit, WorkerLink } from '../../../supervisor/transport.js'
import { readPrints } from '../../../supervisor/worker-prints.js'
import { handlerUrl, setup } from './support.js'

const SPEC = { workerId: 'w1', workflow: 'test', slots: 1, heapMb: null }

describe('workers/prints', () => {
  for (const kind of ['process', 'thread'] as const) {
    it(`are lines of the log, in order and before the end, of a ${kind}`, async () => {
      const transport = kind === 'process' ? createProcessTransport() : createThreadTransport()
      const lines: LogLine[] = []
      const written: unknown[] = []
      const write = process.stdout.write
      process.stdout.write = ((chunk: unknown) => {
        written.push(chunk)
        return true
      }) as typeof process.stdout.write
      const exit = await new Promise<LinkExit>((resolve) => {
        const link: WorkerLink = transport.start(
          { ...SPEC, kind },
          {
            onMessage: (message) => {
              if (message.type === 'log') lines.push(message)
              if (message.type === 'hello') {
                link.send(setup({ moduleUrl: handlerUrl('printing') }))
                // Nobody reads while it prints: its pipes take a part of it only.
                Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 500)
              }
              if (message.type === 'ready') link.send({ type: 'drain', drainMs: 1_000 })
            },
            onExit: resolve,
          },
        )
      }).finally(() => {
        process.stdout.write = write
      })
      await transport.close()

      expect(exit).to.include({ exitCode: kind === 'process' ? 3 : 0, signal: null })
      expect(written).to.deep.equal([])
      const of = (stream: string) =>
        lines.filter(({ fields }) => fields?.stream === stream).map(({ message }) => message)
      const printed = Array.from({ length: 2_000 }, (_, n) => `line ${n + 1}`)
      expect(of('stdout')).to.deep.equal([...printed, 'x'.repeat(PRINT_COLUMNS_MAX)])
      expect(of('stderr')).to.deep.equal(['https://user:pass@example.com/?key=1 and no end'])
      expect(new Set(lines.map(({ level }) => level))).to.deep.equal(new Set(['info', 'warn']))
    })
  }

  it('do not keep a dead child from being told, when a program of its holds the pipes', async () => {
    // It holds them for longer than the test may take.
    const holder = `const { spawn } = require('node:child_process')
      const program = spawn('sleep', ['300'], { stdio: 'inherit', detached: true })
      console.log(program.pid)
      setInterval(() => {}, 1000)`
    const child = spawn(process.execPath, ['-e', holder], { stdio: ['ignore', 'pipe', 'pipe'] })
    const program = await new Promise<number>((resolve) =>
      readPrints(child, ({ message }) => resolve(Number(message))),
    )
    child.kill('SIGKILL')
    await once(child, 'close')
    expect(process.kill(program, 'SIGKILL')).to.equal(true)
  })

  it('are cut at line ends, however they arrive, and bounded in length', () => {
    const text = fc.string({ maxLength: 40 }).map((own) => own.replaceAll('\r', ''))
    fc.assert(
      fc.property(fc.array(text), fc.array(fc.nat({ max: 50 })), (rows, cuts) => {
        const whole = rows.join('\n')
        const lines: string[] = []
        const cutter = createLineCutter((line) => lines.push(line))
        let rest = whole
        for (const cut of cuts) {
          cutter.push(rest.slice(0, cut))
          rest = rest.slice(cut)
        }
        cutter.push(rest)
        cutter.end()
        const expected = whole.split('\n').map((line) => line.trimEnd())
        expect(lines).to.deep.equal(expected.filter((line) => line !== ''))
      }),
    )
  })
})
