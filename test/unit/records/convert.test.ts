import { expect } from 'chai'
import { columnValue, convert, mappingOf, oneTable, sampleMapping } from './support.js'

const NAMESPACE = 'https://example.com/applications/1'

function application(inner: string): string {
  return `<Application xmlns="${NAMESPACE}" id="7"><Submitted>2026-03-01T09:30:00Z</Submitted>
    <Status>A</Status><Loan><Amount>12.50</Amount></Loan>${inner}</Application>`
}

describe('convertRecord', () => {
  it('makes rows of all tables with the keys of those they belong to', () => {
    const rows = convert(
      sampleMapping(),
      application(`<Applicants>
        <Applicant main="1"><Name>A</Name><Address><City>X</City></Address>
          <Address kind="work"><City>Y</City></Address></Applicant>
        <Applicant><Name>B</Name><Address><City>Z</City></Address></Applicant></Applicants>`),
    )
    expect(rows).to.deep.equal({
      application: [
        {
          application_id: '7',
          submitted_at: '2026-03-01T09:30:00Z',
          status: 'approved',
          amount: '12.50',
          currency: 'EUR',
          decided_on: null,
          note: null,
        },
      ],
      applicant: [
        { application_id: '7', applicant_no: 1, name: 'A', born_on: null, is_main: true },
        { application_id: '7', applicant_no: 2, name: 'B', born_on: null, is_main: false },
      ],
      address: [
        { ...address(1, 1), kind: 'home', city: 'X' },
        { ...address(1, 2), kind: 'work', city: 'Y' },
        { ...address(2, 1), kind: 'home', city: 'Z' },
      ],
    })
  })

  function address(applicant: number, no: number) {
    return { application_id: '7', applicant_no: applicant, address_no: no, street: null }
  }

  it('compares names expanded, whatever prefixes a document chooses', () => {
    const prefixed = `<a:Application xmlns:a="${NAMESPACE}" id="7"><a:Submitted>2026-03-01T09:30:00Z</a:Submitted>
      <a:Status>A</a:Status><a:Loan><a:Amount>1</a:Amount></a:Loan></a:Application>`
    expect(convert(sampleMapping(), prefixed)).to.have.nested.property('application[0].amount', '1')
    const foreign = prefixed.replace(NAMESPACE, 'https://example.com/other')
    expect(convert(sampleMapping(), foreign)).to.contain('expected the element')
  })

  it('keeps text with entities, references and CDATA as one value, without its blanks', () => {
    const inner = '<v>  a &lt;b&gt; &#x41;&#233; <![CDATA[<&>]]> </v>'
    expect(columnValue({ path: 'v', type: 'text' }, inner)).to.equal('a <b> Aé <&>')
  })

  it('reads each type as the database will, and refuses what does not fit', () => {
    const cases: readonly (readonly [type: string, text: string, value: unknown])[] = [
      ['integer', '-12', -12],
      ['integer', '2147483648', 'whole number'],
      ['smallint', '32767', 32_767],
      ['smallint', '1.0', 'whole number'],
      ['bigint', '9223372036854775807', '9223372036854775807'],
      ['bigint', '9223372036854775808', 'whole number'],
      ['numeric', '0012.3400', '0012.3400'],
      ['numeric', '1,5', 'decimal number'],
      ['numeric', 'NaN', 'decimal number'],
      ['double precision', '1e3', 1_000],
      ['double precision', '1e999', 'fits double precision'],
      ['real', '1e39', 'fits real'],
      ['boolean', 'true', true],
      ['boolean', '0', false],
      ['boolean', 'yes', 'true, false, 1 or 0'],
      ['uuid', '8c0c7e1c-6d0e-4b43-9f0c-0a5f4b8f3a11', '8c0c7e1c-6d0e-4b43-9f0c-0a5f4b8f3a11'],
      ['uuid', '8c0c', 'a UUID'],
      ['date', '2024-02-29', '2024-02-29'],
      ['date', '2023-02-29', 'ISO 8601 date'],
      ['date', '1900-02-29', 'ISO 8601 date'],
      ['date', '2000-02-29', '2000-02-29'],
      ['date', '2023-13-01', 'ISO 8601 date'],
      ['date', '2023-04-31', 'ISO 8601 date'],
      ['date', '2023-04-00', 'ISO 8601 date'],
      ['date', '0000-01-01', 'ISO 8601 date'],
      ['date', '2024-02-29+01:00', '2024-02-29'],
      ['timestamptz', '2024-02-29T23:59:59.5+02:00', '2024-02-29T23:59:59.5+02:00'],
      ['timestamptz', '2024-02-29T23:59:59', 'with its offset'],
      ['timestamptz', '2024-02-29T24:00:00Z', 'ISO 8601 instant'],
    ]
    for (const [type, text, value] of cases) {
      const got = columnValue({ path: 'v', type }, `<v>${text}</v>`)
      const isRefusal = typeof value === 'string' && value.includes(' ')
      if (isRefusal) expect(got, `${type} ${text}`).to.contain(value).and.contain('/r/v: expected')
      else expect(got, `${type} ${text}`).to.equal(value)
    }
  })

  it('reads dates by a pattern, and instants in the zone of the mapping', () => {
    const date = { path: 'v', type: 'date', format: 'dd.MM.yyyy' }
    expect(columnValue(date, '<v>4.3.2026</v>')).to.equal('2026-03-04')
    expect(columnValue(date, '<v>31.02.2026</v>')).to.contain('a date as `dd.MM.yyyy`')
    const instant = {
      path: 'v',
      type: 'timestamptz',
      format: 'MM/dd/yyyy HH:mm',
      zone: '+01:00',
    }
    expect(columnValue(instant, '<v>12/31/2026 08:05</v>')).to.equal('2026-12-31T08:05:00+01:00')
  })

  it('takes what is empty or blank as missing', () => {
    for (const inner of ['', '<v/>', '<v> \n </v>']) {
      expect(columnValue({ path: 'v', type: 'integer' }, inner), inner).to.equal(null)
      expect(columnValue({ path: 'v', type: 'integer', default: 5 }, inner), inner).to.equal(5)
      const required = columnValue({ path: 'v', type: 'integer', required: true }, inner)
      expect(required).to.contain('/r/v: there is no value, and t.v is required')
    }
    expect(convert(oneTable({}), '<r/>')).to.contain('t.k belongs to the key')
  })

  it('refuses several values for one column, unless the mapping says which', () => {
    const inner = '<v>1</v><v>2</v><v/><v>3</v>'
    const of = (many: string) => columnValue({ path: 'v', type: 'text', many }, inner)
    expect(of('refuse')).to.contain('expected one value, got 3')
    expect([of('first'), of('last'), of('join')]).to.deep.equal(['1', '3', '1 2 3'])
  })

  it('turns words into what the mapping says, and refuses others', () => {
    const column = { path: '@v', type: 'integer', values: { low: 1, high: 9 } }
    const of = (word: string) => {
      const rows = convert(oneTable({ v: column }), `<r k="1" v="${word}"/>`)
      return typeof rows === 'string' ? rows : rows.t?.[0]?.v
    }
    expect(of('high')).to.equal(9)
    expect(of('middle')).to.contain('/r/@v: expected one of low, high, got "middle" (line 1')
  })

  it('makes several rows of the record itself, where a table repeats', () => {
    const mapping = mappingOf({
      name: 'flat',
      record: '/r',
      tables: {
        t: {
          each: 'g/e',
          columns: {
            n: { position: true, type: 'integer' },
            v: { path: '.', type: 'text' },
            c: { value: 'fix', type: 'text' },
          },
          key: ['n'],
        },
      },
    })
    expect(convert(mapping, '<r><g><e>a</e></g><g><e>b</e><x><e>no</e></x></g></r>')).to.deep.equal(
      {
        t: [
          { n: 1, v: 'a', c: 'fix' },
          { n: 2, v: 'b', c: 'fix' },
        ],
      },
    )
  })
})
