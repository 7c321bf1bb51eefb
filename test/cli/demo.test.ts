import { expect } from 'chai'
import { seededRandom } from '../../src/core/random.js'
import { createEventBus } from '../../src/telemetry/events.js'
import { planDemo } from '../../supervisor/cli/commands/demo.js'
import { startChaos } from '../../supervisor/demo/chaos.js'
import { compareWithTruth } from '../../supervisor/demo/compare.js'
import { parseDemoMemory } from '../../supervisor/demo/memory.js'
import { billingOf } from '../../supervisor/demo/simulated-upstream.js'
import { runProgram, startProgram, useDirectory } from './program.js'

describe('cli: demo', () => {
  const directory = useDirectory()

  // On its own database, though DATABASE_URL names another; killed in the middle, then continued.
  it('is continued after kill -9 and finds what its site planted', async () => {
    const environment = { DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none' }
    const options = { cwd: directory.path, environment }
    const words = ['demo', '--sites', '12', '--port', '0']
    const killed = startProgram([...words], options)
    await killed.says('Dashboard: http://127.0.0.1:')
    killed.child.kill('SIGKILL')
    await killed.ended

    const ended = await runProgram([...words, '--json'], options)

    expect(ended.exitCode, ended.stderr).to.equal(0)
    expect(ended.stderr).to.contain('Continuing with 24 pages')
    expect(ended.stderr).to.contain('fetchyard status --data-dir .fetchyard/demo')
    const report: unknown = JSON.parse(ended.stdout)
    expect(report).to.include({ schema: 1, items: 24, lost: 0, appliedTwice: 0, continued: true })
    expect(report).to.have.nested.property('truth.planted').above(20)
    expect(report).to.have.nested.property('truth.found').above(20)
  })

  it('goes through a simulated API with a plan, and holds its books against the API’s', async () => {
    const environment = { SCRAPER_API_KEY: 'the-key-of-somebody-who-pays' }
    const ended = await runProgram(
      ['demo', '--sites', '20', '--port', 'off', '--upstream', 'proxy-api', '--json'],
      { cwd: directory.path, environment },
    )

    expect(ended.exitCode, ended.stderr).to.equal(0)
    const { items, lost, billing } = JSON.parse(ended.stdout)
    expect({ items, lost }).to.deep.equal({ items: 40, lost: 0 })
    expect(billing).to.include({ plan: 40, isAgreed: true })
    expect(billing.booked.useful).to.be.above(20)
    expect(billing.billed).to.be.at.least(billing.booked.useful)
    expect(billing.calls).to.be.at.least(billing.billed)
    expect(billing.inFlightMax).to.be.within(1, 40)
  })

  it('finds a difference between its books and the API’s', () => {
    const before = { useful: 100, failed: 5, crashed: 1, unsure: 0 }
    const counts = {
      ...{ calls: 30, ended: 25, billed: 20, credits: 20, failed: 5, inFlight: 0, inFlightMax: 9 },
      ...{
        hungUp: 2,
        hungUpBilled: 2,
        hungUpCredits: 2,
        busySlotMs: 0,
        offeredSlotMs: 0,
        limit: 40,
      },
      refused: { limit: 5, key: 0, cost: 0, credits: 0, request: 0 },
    }
    const agreed = (useful: number, failed: number, crashed: number, unsure = 0) =>
      billingOf(before, { useful, failed, crashed, unsure }, counts).isAgreed
    expect(agreed(117, 6, 1), 'all that was heard').to.equal(true)
    expect(agreed(119, 6, 1), 'all that was billed').to.equal(true)
    expect(agreed(120, 6, 1), 'more than was billed').to.equal(false)
    expect(agreed(119, 7, 1, 1), 'one of which nobody knows').to.equal(true)
    expect(agreed(116, 6, 1), 'less than was heard').to.equal(false)
    expect(agreed(116, 6, 2), 'one was lost with its worker').to.equal(true)
  })

  it('begins anew once it came to its end, on the same port', () => {
    const past = { port: 4_711, sites: 20, run: 'demo-1' }
    const now = { isOpen: false, sites: null, wallMs: 0 }
    const run = 'demo-1970-01-01T00:00:00.000Z'

    expect(planDemo(null, now)).to.deep.equal({ port: 0, sites: 500, run })
    expect(planDemo(past, now)).to.deep.equal({ port: 4_711, sites: 500, run })
    expect(planDemo(past, { ...now, isOpen: true, sites: 7 })).to.deep.equal(past)
  })

  it('remembers nothing that makes no sense', () => {
    expect(parseDemoMemory('')).to.equal(null)
    expect(parseDemoMemory('{"port":"1","sites":2,"run":"x"}')).to.equal(null)
    expect(parseDemoMemory('{"port":1,"sites":2,"run":"x"}')).to.deep.equal({
      ...{ port: 1, sites: 2, run: 'x' },
    })
  })

  it('counts planted, found and unexpected contacts, and pages astray', () => {
    const contact = { name: null, role: null }
    const truth = new Map([
      [
        'http://a/',
        {
          fate: 'ok',
          failedAttemptsMax: 0,
          contacts: [
            { kind: 'email', value: 'a@a.com', ...contact },
            { kind: 'phone', value: '+1', ...contact },
          ],
        } as const,
      ],
      ['http://b/', { fate: 'failed', codes: ['http_4xx'] } as const],
    ])
    const ended = [
      { url: 'http://a/', status: 'error' },
      { url: 'http://b/', status: 'error' },
    ] as const
    const found = [
      { url: 'http://a/', kind: 'email', value: 'a@a.com' },
      { url: 'http://b/', kind: 'email', value: 'b@b.com' },
    ]

    expect(compareWithTruth(truth, ended, found)).to.deep.equal({
      ...{ planted: 2, found: 1, unexpected: 1, pagesAstray: 1 },
    })
  })

  it('kills only processes that had time to work', () => {
    let nowMs = 0
    let fire = () => {}
    const killed: number[] = []
    const events = createEventBus()
    const chaos = startChaos({
      events,
      random: seededRandom(1),
      kill: (pid) => killed.push(pid),
      clock: {
        nowMs: () => nowMs,
        wallMs: () => nowMs,
        setTimer: (_delayMs, run) => {
          fire = run
          return () => {}
        },
      },
    })
    const worker = { workflow: 'contacts', slots: 1, startMs: 1 }
    events.emit('worker.ready', { ...worker, workerId: 'a', kind: 'thread', pid: 1 })
    events.emit('worker.ready', { ...worker, workerId: 'b', kind: 'process', pid: 2 })
    nowMs = 1_000
    fire()
    expect(killed).to.deep.equal([])
    nowMs = 2_000
    fire()
    fire()
    expect(killed).to.deep.equal([2])
    expect(chaos.kills()).to.equal(1)
    chaos.stop()
  })
})
