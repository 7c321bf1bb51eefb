import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect } from 'chai'
import { hasCode, messageOf } from '../../../src/core/errors.js'
import { probeData, probeModule } from '../../../supervisor/module-probe.js'

describe('supervisor/module-probe', () => {
  let directory = ''

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'fetchyard-probe-'))
  })
  after(() => rm(directory, { recursive: true, force: true }))

  let names = 0
  const probe = async (text: string, importMs?: number) => {
    names += 1
    const path = join(directory, `flow-${names}.mjs`)
    await writeFile(path, text)
    return probeModule(pathToFileURL(path).href, 'my.mjs', importMs)
  }
  const refusal = async (text: string, importMs?: number) => {
    const error = await probe(text, importMs).then(
      () => null,
      (reason: unknown) => reason,
    )
    expect(hasCode(error, 'WORKFLOW_INVALID')).to.equal(true)
    return messageOf(error)
  }

  it('tells what a module declares, but for its code, whatever it prints and leaves running', async () => {
    const declared = await probe(`
      console.log('{"declared": "no"}')
      setInterval(() => {}, 1000)
      export default { name: 'fine', sinks: {}, tables: ['select 1'], options: { attempts: 2 },
        work: () => ({}) }`)
    expect(declared).to.deep.equal({
      ...{ name: 'fine', sinks: {}, tables: ['select 1'], options: { attempts: 2 } },
    })
  })

  it('says where a module threw that throws on import', async () => {
    const words = await refusal(`const a = 1\n\nthrow new Error('no luck')`)
    expect(words).to.equal('The workflow module my.mjs cannot be imported: no luck (line 3)')
  })

  it('says what a module lacks', async () => {
    expect(await refusal(`export default { name: 'x', work: () => ({}) }`)).to.match(
      /in my\.mjs is not valid.*\n- `sinks`: expected an object, got nothing/,
    )
    expect(await refusal('export const flow = {}')).to.match(/`default export`.*got nothing/)
    expect(await refusal(`import 'nowhere-to-be-found'`)).to.contain('nowhere-to-be-found')
    expect(await refusal('export default {')).to.contain('cannot be imported')
  })

  it('tells data that a module exports, and refuses what would not survive being told', async () => {
    const tell = async (text: string) => {
      names += 1
      const path = join(directory, `data-${names}.mjs`)
      await writeFile(path, text)
      return probeData(pathToFileURL(path).href).catch(messageOf)
    }
    expect(await tell('export default { tables: { a: [1, null] } }')).to.deep.equal({
      tables: { a: [1, null] },
    })
    expect(await tell('export const other = 1')).to.equal(null)
    expect(await tell('export default { a: { b: () => 1 } }')).to.contain('`b` is a function')
    expect(await tell(`throw new Error('no luck')`)).to.equal('no luck (line 1)')
    expect(await tell('process.exit(0)')).to.match(/ended with code 0 before it was imported/)
  })

  it('asks again when its process is killed from outside', async () => {
    const mark = join(directory, 'was-here')
    const declared = await probe(`
      import { existsSync, writeFileSync } from 'node:fs'
      if (!existsSync(${JSON.stringify(mark)})) {
        writeFileSync(${JSON.stringify(mark)}, '')
        process.kill(process.pid, 'SIGKILL')
      }
      export default { name: 'second', sinks: {}, work: () => ({}) }`)
    expect(declared).to.include({ name: 'second' })
  })

  const deaths: readonly (readonly [string, string, RegExp])[] = [
    ['exits', 'process.exit(0)', /process ended with code 0 before it was imported/],
    ['is killed', `process.kill(process.pid, 'SIGKILL')`, /process ended on SIGKILL/],
    [
      'throws later',
      `setTimeout(() => { throw new Error('later') }, 1); await new Promise((r) => setTimeout(r, 9e6))`,
      /process ended with code 1/,
    ],
  ]
  for (const [what, text, words] of deaths) {
    it(`survives a module that ${what} on import`, async () => {
      expect(await refusal(text)).to.match(words)
    })
  }

  it('ends a module that blocks for ever on import', async () => {
    expect(await refusal('for (;;) {}', 500)).to.match(/did not come to an end within 0.5 s/)
  })

  it('keeps secrets of the environment from it', async () => {
    process.env.FETCHYARD_TEST_SECRET = 'secret'
    const { tables } = await probe(`
      export default { name: 'spy', sinks: {}, work: () => ({}),
        tables: [String(process.env.FETCHYARD_TEST_SECRET)] }`)
    delete process.env.FETCHYARD_TEST_SECRET
    expect(tables).to.deep.equal(['undefined'])
  })
})
