import { readFile } from 'node:fs/promises'
import { expect } from 'chai'
import { createEventBus } from '../../../src/telemetry/events.js'
import { startTelemetry } from '../../../src/telemetry/telemetry.js'
import { findShipped } from '../../support/pm2.js'
import { promtool } from '../../support/promtool.js'
import {
  clusterFigures,
  nodeFigures,
  STARTED,
  settled,
  WORKER,
  workflowFigures,
} from '../../web/support/events.js'
import { createManualClock } from '../../web/support/manual-clock.js'

/** Metrics of a node on which everything has happened, with those of its process. */
async function fullText(): Promise<string> {
  const bus = createEventBus((error) => {
    throw error
  })
  const telemetry = startTelemetry({ bus, clock: createManualClock(), version: '1.2.3' })
  bus.emit('supervisor.started', STARTED)
  bus.emit('worker.started', { ...WORKER, pid: 7 })
  bus.emit('worker.ready', { ...WORKER, pid: 7, slots: 10, startMs: 1 })
  bus.emit('item.settled', settled())
  bus.emit('item.settled', settled({ state: 'discard', code: 'http_4xx', credits: 5 }))
  bus.emit('items.reclaimed', { workflow: 'contacts', packs: 1, items: 3, reason: 'node_lost' })
  bus.emit('database.connections', { used: 3, max: 100, isCrowded: false, wasCrowded: false })
  const own = workflowFigures({ queued: 4, latencyP50Ms: 400, latencyP95Ms: 9_000 })
  telemetry.live.setFigures(clusterFigures({ workflows: [own], nodes: [nodeFigures()] }))
  const text = await telemetry.metrics.text()
  telemetry.stop()
  return text
}

describe('what Prometheus reads', () => {
  it('is clean by promtool check metrics, process metrics included', async function () {
    const text = await fullText()
    expect(text).to.match(/^fetchyard_attempts_total\{.*state="discard"/m)
    expect(text).to.match(/^process_cpu_seconds_total /m)
    const { isClean, words } = await promtool(this, ['check', 'metrics'], text)
    expect(words).to.equal('')
    expect(isClean).to.equal(true)
  })

  it('tells promtool of a metric that breaks the rules', async function () {
    const broken = '# HELP fetchyard_x_ms Time.\n# TYPE fetchyard_x_ms gauge\nfetchyard_x_ms 1\n'
    const { isClean, words } = await promtool(this, ['check', 'metrics'], broken)
    expect(words).to.contain('fetchyard_x_ms')
    expect(isClean).to.equal(false)
  })

  it('has rules that load, and that fire and are quiet as their tests say', async function () {
    const folder = await findShipped('deploy/prometheus')
    const check = await promtool(this, ['check', 'rules', `${folder}/fetchyard.rules.yml`])
    expect(check.isClean, check.words).to.equal(true)
    const test = await promtool(this, ['test', 'rules', `${folder}/fetchyard.rules.test.yml`])
    expect(test.isClean, test.words).to.equal(true)
  })

  it('has a test that fires and one that is quiet for every alert', async () => {
    const folder = await findShipped('deploy/prometheus')
    const rules = await readFile(`${folder}/fetchyard.rules.yml`, 'utf8')
    const tests = await readFile(`${folder}/fetchyard.rules.test.yml`, 'utf8')
    const alerts = [...rules.matchAll(/- alert: (\w+)/g)].map(([, alert = '']) => alert)
    const named = [...tests.matchAll(/- name: (\w+ (?:fires|is quiet))$/gm)].map(([, name]) => name)
    expect(alerts).to.have.length.above(10)
    expect(named).to.have.members(alerts.flatMap((own) => [`${own} fires`, `${own} is quiet`]))
    const parts = tests.split(/^ {2}- name: /m).slice(1)
    for (const part of parts) {
      const isFiring = /^\w+ fires/.test(part)
      expect(/exp_alerts: \[\]/.test(part), part.split('\n', 1)[0]).to.equal(!isFiring)
    }
  })
})
