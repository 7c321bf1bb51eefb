// Pages that are not there, through an API that bills them: they are paid for once.

import { expect } from 'chai'
import { describe, it } from 'mocha'
import { audit } from '../../src/store/audit.js'
import { eventually } from '../support/poll.js'
import { readStatuses, useProxyRun } from '../support/proxy-run.js'

const PAGES = 12
const MISSING = PAGES / 2

describe('pages whose failure was charged', () => {
  const run = useProxyRun()
  const prefix = 'https://known'
  const urls = Array.from({ length: PAGES }, (_, index) => {
    return `${prefix}${index}-yard.com/${index % 2 === 0 ? 'missing' : ''}`
  })

  it('are not paid for again until somebody asks for them by name', async () => {
    const api = await run.open({ timeScale: 0.01 })
    const { sql } = run.database
    await run.write('pages.txt', urls)
    const work = async (...words: readonly string[]) => {
      const command = ['run', 'contacts', '--input', 'pages.txt', '--json', '--port', 'off']
      const ended = await run.command([...command, ...run.upstream(), ...words]).ended
      expect(ended.exitCode, ended.stderr).to.equal(0)
      return JSON.parse(ended.stdout)
    }
    const first = await work()
    expect(first.failedByCode).to.deep.equal({ http_4xx: MISSING })
    expect(api.counts()).to.include({ calls: PAGES, credits: PAGES })

    // The owner of the rows queues them all again: a new round of each item.
    await sql`
      update public.pages set page_processing_status = 'Queued' where starts_with(url, ${prefix})`
    const second = await work('--name', 'again by the owner')
    expect(second.failedByCode).to.deep.equal({ known_failure: MISSING })
    expect(api.counts(), 'the pages that are there').to.include({ calls: PAGES + MISSING })
    await eventually({ words: 'status words' }, async () => {
      return (await readStatuses(sql, prefix)).Error === MISSING
    })

    const third = await work('--again')
    expect(third.failedByCode).to.deep.equal({ http_4xx: MISSING })
    expect(api.counts()).to.include({ calls: 2 * PAGES + MISSING })
    expect(await audit(sql)).to.include({ isClean: true })
  })
})
