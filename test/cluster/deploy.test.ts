import { readFile } from 'node:fs/promises'
import { expect } from 'chai'
import { describe, it } from 'mocha'
import { OPTIONS } from '../../config/options.js'
import { EXIT_CODES } from '../../src/core/errors.js'
import { METRICS } from '../../src/telemetry/metrics.js'
import { findShipped } from '../support/pm2.js'

const readDeployed = async (path: string) => readFile(await findShipped(`deploy/${path}`), 'utf8')

/** A histogram is asked for by the names of its parts. */
const metricOf = (name: string) => name.replace(/_(bucket|sum|count)$/, '')

describe('deploy', () => {
  const known = new Set(METRICS.map((metric) => metric.name))

  for (const path of ['prometheus/fetchyard.rules.yml', 'grafana/fetchyard.json']) {
    it(`asks for metrics that there are: ${path}`, async () => {
      const asked = (await readDeployed(path)).match(/fetchyard_[a-z_]+/g) ?? []
      expect(asked).not.to.have.lengthOf(0)
      expect(asked.filter((name) => !known.has(metricOf(name)))).to.deep.equal([])
    })
  }

  it('asks for labels that the metrics have', async () => {
    const labels = new Map(METRICS.map(({ name, labels }) => [name, labels]))
    const text = [
      await readDeployed('prometheus/fetchyard.rules.yml'),
      JSON.parse(await readDeployed('grafana/fetchyard.json')).panels.flatMap(
        (panel: { targets: { expr: string }[] }) => panel.targets.map(({ expr }) => expr),
      ),
    ].join('\n')
    const asked = [...text.matchAll(/(fetchyard_[a-z_]+)\{([^}]*)\}/g)].flatMap(
      ([, metric = '', matchers = '']) =>
        [...matchers.matchAll(/(\w+)(?:=~|!=|!~|=)"/g)].map(([, label = '']) => [metric, label]),
    )
    expect(asked).to.have.length.above(10)
    const unknown = asked.filter(
      ([metric = '', label = '']) => !labels.get(metricOf(metric))?.includes(label),
    )
    expect(unknown).to.deep.equal([])
  })

  it('lets systemd wait for the drain and restart what a restart may mend', async () => {
    const unit = await readDeployed('systemd/fetchyard.service')
    const timeoutMs = Number(/^TimeoutStopSec=(\d+)$/m.exec(unit)?.[1]) * 1_000
    expect(timeoutMs).to.be.at.least(OPTIONS.drainMs.default + 10_000)
    const { drained, configuration } = EXIT_CODES
    expect(unit).to.match(new RegExp(`^RestartPreventExitStatus=${drained} ${configuration}$`, 'm'))
    expect(unit).to.match(/^KillMode=mixed$/m)
    expect(unit).to.match(/^ExecStart=.*node --max-semi-space-size=4 /m)
  })
})
