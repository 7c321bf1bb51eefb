// What a run would cost, what it did cost, and what the API says: all the same figures.

import { expect } from 'chai'
import { describe, it } from 'mocha'
import { useProxyRun } from '../support/proxy-run.js'

const PAGES = 20

describe('the cost of a run', () => {
  const run = useProxyRun()
  const urls = Array.from({ length: PAGES }, (_, index) => {
    return `https://cost${index}-yard.com/${index % 4 === 0 ? 'missing' : ''}`
  })
  const told = async (...words: readonly string[]) => {
    const ended = await run.command([...words, '--json']).ended
    expect(ended.exitCode, ended.stderr).to.equal(0)
    return JSON.parse(ended.stdout)
  }

  it('is estimated before, reported after, and told by run and by item', async () => {
    const api = await run.open({ timeScale: 0.01, faults: { failPerMille: 100 } })
    await run.write('pages.txt', urls)
    const command = ['run', 'contacts', '--input', 'pages.txt', ...run.upstream()]
    const tiers = ['--tiers', 'flat,render,premium']
    const estimate = await told(...command, ...tiers, '--estimate')
    expect(estimate).to.deep.include({ items: PAGES, creditsPerCall: 25, creditsExpected: null })
    expect(estimate).to.include({ creditsMin: PAGES, creditsMax: 3 * 25 * PAGES })

    const dear = ['https://www.google.com/search?q=yard', 'https://www.amazon.de/dp/1']
    await run.write('dear.txt', [...urls, ...dear])
    const mixed = ['run', 'contacts', '--input', 'dear.txt', ...run.upstream(), '--estimate']
    const prices = { creditsPerCallMin: 1, creditsPerCall: 25, creditsMin: PAGES + 25 + 5 }
    expect(await told(...mixed)).to.include({ ...prices, creditsMax: 3 * prices.creditsMin })
    expect(await told(...mixed, '--max-cost', '10'), 'one is refused').to.include({
      creditsMin: PAGES + 5,
    })
    const said = await run.command(mixed).ended
    expect(said.stdout).to.contain(`${PAGES + 2} items, 1 to 25 credits a call.`)

    const report = await told(...command, '--port', 'off', '--render', 'on')
    const { credits, billed } = api.counts()
    expect(credits).to.equal(10 * billed)
    const missing = PAGES / 4
    expect(report.spent).to.include({ credits, failed: 10 * missing, crashed: 0, unsure: 0 })
    expect(report.spent.useful).to.equal(credits - 10 * missing)
    expect(report.spent.calls).to.equal(api.counts().calls)

    const { runs } = await told('spend', 'contacts', '--by', 'run')
    expect(runs).to.deep.equal([{ name: report.run, ...report.spent }])
    const { items } = await told('spend', 'contacts', '--by', 'item')
    expect(items).to.have.length(PAGES)
    const one = await told('spend', 'contacts', '--item', items[0].name)
    expect(one.items).to.deep.equal([items[0]])
    const [ledger] = (await told('spend', 'contacts')).workflows
    expect(ledger.ever.map(({ credits: each }: { credits: number }) => each)).to.have.length(2)

    const again = await told(...command, ...tiers, '--estimate')
    expect(again.creditsExpected).to.equal(credits)
    expect(again.measured.prices).to.deep.equal([{ credits: 10, calls: billed }])
    const words = await run.command([...command, ...tiers, '--estimate']).ended
    expect(words.stdout).to.contain('100 % cost 10 (render)')
    const unknown = await run.command(['spend', '--by', 'item']).ended
    expect(unknown.exitCode).to.equal(2)
  })
})
