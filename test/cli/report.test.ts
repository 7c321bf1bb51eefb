import { expect } from 'chai'
import { Parser } from 'htmlparser2'
import { detailLines, showMs, sparkline } from '../../supervisor/cli/detail-lines.js'
import {
  progressBar,
  progressWords,
  RateWindow,
  showCount,
  showSeconds,
} from '../../supervisor/cli/progress.js'
import { countOutcomes, type RunReport, reportLines } from '../../supervisor/cli/report.js'
import { reportPage } from '../../supervisor/cli/report-page.js'
import { csvLine, rowsText } from '../../supervisor/cli/rows.js'
import { wantsColor } from '../../supervisor/cli/streams.js'
import { tableLines } from '../../supervisor/cli/table.js'
import { HOST, runDetails } from '../support/run-details.js'

const REPORT: RunReport = {
  workflow: 'contacts',
  run: 'contacts-1',
  continued: false,
  items: 1_000,
  ok: 970,
  failed: 30,
  failedByCode: { http_4xx: 20, dns: 10 },
  cancelled: 0,
  retried: 12,
  results: { contacts: 3_400 },
  finishedNow: 1_000,
  durationMs: 25_000,
  itemsPerSecond: 40,
  slotUtilisation: 0.93,
  reusedShare: 0.97,
  badLines: 2,
  fetchedAgain: 5,
  spent: { calls: 1_010, credits: 1_005, useful: 970, failed: 20, crashed: 15, unsure: 17 },
  lost: 0,
  appliedTwice: 0,
  isAuditClean: true,
  truth: { planted: 3_500, found: 3_430, unexpected: 4, pagesAstray: 1 },
  output: '/tmp/out.csv',
}

const FREE = { calls: 0, credits: 0, useful: 0, failed: 0, crashed: 0, unsure: 0 }

describe('cli/detail-lines', () => {
  it('draws a rate, and nothing where nothing ended', () => {
    expect(sparkline([0, 1, 4, 8])).to.equal(' ▂▅█')
    expect(sparkline([0, 0])).to.equal('  ')
    expect(sparkline([])).to.equal('')
  })

  it('says durations in the unit that fits', () => {
    expect([null, 0, 999, 1_000, 59_949, 61_000].map(showMs)).to.deep.equal([
      ...['-', '0 ms', '999 ms', '1.0 s', '59.9 s', '1 min 1 s'],
    ])
  })

  it('tells rate, durations, attempts, hosts and what to do', () => {
    const details = runDetails({
      ...{ open: 2, outcomes: [{ status: 'error', code: 'robots', items: 5 }] },
      tries: [
        { attempts: 1, items: 900 },
        { attempts: 3, items: 30 },
      ],
      rate: [
        { ok: 300, failed: 0 },
        { ok: 570, failed: 30 },
      ],
    })
    const text = detailLines(details).join('\n')
    expect(text).to.match(/^Rate over 1 min 0 s, at most 20\.0 items\/s\n {2}ended {3}▅█\n/)
    expect(text).to.match(/\n {2}failed {3}█\n/)
    expect(text).to.match(/\nattempt +400 ms +900 ms +1\.2 s +2\.5 s +1 min 1 s\n/)
    expect(text).to.match(/\n {3}1 {2}900 {2}█{30}\n {3}3 {3}30 {2}█\n/)
    expect(text).to.match(/\nslow\.example +10 +0 +900 ms +2\.0 s\n/)
    expect(text).to.match(/\nWhat to do next\n {2}- 2 items are still open.*\n {2}- 5 × robots: /)
  })

  it('shows hosts that a page made up as text, and not at any length', () => {
    const host = `evil\u001b[2J\n${'x'.repeat(300)}.example`
    const text = detailLines(runDetails({ slowest: [{ ...HOST, host }] }))
    expect(text.join('\n')).to.not.contain('\u001b')
    expect(Math.max(...text.map((line) => line.length))).to.be.below(120)
  })
})

describe('cli/report-page', () => {
  const page = (changed: Parameters<typeof runDetails>[0] = {}, spent = FREE) =>
    reportPage({
      ...{ details: runDetails(changed), spent, lost: 0, appliedTwice: 0 },
      madeAt: '2026-11-26T10:02:00Z',
    })

  /** Elements and attributes of a document, and what was left open. */
  function readPage(html: string) {
    const seen: { names: string[]; attributes: string[]; open: string[]; text: string } = {
      ...{ names: [], attributes: [], open: [], text: '' },
    }
    const empty = new Set(['meta', 'rect'])
    const parser = new Parser({
      onopentag: (name, attributes) => {
        seen.names.push(name)
        seen.attributes.push(...Object.keys(attributes))
        if (!empty.has(name)) seen.open.push(name)
      },
      onclosetag: (name) => {
        if (!empty.has(name)) expect(seen.open.pop()).to.equal(name)
      },
      ontext: (text) => {
        seen.text += text
      },
    })
    parser.end(html)
    return seen
  }

  it('shows every part, and loads and runs nothing', () => {
    const spent = { ...FREE, calls: 10, credits: 50, useful: 45, failed: 5 }
    const html = page({ worst: [{ ...HOST, failed: 3 }] }, spent)
    const { names, attributes, open, text } = readPage(html)
    expect(open).to.deep.equal([])
    expect(names).to.not.include.members(['script']).and.not.include.members(['link'])
    expect(names.filter((name) => name === 'rect')).to.have.lengthOf(4)
    expect(attributes.filter((name) => /^on|^src$|^href$/.test(name))).to.deep.equal([])
    expect(html).to.contain("default-src 'none'; style-src 'unsafe-inline'")
    for (const title of [
      ...['What to do next', 'Rate over time', 'Outcomes', 'Durations', 'Attempts that items took'],
      ...['Slowest hosts', 'Worst hosts', 'Credits'],
    ]) {
      expect(text).to.contain(title)
    }
  })

  it('takes markup in names for text', () => {
    const evil = `"><script>alert('1')</script><img src=x onerror=alert(1)>&amp;`
    const host = { ...HOST, host: evil.slice(0, 59) }
    const { names, attributes, open, text } = readPage(
      page({
        run: evil,
        workflow: evil,
        slowest: [host],
        outcomes: [{ status: evil, code: evil, items: 1 }],
      }),
    )
    expect(names).to.not.include('script').and.not.include('img')
    expect(attributes).to.not.include('onerror')
    expect(open).to.deep.equal([])
    expect(text).to.contain(evil)
  })

  it('has a page of a run in which nothing ended', () => {
    const nothing = { p50Ms: null, p90Ms: null, p95Ms: null, p99Ms: null, maxMs: null }
    const html = page({
      ...{ items: 0, outcomes: [], tries: [], slowest: [], rate: [], workedMs: 0, endedAt: null },
      ...{ attempt: nothing, latency: nothing },
    })
    expect(readPage(html).text).to.contain('No item ended.')
    expect(html).to.not.match(/NaN|Infinity|undefined/)
  })
})

describe('cli/report', () => {
  it('tells all figures, each failure with its meaning', () => {
    const text = reportLines(REPORT).join('\n')

    expect(text).to.match(/^Done: contacts, run contacts-1\./)
    expect(text).to.match(/pages ok +970 of 1 000 \(97\.0 %\)/)
    expect(text).to.match(/http_4xx +20 {2}The page does not exist/)
    expect(text).to.match(/contacts planted +3 500, found 3 430 \(98\.0 %\), 4 unexpected/)
    expect(text).to.match(/duration +25 s, 40\.0 pages\/s, slots busy 93 %/)
    expect(text).to.match(/connections +reused for 97 % of the fetches/)
    expect(text).to.match(/fetched again +at most 5/)
    expect(text).to.match(/calls +1 010\n/)
    expect(text).to.match(
      /credits +1 005, 0\.30 for each result; of them at most 17 that nobody knows of\n/,
    )
    expect(text).to.match(/of that +970 for pages, 20 lost to failures, 15 to crashes\n/)
    expect(text).to.match(/lost +0\n/)
    expect(text).to.match(/lines not used +2/)
  })

  it('says nothing of credits where no call cost any', () => {
    const free = { calls: 0, credits: 0, useful: 0, failed: 0, crashed: 0, unsure: 0 }
    expect(reportLines({ ...REPORT, spent: free }).join('\n')).not.to.contain('credits')
  })

  it('says first when everything failed, and when there was nothing to do', () => {
    const failed = { ...REPORT, ok: 0, failed: 1_000 }
    expect(reportLines(failed)[0]).to.equal('All 1 000 items failed: contacts, run contacts-1.')
    expect(reportLines({ ...REPORT, items: 0 })[0]).to.match(/^Nothing to do/)
  })

  it('sums outcomes by what they mean', () => {
    expect(
      countOutcomes([
        { status: 'success', code: 'ok', items: 3 },
        { status: 'error', code: 'dns', items: 2 },
        { status: 'cancelled', code: 'cancelled', items: 1 },
      ]),
    ).to.deep.equal({ ok: 3, failed: 2, cancelled: 1, failedByCode: { dns: 2 } })
  })
})

describe('cli/progress', () => {
  const figures = { total: 200, open: 50, ok: 140, failed: 10, inFlight: 9, slots: 10, note: null }

  it('tells how far a run is and when it will end', () => {
    expect(progressWords(figures, 5)).to.equal(
      '150/200  ok 140  failed 10  5.0/s  in flight 9/10  ETA 10 s',
    )
    expect(progressWords({ ...figures, note: 'paused by operator' }, 0)).to.match(
      /paused by operator$/,
    )
    expect(progressBar(figures)).to.equal(`${'█'.repeat(15)}${'░'.repeat(5)}  75%`)
    expect(progressBar({ ...figures, total: 0, open: 0 })).to.match(/ {3}0%$/)
  })

  it('measures the rate over the last ten seconds', () => {
    const rate = new RateWindow()
    expect(rate.perSecond()).to.equal(0)
    for (let second = 0; second <= 30; second += 1) {
      rate.add({ atMs: second * 1_000, done: second < 20 ? 0 : (second - 20) * 7 })
    }
    expect(rate.perSecond()).to.equal(7)
  })

  it('shows figures for people', () => {
    expect(showCount(1_234_567)).to.equal('1 234 567')
    expect([5, 65, 3_700].map(showSeconds)).to.deep.equal(['5 s', '1 min 5 s', '1 h 1 min'])
  })
})

describe('cli/rows', () => {
  it('writes CSV by RFC 4180', () => {
    const fields = ['a', 'b,c', 'd"e', 'f\ng', null, 1.5, new Date(0), { x: 1 }]
    expect(csvLine(fields)).to.equal(
      'a,"b,c","d""e","f\ng",,1.5,1970-01-01T00:00:00.000Z,"{""x"":1}"\r\n',
    )
  })

  it('writes a JSON object a line', () => {
    expect(rowsText('jsonl', ['a'], [{ a: 1 }, { a: null }])).to.equal('{"a":1}\n{"a":null}\n')
  })
})

describe('cli/streams', () => {
  it('colours a terminal only, and not one that asked for none', () => {
    expect(wantsColor(true, {})).to.equal(true)
    expect(wantsColor(false, {})).to.equal(false)
    expect(wantsColor(true, { NO_COLOR: '1' })).to.equal(false)
    expect(wantsColor(true, { NO_COLOR: '' })).to.equal(true)
    expect(wantsColor(true, { TERM: 'dumb' })).to.equal(false)
  })

  it('lines up tables, numbers at the right', () => {
    expect(
      tableLines(
        ['name', 'n'],
        [
          ['a', 5],
          ['bcdef', 1_000],
        ],
      ),
    ).to.deep.equal(['name      n', 'a         5', 'bcdef  1000'])
  })
})
