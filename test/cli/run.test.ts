import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'chai'
import { useAudit } from '../support/audited.js'
import { useDatabase } from '../support/database.js'
import { runProgram, type StartOptions, startProgram, useDirectory, useSite } from './program.js'

const HABITS = ['--allow-ranges', 'loopback', '--port', 'off']

describe('cli: run', () => {
  const database = useDatabase()
  useAudit(database)
  const directory = useDirectory()
  const site = useSite()

  function options(more: Partial<StartOptions> = {}): StartOptions {
    return { cwd: directory.path, environment: { DATABASE_URL: database.url }, ...more }
  }

  async function writeUrls(name: string, prefix: string, count: number): Promise<void> {
    const urls = Array.from({ length: count }, (_, index) => `${site.origin}/${prefix}${index}`)
    await writeFile(join(directory.path, name), `${urls.join('\n')}\n`)
  }

  function report(stdout: string): { readonly [field: string]: unknown } {
    const value: unknown = JSON.parse(stdout)
    if (typeof value !== 'object' || value === null) throw new Error(`no report: ${stdout}`)
    return { ...value }
  }

  it('goes from a file to a file, and continues without fetching anything again', async () => {
    const { origin } = site
    const csv = `name,url\na,${origin}/one\nb,${origin}/two\nc,nowhere\nd,${origin}/missing\n`
    await writeFile(join(directory.path, 'pages.csv'), csv)
    const words = ['run', 'contacts', '--input', 'pages.csv', '--output', 'out.csv', ...HABITS]

    const first = await runProgram(words, options())

    expect(first.stderr).to.contain('Line 4 is not used: no http or https URL: "nowhere".')
    expect(first.exitCode, first.stderr).to.equal(0)
    expect(first.stdout).to.match(/^Done: contacts/)
    expect(first.stdout).to.match(/pages ok +2 of 3/)
    expect(first.stdout).to.match(/http_4xx +1/)
    expect(first.stdout).to.match(/lost +0\n +applied twice +0\n/)
    const rows = await readFile(join(directory.path, 'out.csv'), 'utf8')
    expect(rows).to.equal(
      'url,kind,value,name,role,found_in,confidence\r\n' +
        `${site.origin}/one,email,hello@one-shop.com,,,mailto,0.95\r\n` +
        `${site.origin}/two,email,hello@two-shop.com,,,mailto,0.95\r\n`,
    )
    expect((await readdir(directory.path)).filter((name) => name.endsWith('.part'))).to.deep.equal(
      [],
    )

    const second = await runProgram([...words, '--json'], options())

    expect(second.exitCode).to.equal(0)
    expect(report(second.stdout)).to.include({ schema: 1, continued: true, ok: 2, failed: 1 })
    expect(site.visits.get('/one')).to.equal(1)

    const again = await runProgram([...words, '--json', '--again'], options())

    expect(report(again.stdout)).to.include({ continued: false, ok: 2, failed: 1, lost: 0 })
    expect(site.visits.get('/one')).to.equal(2)
  })

  it('reads standard input and writes JSONL', async () => {
    const input = `{"url":"${site.origin}/jsonl"}\n`
    const words = ['run', 'contacts', '--input', '-', '--output', 'out.jsonl', '--json', ...HABITS]
    const ended = await runProgram(words, options({ input }))

    expect(ended.exitCode, ended.stderr).to.equal(0)
    expect(report(ended.stdout)).to.include({ items: 1, ok: 1, badLines: 0, appliedTwice: 0 })
    const row: unknown = JSON.parse(await readFile(join(directory.path, 'out.jsonl'), 'utf8'))
    expect(row).to.include({ url: `${site.origin}/jsonl`, value: 'hello@jsonl-shop.com' })
  })

  it('refuses an input without a single URL, after naming the first of its bad lines', async () => {
    const input = Array.from({ length: 30 }, (_, index) => `line ${index}`).join('\n')
    const words = ['run', 'contacts', '--input', '-', ...HABITS]
    const ended = await runProgram(words, options({ input }))

    expect(ended.exitCode).to.equal(2)
    expect(ended.stderr.match(/^Line \d+ is not used/gm)).to.have.length(20)
    expect(ended.stderr).to.contain('none of its 30 lines has one')
  })

  it('says so when everything failed, and ends well', async () => {
    const words = ['run', 'contacts', '--input', '-', ...HABITS]
    const ended = await runProgram(words, options({ input: `${site.origin}/missing?all` }))

    expect(ended.exitCode, ended.stderr).to.equal(0)
    expect(ended.stdout).to.match(/pages ok +1 of 1|^All 1 items failed/)
  })

  it('ends with 4 under PM2, which would start it again after 0', async () => {
    const environment = { DATABASE_URL: database.url, pm_id: '3' }
    const words = ['run', 'contacts', '--input', '-', ...HABITS]
    const input = `${site.origin}/managed`
    expect((await runProgram(words, options({ environment, input }))).exitCode).to.equal(4)
  })

  // The run is killed while its pages are being fetched; the next one sets it right and ends it.
  it('is continued by the same command after kill -9', async () => {
    await writeUrls('killed.txt', 'killed', 20)
    const words = ['run', 'contacts', '--input', 'killed.txt', '--concurrency', '5', ...HABITS]
    site.hold()
    const killed = startProgram([...words], options())
    await site.arrived(5, '/killed')
    killed.child.kill('SIGKILL')
    expect((await killed.ended).signal).to.equal('SIGKILL')
    site.release()

    const ended = await runProgram([...words, '--json'], options())

    expect(ended.exitCode, ended.stderr).to.equal(0)
    expect(report(ended.stdout)).to.include({
      ...{ continued: true, items: 20, ok: 20, failed: 0, lost: 0, appliedTwice: 0 },
    })
    // The five in flight, and what was leased ahead of them.
    expect(report(ended.stdout).fetchedAgain).to.be.within(5, 20)
    expect(report(ended.stdout).results).to.deep.equal({ contacts: 20 })
  })

  it('drains on SIGINT, ends with 75, and is continued by the same command', async () => {
    await writeUrls('stopped.txt', 'stopped', 20)
    const words = ['run', 'contacts', '--input', 'stopped.txt', '--concurrency', '5', ...HABITS]
    site.hold()
    const stopped = startProgram([...words], options())
    await site.arrived(5, '/stopped')
    stopped.child.kill('SIGINT')
    await stopped.says('SIGINT: draining 5 in flight, up to 30 s; Ctrl-C again stops at once.')
    site.release()
    const first = await stopped.ended

    expect(first.exitCode, first.stderr).to.equal(75)
    expect(first.stderr).to.contain('run the same command again to continue')
    expect(first.stdout).to.equal('')

    const second = await runProgram([...words, '--json'], options())

    expect(report(second.stdout)).to.include({ ok: 20, fetchedAgain: 0, lost: 0 })
    const visits = [...site.visits].filter(([path]) => path.startsWith('/stopped'))
    expect(visits.every(([, count]) => count === 1)).to.equal(true)
  })

  it("works a user's own workflow, and says what is wrong with one that is none", async () => {
    const module = `export default {
      name: 'titles',
      sinks: {},
      work: async (item, context) => { await context.fetchPage(item.payload.url); return {} },
    }`
    await writeFile(join(directory.path, 'titles.workflow.mjs'), module)
    await writeFile(join(directory.path, 'broken.workflow.mjs'), 'export default { name: "X" }')
    const input = `${site.origin}/own\n`
    const rest = ['--input', '-', '--json', ...HABITS]

    const ended = await runProgram(['run', './titles.workflow.mjs', ...rest], options({ input }))
    const broken = await runProgram(['run', './broken.workflow.mjs', ...rest], options({ input }))

    expect(ended.exitCode, ended.stderr).to.equal(0)
    expect(report(ended.stdout)).to.include({ workflow: 'titles', ok: 1 })
    expect(site.visits.get('/own')).to.equal(1)
    expect(broken.exitCode).to.equal(78)
    expect(broken.stderr).to.contain('is not valid').and.to.contain('`work`')
  })

  it('ends with 75 and the reason when the workers cannot load the workflow', async () => {
    const module = `if (process.send) throw new Error('not in a worker')
      export default { name: 'sick', sinks: {}, work: () => ({}) }`
    await writeFile(join(directory.path, 'sick.workflow.mjs'), module)
    const words = ['run', './sick.workflow.mjs', '--input', '-', ...HABITS]
    const ended = await runProgram(words, options({ input: `${site.origin}/sick` }))

    expect(ended.exitCode).to.equal(75)
    expect(ended.stderr).to.match(/sick was paused \(module_refused: .*not in a worker/)
    expect(ended.stderr).to.contain('mend the module; then run the same command again')
  })

  it('refuses an output for a workflow without results', async () => {
    const words = ['run', './titles.workflow.mjs', '--input', '-', '--output', 'x.csv', ...HABITS]
    const ended = await runProgram(words, options())

    expect(ended.exitCode).to.equal(2)
    expect(ended.stderr).to.contain('titles has no results to write')
  })
})
