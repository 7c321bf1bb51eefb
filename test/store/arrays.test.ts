import { expect } from 'chai'
import { connect } from '../../src/store/client.js'
import { useDatabase } from '../support/database.js'

describe('arrays of the built-in types', () => {
  const database = useDatabase()

  const cases: readonly (readonly [type: string, value: readonly unknown[]])[] = [
    ['text', []],
    ['text', ['a', '', null, 'NULL', 'null', '{', '},"', '\\', '\\"', 'ä\n b', "'"]],
    ['varchar', [' x ']],
    ['bigint', ['9223372036854775807', '-1']],
    ['integer', [1, 2, null]],
    ['smallint', [-3]],
    ['double precision', [1.5]],
    ['numeric', ['1.50']],
    ['uuid', ['00000000-0000-0000-0000-000000000001']],
    ['jsonb', [{ a: ['"', '\\', null] }, 'text', 1]],
    ['timestamptz', [new Date('2026-01-02T03:04:05.678Z')]],
  ]
  for (const [type, value] of cases) {
    it(`come back as they went: ${type} ${JSON.stringify(value)}`, async () => {
      const { sql, close } = await connect({ url: database.url })
      // Dates are told as texts: the driver declares an array of them as a date.
      const sent = value.map((each) => (each instanceof Date ? each.toISOString() : each))
      const rows = await sql.unsafe(`select $1::${type}[] as back`, [sent as string[]])
      await close()
      expect(rows[0]?.back).to.deep.equal(value)
    })
  }

  it('are read with booleans, levels and bounds', async () => {
    const { sql, close } = await connect({ url: database.url })
    const rows = await sql`select '{t,f,null}'::boolean[] as b, '{{1,2},{3,4}}'::int[] as l,
                                  '[2:3]={5,6}'::int[] as o`
    await close()
    expect(rows[0]).to.deep.equal({
      b: [true, false, null],
      l: [
        [1, 2],
        [3, 4],
      ],
      o: [5, 6],
    })
  })
})
