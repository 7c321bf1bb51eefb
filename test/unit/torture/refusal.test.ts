import { expect } from 'chai'
import { describe, it } from 'mocha'
import { FINISHED_MAX, refusalOf, type TortureTarget } from '../../../supervisor/torture/refusal.js'

const STAGING: TortureTarget = {
  host: 'db.staging.example',
  user: 'app',
  database: 'shop_staging',
  finishedElsewhere: 0,
  livingNodes: [],
}
const UNNAMED = { named: null, isAmongOthers: false }

describe('torture/refusal', () => {
  it('lets a staging database through', () => {
    expect(refusalOf(STAGING, UNNAMED)).to.equal(null)
  })

  for (const [field, value] of [
    ['database', 'shop_production'],
    ['database', 'PROD'],
    ['host', 'primary.db.example'],
    ['host', 'db-live-1'],
    ['user', 'prod_writer'],
  ] as const) {
    it(`takes the ${field} ${value} for production, unless the database is named`, () => {
      const target = { ...STAGING, [field]: value }
      const refusal = refusalOf(target, UNNAMED)
      expect(refusal?.kind).to.equal('production')
      expect(refusal?.message).to.contain(value).and.contain(`--database ${target.database}`)
      expect(refusalOf(target, { ...UNNAMED, named: target.database })).to.equal(null)
    })
  }

  it('takes a database in which much was done for production', () => {
    const used = { ...STAGING, finishedElsewhere: FINISHED_MAX + 1 }
    expect(refusalOf(used, UNNAMED)?.kind).to.equal('production')
    expect(refusalOf({ ...used, finishedElsewhere: FINISHED_MAX }, UNNAMED)).to.equal(null)
  })

  it('refuses another database than the one that was named, whatever it looks like', () => {
    const refusal = refusalOf(STAGING, { ...UNNAMED, named: 'shop' })
    expect(refusal?.kind).to.equal('misnamed')
  })

  it('refuses where others work, also when the database is named', () => {
    const busy = { ...STAGING, livingNodes: ['web-1 (pid 7 on host)'] }
    const refusal = refusalOf(busy, { named: STAGING.database, isAmongOthers: false })
    expect(refusal?.kind).to.equal('others')
    expect(refusal?.message).to.contain('web-1 (pid 7 on host)')
    expect(refusalOf(busy, { named: null, isAmongOthers: true })).to.equal(null)
  })
})
