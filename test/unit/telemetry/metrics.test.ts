import { expect } from 'chai'
import { createEventBus } from '../../../src/telemetry/events.js'
import { METRICS } from '../../../src/telemetry/metrics.js'
import { startTelemetry } from '../../../src/telemetry/telemetry.js'
import {
  clusterFigures,
  STARTED,
  settled,
  WORKER,
  workflowFigures,
} from '../../web/support/events.js'
import { createManualClock } from '../../web/support/manual-clock.js'

const SAMPLE = /^([a-z_]+)(?:\{(.*)\})? (-?[0-9.e+-]+|NaN|[+-]Inf)$/
const BASE_UNITS =
  /_(connections|seconds|bytes|ratio|total|info|items|slots|workers|nodes|clients|flight)$/

function setup() {
  const clock = createManualClock()
  const bus = createEventBus((error) => {
    throw error
  })
  const telemetry = startTelemetry({ bus, clock, version: '1.2.3', isProcessIncluded: false })
  telemetry.live.stop()
  return { bus, telemetry, text: () => telemetry.metrics.text() }
}

/** A reading of Prometheus' text format: samples by name and labels. */
function parse(text: string): Map<string, number> {
  const samples = new Map<string, number>()
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith('#')) continue
    const found = SAMPLE.exec(line)
    expect(found, line).to.not.equal(null)
    samples.set(`${found?.[1]}{${found?.[2] ?? ''}}`, Number(found?.[3]))
  }
  return samples
}

describe('telemetry/metrics', () => {
  it('exposes text in which every metric of the table has its type and help', async () => {
    const text = await setup().text()
    for (const { name, type, help } of METRICS) {
      expect(text).to.contain(`# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`)
    }
    parse(text)
  })

  it('reads values from the counters', async () => {
    const { bus, text } = setup()
    bus.emit('item.settled', settled({ durationMs: 400 }))
    bus.emit('item.settled', settled({ state: 'retry', code: 'reset', durationMs: 40_000 }))
    const samples = parse(await text())
    const attempt = 'fetchyard_attempts_total{workflow="contacts",state='
    expect(samples.get(`${attempt}"complete",code="ok"}`)).to.equal(1)
    expect(samples.get(`${attempt}"retry",code="reset"}`)).to.equal(1)
    const bucket = 'fetchyard_attempt_duration_seconds_bucket{workflow="contacts",le='
    expect(samples.get(`${bucket}"0.25"}`)).to.equal(0)
    expect(samples.get(`${bucket}"0.5"}`)).to.equal(1)
    expect(samples.get(`${bucket}"+Inf"}`)).to.equal(2)
    expect(samples.get('fetchyard_attempt_duration_seconds_sum{workflow="contacts"}')).to.equal(
      40.4,
    )
  })

  it('says the same thing when it is asked twice', async () => {
    const { bus, text } = setup()
    bus.emit('item.settled', settled())
    expect(await text()).to.equal(await text())
  })

  it('reads items, workers and node from figures and status', async () => {
    const { bus, telemetry, text } = setup()
    bus.emit('supervisor.started', STARTED)
    bus.emit('worker.started', { ...WORKER, pid: 7 })
    bus.emit('worker.ready', { ...WORKER, pid: 7, slots: 10, startMs: 1 })
    bus.emit('supervisor.stopping', { stage: 'drain', reason: 'SIGTERM', inFlight: 0 })
    const own = workflowFigures({ queued: 12, oldestQueuedAt: '2026-11-22T10:00:00.000Z' })
    telemetry.live.setFigures(clusterFigures({ workflows: [own] }))
    const samples = parse(await text())
    expect(samples.get('fetchyard_items{workflow="contacts",state="queued"}')).to.equal(12)
    expect(samples.get('fetchyard_oldest_queued_timestamp_seconds{workflow="contacts"}')).to.equal(
      Date.parse('2026-11-22T10:00:00Z') / 1_000,
    )
    expect(
      samples.get('fetchyard_workers{workflow="contacts",kind="process",state="ready"}'),
    ).to.equal(1)
    expect(samples.get('fetchyard_slots{workflow="contacts"}')).to.equal(10)
    expect(samples.get('fetchyard_draining{}')).to.equal(1)
  })

  // The rules of promlint: https://prometheus.io/docs/practices/naming/
  for (const { name, type, labels, help } of METRICS) {
    it(`${name} follows the naming rules and has no label without an end`, () => {
      expect(name).to.match(/^fetchyard_[a-z_]+$/)
      expect(name.endsWith('_total')).to.equal(type === 'counter')
      expect(name).to.not.match(/_(count|sum|bucket|counter|gauge|histogram|ms|kb)$/)
      expect(help).to.match(/^[A-Z0-9].*[a-z)]\.$/)
      expect(labels).to.not.include.members(['host']).and.not.include.members(['url'])
      if (!BASE_UNITS.test(name)) expect(name).to.match(/_(paused|trusted|draining|fenced|raised)$/)
    })
  }
})
