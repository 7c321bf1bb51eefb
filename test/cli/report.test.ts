import { expect } from 'chai'
import {
  progressBar,
  progressWords,
  RateWindow,
  showCount,
  showSeconds,
} from '../../supervisor/cli/progress.js'
import { countOutcomes, type RunReport, reportLines } from '../../supervisor/cli/report.js'
import { csvLine, rowsText } from '../../supervisor/cli/rows.js'
import { wantsColor } from '../../supervisor/cli/streams.js'
import { tableLines } from '../../supervisor/cli/table.js'

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
