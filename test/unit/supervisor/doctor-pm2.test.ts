import { expect } from 'chai'
import { judgePm2, parseProcesses } from '../../../supervisor/doctor/pm2.js'

const SHIPPED = {
  exec_mode: 'fork_mode',
  treekill: false,
  shutdown_with_message: true,
  kill_timeout: 45_000,
  stop_exit_codes: [4, 78],
}
const DRAIN_MS = 30_000

const WRONG: readonly [setting: object, level: string, words: RegExp][] = [
  [{ exec_mode: 'cluster_mode' }, 'problem', /cluster mode/],
  [{ treekill: true }, 'problem', /children/],
  [{ kill_timeout: 39_000 }, 'problem', /kills it after 39 s.*30 s/],
  [{ kill_timeout: undefined }, 'problem', /kills it after 1.6 s/],
  [{ shutdown_with_message: false }, 'warning', /signal/],
  [{ stop_exit_codes: [4] }, 'warning', /again and again/],
  [{ stop_exit_codes: undefined }, 'warning', /again and again/],
]

describe('supervisor/doctor: PM2', () => {
  const judge = (changes: object) =>
    judgePm2({ name: 'yard', script: '', settings: { ...SHIPPED, ...changes } }, DRAIN_MS)

  it('has nothing to say against what is shipped', () => {
    expect(judge({}).map(({ level }) => level)).to.deep.equal(['ok'])
  })

  for (const [changes, level, words] of WRONG) {
    it(`finds ${JSON.stringify(changes)}`, () => {
      const [finding, ...others] = judge(changes)
      expect(others).to.deep.equal([])
      expect(finding).to.include({ level })
      expect(finding?.words).to.match(words)
    })
  }

  it('reads the list of PM2 behind what else PM2 says', () => {
    const entry = { name: 'yard', pm2_env: { pm_exec_path: '/srv/main.js', treekill: true } }
    const [found] = parseProcesses(`[PM2] Spawning daemon\n${JSON.stringify([entry, 7, null])}\n`)
    expect(found).to.deep.include({ name: 'yard', script: '/srv/main.js' })
    expect(found?.settings).to.include({ treekill: true })
  })

  for (const text of ['', '[PM2] nothing', '{}', '[{"name":"x"}]']) {
    it(`reads no process from ${JSON.stringify(text)}`, () => {
      expect(parseProcesses(text)).to.deep.equal([])
    })
  }
})
