import { expect } from 'chai'
import { createEventBus } from '../../../src/telemetry/events.js'
import { createLogger, createLogSubscriber, type LogOptions } from '../../../src/telemetry/log.js'
import { summaryLine } from '../../../src/telemetry/summary.js'
import { settled, WORKER } from '../../web/support/events.js'
import { createManualClock } from '../../web/support/manual-clock.js'

function setup(options: LogOptions & { linesMax?: number } = {}) {
  const written: string[] = []
  const stream = { write: (line: string) => void written.push(line) }
  const { linesMax, ...logOptions } = options
  const logger = createLogger({ format: 'json', stream, ...logOptions })
  const clock = createManualClock()
  const bus = createEventBus((error) => {
    throw error
  })
  bus.subscribe(createLogSubscriber(logger, { clock, ...(linesMax ? { linesMax } : {}) }))
  const lines = () => written.map((line): Record<string, unknown> => JSON.parse(line))
  return { bus, clock, lines, logger, written }
}

describe('telemetry/log', () => {
  it('writes one line of JSON with level, time, event and fields', () => {
    const { bus, lines } = setup({ base: { node: 'yard-1' } })
    bus.emit('items.reclaimed', { workflow: 'contacts', packs: 1, items: 2, reason: 'node_lost' })
    expect(lines()).to.have.length(1)
    expect(lines()[0]).to.include({
      level: 'warn',
      node: 'yard-1',
      event: 'items.reclaimed',
      items: 2,
      msg: 'Reclaimed 2 orphans of contacts (node_lost)',
    })
    expect(lines()[0]?.time).to.match(/^\d{4}-\d\d-\d\dT.*Z$/)
  })

  it('writes nothing of what is below the level', () => {
    const { bus, lines } = setup()
    bus.emit('item.settled', settled())
    bus.emit('heartbeat.sent', { durationMs: 2 })
    expect(lines()).to.be.empty
  })

  it('removes secrets from words and fields of a failed item', () => {
    const { bus, written } = setup()
    bus.emit(
      'item.settled',
      settled({
        state: 'discard',
        code: 'http_4xx',
        itemKey: 'https://u:SECRET@example.com/?k=SECRET',
        message: 'HTTP 404 from https://example.com/p?session=SECRET',
      }),
    )
    expect(written.join('')).to.contain('https://example.com/p?[redacted]')
    expect(written.join('')).to.not.contain('SECRET')
  })

  it('removes secrets from what a handler logs and from errors', () => {
    const { bus, logger, written } = setup()
    const fields = { headers: { cookie: 'SECRET' }, url: 'https://a.example/?t=SECRET' }
    bus.emit('worker.log', { ...WORKER, level: 'info', message: 'token: SECRET', fields })
    logger.error({ err: new Error('postgres://u:SECRET@db/x') }, 'with password=SECRET')
    logger.error(new Error('Bearer SECRETSECRET'))
    expect(written).to.have.length(3)
    expect(written.join('')).to.not.contain('SECRET')
  })

  // A page decides what an error message says; it must not be able to write log lines of its own.
  for (const format of ['json', 'pretty'] as const) {
    it(`keeps forged lines within their line when it is ${format}`, () => {
      const { bus, written } = setup({ format, color: false })
      const message = 'x\n{"level":"error","msg":"forged"}\u001b[2J'
      bus.emit('heartbeat.failed', { message })
      const text = written.join('')
      expect(text).to.not.contain('\u001b')
      expect(text.split('\n').filter((line) => line.startsWith('{"level":"error"'))).to.be.empty
    })
  }

  it('withholds a flood of one event and says how much', () => {
    const { bus, clock, lines } = setup({ linesMax: 3 })
    for (let count = 0; count < 10; count += 1) bus.emit('heartbeat.failed', { message: 'no' })
    bus.emit('reclaim.failed', { message: 'another event has lines of its own' })
    clock.advance(1_000)
    bus.emit('heartbeat.failed', { message: 'no' })
    expect(lines().map((line) => line.withheld)).to.deep.equal([
      ...[undefined, undefined, undefined, undefined],
      7,
    ])
  })

  it('ends a run with one line', () => {
    expect(summaryLine({ complete: 118, failed: 2, elapsedMs: 33_500, noun: 'pages' })).to.equal(
      '120 pages in 33.5 s; 118 successful, 2 failed, 0.28 s per page',
    )
    expect(summaryLine({ complete: 0, failed: 0, elapsedMs: 40 })).to.equal(
      '0 items in 0.04 s; 0 successful, 0 failed, 0 s per item',
    )
  })
})
