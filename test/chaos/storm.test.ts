// A minute of the long storm (npm run chaos): every kind of fault once, then more of them, at real
// supervisors under real PM2. It prints its seed; FETCHYARD_SEED makes the same choices again, though
// not at the same instants: processes are real.

import { expect } from 'chai'
import { describe, it } from 'mocha'
import { FAULT_NAMES, isFaultName } from '../../supervisor/torture/faults.js'
import { ledgerLines } from '../../supervisor/torture/ledger.js'
import { runChaos } from '../storm/chaos.js'
import { tell } from '../support/tell.js'

const SECONDS = 35

const seed = Number(process.env.FETCHYARD_SEED ?? Math.floor(Math.random() * 2 ** 32))

describe(`chaos/storm (FETCHYARD_SEED=${seed})`, () => {
  it('keeps every promise through faults of every kind', async () => {
    const ledger = await runChaos({ seed, durationMs: SECONDS * 1_000 })

    for (const line of ledgerLines(ledger)) tell(line)
    expect(ledger.problems).to.deep.equal([])
    const { figures, faults } = ledger
    expect(figures).to.include({ lost: 0, appliedTwice: 0 })
    expect(figures.items).to.equal(figures.complete + figures.failed)
    expect(figures.complete, 'items complete').to.be.above(200)
    // A fault that met nobody says so; one that was never tried would be missing in both lists.
    const missed = ledger.missed.map((words) => words.split(/[ :]/)[1] ?? '')
    const leftOut = ledger.leftOut.map((words) => words.split(':')[0] ?? '')
    const seen = new Set([...Object.keys(faults), ...missed, ...leftOut].filter(isFaultName))
    expect([...seen]).to.have.members([...FAULT_NAMES])
  })
}).timeout(300_000)
